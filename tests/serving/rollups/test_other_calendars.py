"""Rollups are read by the days of any calendar: stored and merged periods, their labels, totals and comparisons."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from metrics.calendars import Calendar
from metrics.calendars.workspace import WorkspaceCalendar
from metrics.documents import AccountDocument
from metrics.settings import Settings
from metrics.store import Store
from serving.endpoints.rollups.charts import Chart
from serving.endpoints.rollups.names import METRICS
from serving.endpoints.rollups.selection import Selection
from tests.serving.conftest import account

NEW_YORK = Calendar("America/New_York", "sunday", "10-01", version=3)
FIRST, LAST = date(2026, 10, 20), date(2026, 11, 10)
"""Clocks go back on 1 November, which is a Sunday: that day has 25 hours."""
NOW = datetime(2026, 11, 20, tzinfo=UTC)
NAMES = ("followers", "followerGrowth", "profileViews")


def local(day: date) -> datetime:
    """Return midnight in New York, by hand: four hours behind UTC up to 1 November, five from the next day on."""
    return datetime(day.year, day.month, day.day, 4 if day <= date(2026, 11, 1) else 5, tzinfo=UTC)


@pytest.fixture
def rolled(store: Store) -> Store:
    """Rollups by local day: followers grow by one a day from 100 on, and there are 10 profile views a day."""
    connected: AccountDocument = {**account("a1", "w1"), "connectedAt": datetime(2026, 1, 1, tzinfo=UTC)}
    store.accounts.put([connected])
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=number)
        start, end, level = local(day), local(day + timedelta(days=1)), 100 + number
        hours = int((end - start).total_seconds()) // 3600
        common = {
            "workspaceId": "w1",
            "accountId": "a1",
            "platform": "instagram",
            "period": "daily",
            "periodStart": start,
            "calendarVersion": NEW_YORK.version,
        }
        followers = {
            "open": level - 1,
            "close": level,
            "net": 1,
            "samples": 24,
            "min": level,
            "max": level,
            "sum": level,
        }
        store.rollups.subjects.insert_one(
            {
                **common, "_id": f"s{number}", "subjectId": "a1", "metricType": "account", "observedSlots": hours,
                "metrics": {"followers": followers, "profileViews": {"total": 10, "samples": 1}},
            }
        )  # fmt: skip
        store.rollups.accounts.insert_one(
            {
                **common, "_id": f"a{number}", "periodEnd": end, "unavailable": {}, "status": "complete",
                "aggregatedMetrics": {"followers": level, "followerGrowth": 1, "profileViews": 10},
                "coverage": {"expectedSlots": hours, "observedSlots": hours}, "definitionVersion": 2,
                "computedAt": NOW, "runId": "r",
            }
        )  # fmt: skip
    return store


def charted(store: Store, settings: Settings, interval: str, first: date, last: date, **more: Any) -> tuple[Any, Any]:
    accounts = store.accounts.connections(["w1"])
    whole = Selection("custom", first, last, WorkspaceCalendar(NEW_YORK), {"workspaceId": "w1"}, accounts, NOW, **more)
    selection = replace(whole, kind=interval, compare=None)  # type: ignore[arg-type]
    chart = Chart(store, settings, selection.periods, selection, whole, (), None)
    (group,) = chart.groups()
    series = {one["metric"]: one for one in chart.series(group, [METRICS[name] for name in NAMES])}
    return selection.periods, series


def test_days_are_those_of_the_calendar(rolled: Store, settings: Settings) -> None:
    periods, series = charted(rolled, settings, "daily", date(2026, 10, 31), date(2026, 11, 2))
    assert [(period.label, period.hours) for period in periods] == [
        ("2026-10-31", 24), ("2026-11-01", 25), ("2026-11-02", 24),
    ]  # fmt: skip
    assert series["followers"]["values"] == [111, 112, 113]
    assert series["followers"]["status"] == ["complete"] * 3
    assert (series["followers"]["total"], series["profileViews"]["total"]) == (113, 30)


@pytest.mark.parametrize(
    ("interval", "labels", "views", "levels"),
    [
        ("rolling-7", ["2026-10-31", "2026-11-01"], [70, 70], [111, 112]),
        ("fiscal-month", ["FY2027-P01", "FY2027-P02"], [120, 100], [111, 121]),
        ("fiscal-quarter", ["FY2027-Q1"], [220], [121]),
        ("quarterly", ["2026-Q4"], [220], [121]),
    ],
)
def test_longer_periods_are_merged_from_the_days_of_the_calendar(
    rolled: Store, settings: Settings, interval: str, labels: list[str], views: list[int], levels: list[int]
) -> None:
    periods, series = charted(rolled, settings, interval, date(2026, 10, 31), date(2026, 11, 1))
    assert [period.label for period in periods] == labels
    assert series["profileViews"]["values"] == views
    assert series["followers"]["values"] == levels


def test_range_is_compared_with_as_many_days_of_the_calendar(rolled: Store, settings: Settings) -> None:
    _, series = charted(rolled, settings, "daily", date(2026, 11, 1), date(2026, 11, 4), compare="previous")
    said = series["profileViews"]["comparison"]
    assert (said["current"]["start"], said["previous"]["start"]) == (
        local(date(2026, 11, 1)),
        local(date(2026, 10, 28)),
    )
    assert said["current"]["start"] == said["previous"]["end"]
    assert (said["current"]["days"], said["previous"]["days"]) == (4, 4)
    assert said["change"] == {"current": 40, "previous": 40, "delta": 0, "deltaPercent": 0}
    assert said["comparable"]


def test_documents_of_another_calendar_are_not_taken_for_those_of_this_one(rolled: Store, settings: Settings) -> None:
    rolled.rollups.accounts.update_one({"_id": "a12"}, {"$set": {"calendarVersion": NEW_YORK.version - 1}})
    _, series = charted(rolled, settings, "daily", date(2026, 10, 31), date(2026, 11, 2))
    assert series["followers"]["values"] == [111, None, 113]
