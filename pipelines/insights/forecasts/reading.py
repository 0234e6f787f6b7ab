"""Daily series of accounts, read from their daily rollups."""

from collections.abc import Mapping, Sequence
from datetime import date

from metrics.documents import AggregatedDocument
from metrics.forecasts import FORECASTED, Forecasted
from metrics.periods import DAY, midnight
from metrics.store import Store
from pipelines.insights.forecasts.series import HISTORY_DAYS, DailySeries

WHOLE = 0.9
"""The share of a day's hours that must be observed, for a day's count to be that of the day."""
_FIELDS = (
    "periodLabel", "status", "coverage", "definitionVersion", *(f"aggregatedMetrics.{name}" for name in FORECASTED)
)  # fmt: skip

AccountMetric = tuple[str, str]
"""An account and a metric."""


def read_series(
    store: Store,
    workspace_id: str,
    version: int,
    account_ids: Sequence[str],
    until: date,
    *,
    days: int = HISTORY_DAYS,
) -> Mapping[AccountMetric, DailySeries]:
    """Return the newest `days` of series of accounts until a day of their workspace's calendar.

    Series without any value are left out.

    `version` is that of the calendar. A day that has not ended has no value, and neither has a count of a day with less
    than nine tenths of its hours observed. Days that were rolled up by another definition than the newest are left out.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    # A workspace's day begins up to fourteen hours before the UTC day of its date, and up to twelve after it.
    first, end = midnight(until) - (days + 1) * DAY, midnight(until) + 2 * DAY
    rows = store.rollups.aggregated(
        workspace_id, "daily", first, end, version=version, account_ids=account_ids, fields=_FIELDS
    )
    by_account: dict[str, list[AggregatedDocument]] = {}
    for row in rows:
        if row["status"] != "open" and row["periodLabel"] <= until.isoformat():
            by_account.setdefault(row["accountId"], []).append(row)
    return {
        (account_id, name): series
        for account_id, days in by_account.items()
        for name, metric in FORECASTED.items()
        if (series := _series_of(metric, days, until)) is not None
    }


def _series_of(metric: Forecasted, days: Sequence[AggregatedDocument], until: date) -> DailySeries | None:
    definition = days[-1]["definitionVersion"]
    values = {
        date.fromisoformat(day["periodLabel"]): float(value)
        for day in days
        if day["definitionVersion"] == definition
        and isinstance(value := day["aggregatedMetrics"].get(metric.name), int | float)
        and (not metric.counted or _is_whole(day))
    }
    cut = any(day["definitionVersion"] != definition for day in days)
    return DailySeries.of(values, until, cut=cut)


def _is_whole(day: AggregatedDocument) -> bool:
    expected = day["coverage"]["expectedSlots"]
    return 0 < expected * WHOLE <= day["coverage"]["observedSlots"]
