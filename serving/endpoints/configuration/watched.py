"""The watch list of a workspace: list, read, set and remove accounts of others, and enter their numbers by hand."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.clock import utcnow
from metrics.documents import Platform, WatchedDocument
from metrics.errors import InvalidInput, NotFound
from metrics.platforms.registry import FACTS
from metrics.store import Store
from metrics.upkeep.retention import Horizon
from metrics.watching.lists import NewWatch, Refused, unwatch, watch, watched_account
from metrics.watching.numbers import enter_numbers
from serving.endpoints.access import existing_workspace, key_of, platform_of
from serving.endpoints.answering import WHOLE
from serving.endpoints.bodies import json_body
from serving.endpoints.configuration.changed import announce_change, fresh
from serving.endpoints.query import NoQuery, parse
from serving.schemas.base import declared_names
from serving.schemas.watched import NumbersToEnter, WatchedAccount, WatchToSet
from serving.services import services
from serving.wire.problems import Problem, not_found


async def watched_accounts(request: Request) -> Response:
    """Answer the accounts that a workspace watches, by platform and key."""
    workspace_id = await existing_workspace(request, "read")
    parse(request, NoQuery)
    parts = services(request)

    def read() -> dict[str, Any]:
        found = parts.store.watch_lists.all(workspace_id)
        others = sum("own" not in one for one in found)
        off = sorted(parts.store.watch_lists.platforms_off(workspace_id))
        meta = {"others": others, "limit": parts.settings.watch_limit, "platformsOff": off}
        return {"data": [_shown(one) for one in found], "page": WHOLE, "meta": meta}

    return fresh(await parts.threads.run_for(key_of(request).key_id, read))


async def watched(request: Request) -> Response:
    """Answer one watched account."""
    workspace_id = await existing_workspace(request, "read")
    platform, name = platform_of(request), request.path_params["handleOrId"]
    parse(request, NoQuery)
    parts = services(request)
    found = await parts.threads.run_for(key_of(request).key_id, _read, parts.store, workspace_id, platform, name)
    return fresh({"data": _shown(found)})


async def put_watched(request: Request) -> Response:
    """Watch an account, or set label, group and own account of one that is watched."""
    workspace_id = await existing_workspace(request, "admin")
    platform, name = platform_of(request), request.path_params["handleOrId"]
    parse(request, NoQuery)
    body, parts = await json_body(request, WatchToSet), services(request)
    wanted = NewWatch(platform, name, body.label, body.group, body.own)

    def change() -> dict[str, Any]:
        try:
            found = watch(parts.store, workspace_id, wanted, utcnow(), parts.settings.watch_limit)
        except Refused as error:
            raise _impossible(error) from None
        announce_change(parts, workspace_id, "watched account")
        return _shown(found.document)

    return fresh({"data": await parts.threads.run_for(key_of(request).key_id, change)})


async def delete_watched(request: Request) -> Response:
    """Stop watching an account, and delete its public numbers, posts and rollups."""
    workspace_id = await existing_workspace(request, "admin")
    platform, name = platform_of(request), request.path_params["handleOrId"]
    parse(request, NoQuery)
    parts = services(request)

    def change() -> dict[str, Any]:
        _read(parts.store, workspace_id, platform, name)
        try:
            found, _ = unwatch(parts.store, workspace_id, platform, name)
        except NotFound:
            raise not_found() from None
        announce_change(parts, workspace_id, "watched account")
        return _shown(found)

    return fresh({"data": await parts.threads.run_for(key_of(request).key_id, change)})


async def put_watched_numbers(request: Request) -> Response:
    """Enter numbers of a watched account by hand, for a day of the workspace's calendar."""
    workspace_id = await existing_workspace(request, "admin")
    platform, name = platform_of(request), request.path_params["handleOrId"]
    parse(request, NoQuery)
    body, parts, key = await json_body(request, NumbersToEnter), services(request), key_of(request)

    def change() -> dict[str, Any]:
        _read(parts.store, workspace_id, platform, name)
        horizon = Horizon.of(parts.store, parts.settings, utcnow())
        try:
            found = enter_numbers(
                parts.store, workspace_id, platform, name, body.numbers, key.name, horizon, day=body.date
            )
        except NotFound:
            raise not_found() from None
        except Refused as error:
            raise _impossible(error) from None
        announce_change(parts, workspace_id, "watched account")
        entered = {"date": found.day.isoformat(), "numbers": found.numbers, "enteredAt": found.entered_at}
        return {**_shown(found.watched), **entered}

    return fresh({"data": await parts.threads.run_for(key.key_id, change)})


def _read(store: Store, workspace_id: str, platform: Platform, name: str) -> WatchedDocument:
    try:
        return watched_account(store, workspace_id, platform, name)
    except (InvalidInput, NotFound):
        # A text that is no name of an account cannot be watched.
        raise not_found() from None


def _impossible(error: Refused) -> Problem:
    return Problem(422, f"{error}.", errors=[(error.parameter, str(error))] if error.parameter else [])


def _shown(found: WatchedDocument) -> dict[str, Any]:
    names = declared_names(WatchedAccount)
    shown = {name: value for name, value in found.items() if name in names}
    days = FACTS[found["platform"]].public.terms.days
    return shown | {"watchedSince": found["connectedAt"]} | ({} if days is None else {"keptDays": days})
