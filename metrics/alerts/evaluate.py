"""What closed periods mean for an alert: it fires, does not, or has no value to compare."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from metrics.aggregation.sides import sides
from metrics.calendars import Span
from metrics.calendars.workspace import WorkspaceCalendar
from metrics.definitions.one_value import MetricValue, metric_value
from metrics.definitions.scope import Scope
from metrics.errors import InvalidInput, NotFound
from metrics.expected import Connection
from metrics.periods import DAY, Period
from metrics.store import Store
from metrics.store.workspace.alerts import AlertDocument, NotEvaluated

LOOKED_BACK: dict[Period, int] = {"daily": 7, "weekly": 3, "monthly": 2}
"""How many closed periods are evaluated: late data, and a pipeline that stood still, change the newest ones."""
LEAST_OBSERVED = 0.9
"""The share of a period's hours that must have been observed for its value to be compared."""
_LENGTH: dict[Period, int] = {"daily": 1, "weekly": 7, "monthly": 31}


@dataclass(frozen=True, slots=True)
class Outcome:
    """An alert in a closed period. Without a value that may be compared, `reason` says why, and it does not fire."""

    span: Span
    fires: bool = False
    value: float | None = None
    change_percent: float | None = None
    reason: NotEvaluated | None = None


def closed_periods(alert: AlertDocument, calendars: WorkspaceCalendar, now: datetime) -> list[Span]:
    """Return the newest periods of an alert that have ended, and ended after it was set; oldest first."""
    period, today = alert["period"], calendars.current.date_of(now)
    most = LOOKED_BACK[period]
    spans = calendars.spans_between(period, today - (most + 1) * _LENGTH[period] * DAY, today)
    return [one for one in spans if not one.empty and alert["since"] < one.end <= now][-most:]


def evaluate_alert(store: Store, alert: AlertDocument, now: datetime) -> Iterator[Outcome]:
    """Yield the outcome of each closed period of an alert, oldest first; one that was not rolled up yet is left out.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    workspace_id = alert["workspaceId"]
    calendars = store.calendars.get(workspace_id)
    accounts = store.accounts.connections([workspace_id])
    selected = frozenset(alert["accountIds"]) if "accountIds" in alert else None
    scope = Scope(workspace_id, account_ids=selected)
    inside = [one for one in accounts if scope.takes(one)]
    for span in closed_periods(alert, calendars, now):
        try:
            found = _outcome(store, alert, scope, inside, span, calendars, now)
        except (NotFound, InvalidInput):
            found = Outcome(span, reason="metric_gone")
        if found is not None:
            yield found


def _outcome(
    store: Store,
    alert: AlertDocument,
    scope: Scope,
    accounts: list[Connection],
    span: Span,
    calendars: WorkspaceCalendar,
    now: datetime,
) -> Outcome | None:
    metric, period, threshold = alert["metric"], alert["period"], alert["threshold"]
    if alert["comparison"] in ("above", "below"):
        value = metric_value(store, metric, scope, period, span.bounds, now)
        if value.status == "open":
            return None
        if (reason := _not_whole(value)) is not None or value.value is None:
            return Outcome(span, reason=reason)
        fires = value.value > threshold if alert["comparison"] == "above" else value.value < threshold
        return Outcome(span, fires, value.value)
    before = sides("previous", period, span.bounds, now, calendars.current).previous
    assert before is not None  # noqa: S101 - told to mypy: every period has a preceding one
    # Like for like: an account that was connected in between would look like a rise.
    same = frozenset(one.account_id for one in accounts if one.throughout(*before) and one.throughout(*span.bounds))
    if not same:
        return Outcome(span, reason="not_comparable")
    of_both = replace(scope, account_ids=same)
    value, previous = (metric_value(store, metric, of_both, period, one, now) for one in (span.bounds, before))
    if value.status == "open":
        return None
    for one in (value, previous):
        if (reason := _not_whole(one)) is not None:
            return Outcome(span, value=value.value if one is previous else None, reason=reason)
    if value.value is None or not previous.value:
        return Outcome(span, value=value.value, reason="zero_basis")
    change = 100 * (value.value - previous.value) / abs(previous.value)
    fires = change > threshold if alert["comparison"] == "rises" else change < -threshold
    return Outcome(span, fires, value.value, change)


def _not_whole(value: MetricValue) -> NotEvaluated | None:
    """Return why a value must not be compared: it is unknown, or accounts or many hours are missing from it.

    A few missing hours change little: the net of a counter that was not read for an hour stands in the next one.
    """
    if value.value is None:
        return value.reason or "no_observation"
    return "partial" if value.missing or value.observed < LEAST_OBSERVED else None
