"""Anomalies of a workspace: list them, say that somebody has seen one, and set how many alarms are wanted."""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.anomalies import AnomalyDocument, WatchedDocument, public
from metrics.clock import utcnow
from metrics.encoding import dump_json
from metrics.errors import NotFound
from metrics.redis.events import anomaly_event
from metrics.store.insights.anomalies import Wanted
from serving.cache.plan import State
from serving.endpoints.access import existing_workspace, key_of, workspace
from serving.endpoints.answering import answer, envelope
from serving.endpoints.bodies import json_body
from serving.endpoints.configuration.changed import announce_change, fresh
from serving.endpoints.coverage import accounts_of
from serving.endpoints.cursors import decode_cursor, encode_cursor, instant, milliseconds
from serving.endpoints.query import AnomaliesQuery, NoQuery, parse
from serving.schemas.anomalies import AlarmBudget, Anomaly, AnomalyJudgement
from serving.schemas.base import declared_names
from serving.services import services
from serving.wire.problems import not_found


async def anomalies(request: Request) -> Response:
    """Answer the anomalies of a workspace that overlap a range of days, newest first."""
    workspace_id = await workspace(request, "read")
    query, parts, route = parse(request, AnomaliesQuery), services(request), request.url.path
    decode_cursor(query, route, 2)
    query.days()

    def read(state: State) -> bytes:
        accounts = accounts_of(parts.store, key_of(request), workspace_id)
        if query.account_id is not None and all(one.account_id != query.account_id for one in accounts):
            raise NotFound(f"no account {query.account_id}")
        calendar = parts.store.calendars.get(workspace_id).current
        dated, place = query.dated(calendar), decode_cursor(query, route, 2)
        after: tuple[datetime, str] | None = (instant(place[0]), str(place[1])) if place else None
        wanted = Wanted(query.status, query.kind, query.metric, query.account_id, query.post_id)
        found = parts.store.anomalies.page(workspace_id, wanted, *dated.bounds(calendar), query.limit + 1, after)
        cursor = None
        if len(found) > query.limit:
            found = found[: query.limit]
            cursor = encode_cursor(query, route, [milliseconds(found[-1]["from"]), found[-1]["_id"]])
        watched = parts.store.watched.of(workspace_id, query.account_id)
        meta = _watched(watched, parts.store.anomalies.budget(workspace_id), listed=query.account_id is not None)
        return dump_json(envelope([shown(one) for one in found], dated, state, cursor=cursor, watched=meta))

    return await answer(request, workspace_id, "anomalies", query, read)


async def put_anomaly(request: Request) -> Response:
    """Set what a person says of an anomaly, in place of what was said before."""
    workspace_id = await existing_workspace(request, "collect")
    parse(request, NoQuery)
    body, parts, key = await json_body(request, AnomalyJudgement), services(request), key_of(request)
    anomaly_id = request.path_params["anomalyId"]

    def change() -> dict[str, Any]:
        before = parts.store.anomalies.get(workspace_id, anomaly_id)
        if before is None:
            raise not_found()
        wanted: dict[str, Any] = {}
        if body.acknowledged:
            # The name of the key that acknowledged it first stays.
            wanted["acknowledgedBy"] = before.get("acknowledgedBy", key.name)
            wanted["acknowledgedAt"] = before.get("acknowledgedAt", utcnow())
        if body.muted:
            wanted["muted"] = True
        if body.note:
            wanted["note"] = body.note
        removed = [name for name in ("acknowledgedBy", "acknowledgedAt", "muted", "note") if name not in wanted]
        after = parts.store.anomalies.change(workspace_id, anomaly_id, wanted, removed)
        if after is None:
            raise not_found()
        announce_change(parts, workspace_id, "anomaly", [anomaly_event("updated", after)])
        return shown(after)

    return fresh({"data": await parts.threads.run_for(key.key_id, change)})


async def alarm_budget(request: Request) -> Response:
    """Answer how many alarms a week a series of a workspace may give."""
    workspace_id = await existing_workspace(request, "read")
    parse(request, NoQuery)
    parts = services(request)
    budget = await parts.threads.run_for(key_of(request).key_id, parts.store.anomalies.budget, workspace_id)
    return fresh({"data": {"alarmsPerWeek": budget}})


async def put_alarm_budget(request: Request) -> Response:
    """Set how many alarms a week a series of a workspace may give; it holds for hours that are judged from now on."""
    workspace_id = await existing_workspace(request, "admin")
    parse(request, NoQuery)
    body, parts = await json_body(request, AlarmBudget), services(request)

    def change() -> None:
        parts.store.anomalies.set_budget(workspace_id, body.alarms_per_week)
        announce_change(parts, workspace_id, "alarm budget")

    await parts.threads.run_for(key_of(request).key_id, change)
    return fresh({"data": {"alarmsPerWeek": body.alarms_per_week}})


def shown(document: AnomalyDocument) -> dict[str, Any]:
    """Return an anomaly as the API shows it."""
    declared = declared_names(Anomaly)
    return {name: value for name, value in public(document).items() if name in declared}


def _watched(watched: list[WatchedDocument], budget: float, *, listed: bool) -> dict[str, Any]:
    reasons, series = [], 0
    for account in watched:
        for grain, of_grain in (("hour", account.get("hour", ())), ("day", account.get("day", ()))):
            for one in of_grain:
                series += "unavailable" not in one
                if "unavailable" in one:
                    reasons.append(
                        {
                            "accountId": account["accountId"],
                            "metric": one["metric"],
                            "grain": grain,
                            "reason": one["unavailable"],
                        }
                    )
    found: dict[str, Any] = {"series": series, "unavailable": len(reasons), "budget": budget}
    return {**found, "posts": _judged(watched, listed=listed), **({"reasons": reasons} if listed else {})}


def _judged(watched: list[WatchedDocument], *, listed: bool) -> dict[str, Any]:
    """Return in how many types of posts breakouts are looked for, and in which not."""
    types = [(account["accountId"], one) for account in watched for one in account.get("posts", ())]
    refused = [(account_id, one) for account_id, one in types if "unavailable" in one]
    found: dict[str, Any] = {"types": len(types) - len(refused), "unavailable": len(refused)}
    if listed:
        found["reasons"] = [
            {
                "accountId": account_id,
                "metricType": one["metricType"],
                "posts": one["posts"],
                "reason": one["unavailable"],
            }
            for account_id, one in refused
        ]
    return found
