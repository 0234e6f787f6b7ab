"""`GET …/accounts` and `GET /analytics/workspaces`: the accounts of a workspace with the state of their collection."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.calendars import Calendar
from metrics.encoding import dump_json
from metrics.platforms.registry import KEPT_DAYS
from metrics.store import Store
from serving.auth.authenticator import require
from serving.cache.answer import encode_answer
from serving.cache.plan import State
from serving.endpoints.access import key_of, require_existing, workspace
from serving.endpoints.answering import WHOLE, answer, envelope, respond
from serving.endpoints.me import visible_workspaces
from serving.endpoints.query import NoQuery, parse
from serving.schemas.base import public_fields
from serving.schemas.reads import Account
from serving.schemas.work import public_history
from serving.services import services


async def accounts(request: Request) -> Response:
    """Answer the accounts of a workspace, with their state, their last collection and its errors."""
    workspace_id = await workspace(request, "read")
    query, parts = parse(request, NoQuery), services(request)

    def read(state: State) -> bytes:
        require_existing(parts.store, key_of(request), workspace_id)
        records = parts.store.collections.last_by_account(workspace_id)
        histories = parts.store.memories.histories(workspaceId=workspace_id)
        data = []
        for account in parts.store.accounts.find(workspace_id=workspace_id):
            record = records.get(account["_id"], {})
            last, collected = record.get("last"), record.get("collected")
            row = public_fields(account, Account, "accountId")
            if (days := KEPT_DAYS.get((account["platform"], account.get("access", "owner")))) is not None:
                row["keptDays"] = days
            if collected:
                row |= {"lastCollectedSlot": collected["slot"], "lastCollectedAt": collected["finishedAt"]}
            if last and last["state"] != "collected":
                error = {n: last[n] for n in ("reason", "message") if n in last}
                row["lastError"] = {"slot": last["slot"], **error}
            if last and "problems" in last:
                row["lastProblems"] = [{"slot": last["slot"], **problem} for problem in last["problems"]]
            if account["_id"] in histories:
                row["history"] = public_history(histories[account["_id"]])
            data.append(row)
        return dump_json(envelope(data, query, state))

    return await answer(request, workspace_id, "accounts", query, read)


def _described(store: Store, workspace_id: str, states: Mapping[str, int], calendar: Calendar) -> dict[str, Any]:
    found: dict[str, Any] = {
        "workspaceId": workspace_id,
        "accounts": states,
        "calendar": {**calendar.described(), "version": calendar.version},
    }
    newest = store.observations.newest_slot({"workspaceId": workspace_id})
    return found if newest is None else {**found, "newestSlot": newest}


async def workspaces(request: Request) -> Response:
    """Answer the workspaces that the key may see: their accounts by state, their calendar and their newest hour."""
    parts = services(request)
    key = await parts.auth.authenticate(request)
    require(key, "read")
    parse(request, NoQuery)

    def read() -> list[dict[str, Any]]:
        found = visible_workspaces(parts.store, key)
        states = parts.store.accounts.states(found)
        calendars = parts.store.calendars.of(found)
        return [_described(parts.store, name, states.get(name, {}), calendars[name].current) for name in found]

    body = dump_json({"data": await parts.threads.run(read), "page": WHOLE, "meta": {}})
    return respond(request, await encode_answer(body, State(None, None)))
