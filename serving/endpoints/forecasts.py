"""`GET …/forecasts`: what was said last of the days ahead, with intervals, evidence, or the reason why nothing was."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.clock import utcnow
from metrics.encoding import dump_json
from metrics.expected import Connection
from metrics.forecasts import FORECASTED, ForecastDocument, Forecasted, SaidDocument, WorkspaceForecastDocument
from metrics.periods import HOUR, slot_of
from serving.cache.plan import State
from serving.endpoints.access import key_of, workspace
from serving.endpoints.answering import answer, envelope
from serving.endpoints.coverage import accounts_of, in_scope
from serving.endpoints.query import ForecastsQuery, parse
from serving.schemas.base import declared_names
from serving.schemas.forecasts import AccountForecast
from serving.services import services

_BOUNDS = ("lo80", "hi80", "lo95", "hi95")
_OF_POINTS = ("method", "backtest", "caveats")


async def forecasts(request: Request) -> Response:
    """Answer what is expected of a metric in the next days, by account and in all, or why nothing can be said."""
    workspace_id = await workspace(request, "read")
    query, parts = parse(request, ForecastsQuery), services(request)
    metric = FORECASTED[query.metric]
    scope = {"workspaceId": workspace_id} | ({"accountId": query.account_id} if query.account_id else {})

    def read(state: State) -> bytes:
        accounts = in_scope(accounts_of(parts.store, key_of(request), workspace_id), scope)
        newest = parts.store.forecasts.newest(workspace_id, metric.name, query.account_id)
        said = {one["accountId"]: one for one in newest}
        not_stored = parts.store.consents.not_stored(workspace_id)
        now = slot_of(utcnow())
        found = []
        for account in accounts:
            if (document := said.get(account.account_id)) is not None:
                found.append(described(document, metric, query.horizon))
            elif account.expected(now, now + HOUR):
                reason = "terms" if account.platform in not_stored else _nothing_said(account, metric)
                found.append(_unavailable(account, reason))
        data = {"metric": metric.name, "unit": metric.unit, "horizon": query.horizon, "forecasts": found}
        if query.account_id is None and found:
            of_sum = parts.store.forecasts.newest_of_workspace(workspace_id, metric.name)
            data["workspace"] = _of_workspace(of_sum, said, metric, query.horizon)
        body = envelope(data, query, state)
        del body["page"]
        return dump_json(body)

    return await answer(request, workspace_id, "forecasts", query, read)


def _of_workspace(
    of_sum: WorkspaceForecastDocument | None, said: Mapping[str, ForecastDocument], metric: Forecasted, horizon: int
) -> dict[str, Any]:
    if of_sum is None:
        reason = "not_yet_available" if metric.adds_over_accounts else "not_additive"
        return {"unavailable": {"reason": reason}}
    found = described(of_sum, metric, horizon)
    found |= {"accountIds": of_sum["accountIds"], "leftOut": of_sum["leftOut"]}
    accounts = [said[name] for name in of_sum["accountIds"] if name in said and said[name]["day"] == of_sum["day"]]
    if "points" in found and len(accounts) == len(of_sum["accountIds"]):
        each = [described(one, metric, horizon) for one in accounts]
        if all("points" in one for one in each):
            found["difference"] = round(_whole(found) - sum(map(_whole, each)), 2)
    return found


def _whole(found: Mapping[str, Any]) -> float:
    """Return the total of a forecast; without one, its last value."""
    value: float = found["total"]["value"] if "total" in found else found["points"][-1]["value"]
    return value


def described(document: SaidDocument, metric: Forecasted, horizon: int) -> dict[str, Any]:
    """Return what a document says of the first days of a horizon."""
    declared = declared_names(AccountForecast)
    found = {name: value for name, value in document.items() if name in declared and name not in _OF_POINTS}
    if "origin" in document:
        found["trainedTo"] = document["origin"]
    values = document.get("values", ())
    if len(values) < horizon:
        # A history that is long enough for a week may be too short for four.
        found["unavailable"] = {"reason": document.get("unavailable", "too_short")}
        return found
    first = date.fromisoformat(document["origin"]) + timedelta(days=1)
    bounds: Mapping[str, Any] = document
    found["points"] = [
        {
            "date": (first + timedelta(days=ahead)).isoformat(),
            "value": values[ahead],
            **{name: bounds[name][ahead] for name in _BOUNDS},
        }
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
