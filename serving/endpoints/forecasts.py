"""`GET …/forecasts` and `…/forecasts/hours`: what was said last of the days or hours ahead, or why nothing was."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from metrics.clock import utcnow
from metrics.encoding import dump_json
from metrics.expected import Connection
from metrics.forecasts import (
    FORECASTED,
    HOURLY_FORECASTED,
    ForecastDocument,
    Forecasted,
    HourlyForecastDocument,
    SaidDocument,
    SaidOfHoursDocument,
    WorkspaceForecastDocument,
    WorkspaceHourlyForecastDocument,
)
from metrics.periods import HOUR, slot_of
from serving.cache.plan import State
from serving.endpoints.access import existing_workspace, key_of, workspace
from serving.endpoints.answering import answer, envelope
from serving.endpoints.bodies import json_body
from serving.endpoints.configuration.changed import announce_change, fresh
from serving.endpoints.coverage import accounts_of, in_scope
from serving.endpoints.query import ForecastsQuery, HourlyForecastsQuery, NoQuery, parse
from serving.schemas.base import Shape, declared_names
from serving.schemas.forecasts import AccountForecast, AccountHourlyForecast, ForecastPool
from serving.services import services

_BOUNDS = ("lo80", "hi80", "lo95", "hi95")
_OF_POINTS = ("method", "backtest", "caveats")
_Document = TypeVar("_Document", ForecastDocument, HourlyForecastDocument)


async def forecasts(request: Request) -> Response:
    """Answer what is expected of a metric in the next days, by account and in all, or why nothing can be said."""
    workspace_id = await workspace(request, "read")
    query, parts = parse(request, ForecastsQuery), services(request)
    metric = FORECASTED[query.metric]

    def read(state: State) -> bytes:
        newest = parts.store.forecasts.newest(workspace_id, metric.name, query.account_id)
        said = {one["accountId"]: one for one in newest}
        found = list(_of_accounts(request, workspace_id, query, metric, said, described))
        data = {"metric": metric.name, "unit": metric.unit, "horizon": query.horizon, "forecasts": found}
        if query.account_id is None and found:
            of_sum = parts.store.forecasts.of_workspaces.newest(workspace_id, metric.name)
            data["workspace"] = _of_workspace(of_sum, said, metric, query.horizon, described)
        body = envelope(data, query, state)
        del body["page"]
        return dump_json(body)

    return await answer(request, workspace_id, "forecasts", query, read)


async def hourly_forecasts(request: Request) -> Response:
    """Answer what is expected of a metric in the next hours, by account, or why nothing can be said."""
    workspace_id = await workspace(request, "read")
    query, parts = parse(request, HourlyForecastsQuery), services(request)
    metric = HOURLY_FORECASTED[query.metric]

    def read(state: State) -> bytes:
        newest = parts.store.hourly_forecasts.newest(workspace_id, metric.name, query.account_id)
        said = {one["accountId"]: one for one in newest}
        found = list(_of_accounts(request, workspace_id, query, metric, said, described_hours))
        data = {"metric": metric.name, "unit": metric.unit, "horizon": query.horizon, "forecasts": found}
        if query.account_id is None and found:
            of_sum = parts.store.hourly_forecasts.of_workspaces.newest(workspace_id, metric.name)
            data["workspace"] = _of_workspace(of_sum, said, metric, query.horizon, described_hours)
        body = envelope(data, query, state)
        del body["page"]
        return dump_json(body)

    return await answer(request, workspace_id, "forecasts", query, read)


def _of_accounts(
    request: Request,
    workspace_id: str,
    query: ForecastsQuery | HourlyForecastsQuery,
    metric: Forecasted,
    said: Mapping[str, _Document],
    describe: Callable[[_Document, Forecasted, int], dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    """Yield what is said of each account of the query, or why nothing is."""
    scope = {"workspaceId": workspace_id} | ({"accountId": query.account_id} if query.account_id else {})
    store, now = services(request).store, slot_of(utcnow())
    not_stored = store.consents.not_stored(workspace_id)
    for account in in_scope(accounts_of(store, key_of(request), workspace_id), scope):
        if (document := said.get(account.account_id)) is not None:
            yield describe(document, metric, query.horizon)
        elif account.expected(now, now + HOUR):
            yield _unavailable(account, "terms" if account.platform in not_stored else _nothing_said(account, metric))


def _of_workspace(
    of_sum: WorkspaceForecastDocument | WorkspaceHourlyForecastDocument | None,
    said: Mapping[str, ForecastDocument] | Mapping[str, HourlyForecastDocument],
    metric: Forecasted,
    horizon: int,
    describe: Callable[[Any, Forecasted, int], dict[str, Any]],
) -> dict[str, Any]:
    if of_sum is None:
        reason = "not_yet_available" if metric.adds_over_accounts else "not_additive"
        return {"unavailable": {"reason": reason}}
    found = describe(of_sum, metric, horizon)
    found |= {"accountIds": of_sum["accountIds"], "leftOut": of_sum["leftOut"]}
    accounts = [said[name] for name in of_sum["accountIds"] if name in said and _end(said[name]) == _end(of_sum)]
    if "points" in found and len(accounts) == len(of_sum["accountIds"]):
        each = [describe(one, metric, horizon) for one in accounts]
        if all("points" in one for one in each):
            found["difference"] = round(_whole(found) - sum(map(_whole, each)), 2)
    return found


def _end(document: Mapping[str, Any]) -> datetime:
    """Return the day, or the six hours, at whose end something was said."""
    end: datetime = document["day"] if "day" in document else document["window"]
    return end


def _whole(found: Mapping[str, Any]) -> float:
    """Return the total of a forecast; without one, its last value."""
    value: float = found["total"]["value"] if "total" in found else found["points"][-1]["value"]
    return value


def described(document: SaidDocument, metric: Forecasted, horizon: int) -> dict[str, Any]:
    """Return what a document says of the first days of a horizon."""

    def date_of(ahead: int) -> dict[str, Any]:
        day = date.fromisoformat(document["origin"]) + timedelta(days=ahead + 1)
        return {"date": day.isoformat()}

    return _described(document, AccountForecast, metric, horizon, date_of)


def described_hours(document: SaidOfHoursDocument, metric: Forecasted, horizon: int) -> dict[str, Any]:
    """Return what a document says of the first hours of a horizon."""

    def start_of(ahead: int) -> dict[str, Any]:
        return {"at": document["origin"] + (ahead + 1) * HOUR}

    return _described(document, AccountHourlyForecast, metric, horizon, start_of)


def _described(
    document: SaidDocument | SaidOfHoursDocument,
    shape: type[Shape],
    metric: Forecasted,
    horizon: int,
    when: Callable[[int], dict[str, Any]],
) -> dict[str, Any]:
    declared = declared_names(shape)
    found = {name: value for name, value in document.items() if name in declared and name not in _OF_POINTS}
    if "origin" in document:
        found["trainedTo"] = document["origin"]
    values = document.get("values", ())
    if len(values) < horizon:
        # A history that is long enough for a week may be too short for four.
        found["unavailable"] = {"reason": document.get("unavailable", "too_short")}
        return found
    bounds: Mapping[str, Any] = document
    found["points"] = [
        {**when(ahead), "value": values[ahead], **{name: bounds[name][ahead] for name in _BOUNDS}}
        for ahead in range(horizon)
    ]
    found |= {name: bounds[name] for name in _OF_POINTS}
    total = next((one for one in document["totals"] if one["days"] == horizon), None)
    if total is not None:
        found["total"] = {name: value for name, value in total.items() if name != "days"}
    else:
        found["totalUnavailable"] = "too_few" if metric.adds_over_days else "not_additive"
    return found


def _nothing_said(account: Connection, metric: Forecasted) -> str:
    return "not_yet_available" if metric.offered(account.platform) else "not_supported"


def _unavailable(account: Connection, reason: str) -> dict[str, Any]:
    return {"accountId": account.account_id, "platform": account.platform, "unavailable": {"reason": reason}}


async def forecast_pool(request: Request) -> Response:
    """Answer whether the series of a workspace are learned from, together with those of others."""
    workspace_id = await existing_workspace(request, "read")
    parse(request, NoQuery)
    parts = services(request)
    pooled = await parts.threads.run_for(key_of(request).key_id, parts.store.forecast_models.pooled, workspace_id)
    return fresh({"data": {"pooled": pooled}})


async def put_forecast_pool(request: Request) -> Response:
    """Set whether the series of a workspace are learned from; it holds for models that are trained from now on."""
    workspace_id = await existing_workspace(request, "admin")
    parse(request, NoQuery)
    body, parts = await json_body(request, ForecastPool), services(request)

    def change() -> None:
        parts.store.forecast_models.set_pooled(workspace_id, pooled=body.pooled)
        announce_change(parts, workspace_id, "forecast pool")

    await parts.threads.run_for(key_of(request).key_id, change)
    return fresh({"data": {"pooled": body.pooled}})
