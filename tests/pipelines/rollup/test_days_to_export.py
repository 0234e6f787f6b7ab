"""Which days are exported again: observations by their dates in UTC, rollups by the dates of the workspace."""

from datetime import UTC, date, datetime

from metrics.calendars import Calendar
from metrics.documents import Observation
from metrics.periods import HOUR
from metrics.settings import Settings
from metrics.store import Store
from metrics.upkeep.retention import Horizon
from pipelines.rollup import roll
from pipelines.rollup.recalendar import change_calendar
from tests.serving.conftest import account

NOW = datetime(2026, 1, 25, tzinfo=UTC)
LATE = datetime(2026, 1, 15, 20, tzinfo=UTC)
"""In Tokyo, this is an hour of the next day."""


def observe(store: Store, at: datetime) -> None:
    store.accounts.put([{**account("a1", "w"), "connectedAt": datetime(2026, 1, 10, tzinfo=UTC)}])
    store.observations.append(
        [Observation("w", "a1", "instagram", "account", at, at + HOUR, {"followers": 7}, "r", "v")]
    )


def marked(store: Store) -> set[date]:
    return {mark.day.date() for mark in store.exports.pending(NOW)}


def test_a_late_observation_marks_its_date_in_utc_and_that_of_the_workspace(store: Store) -> None:
    calendar = store.calendars.prepare("w", Calendar("Asia/Tokyo"))
    assert store.calendars.switch("w", calendar, [])
    observe(store, LATE)
    roll(store, "daily", [datetime(2026, 1, 16, tzinfo=UTC)], run_id="r", now=NOW)
    assert {date(2026, 1, 15), date(2026, 1, 16)} <= marked(store)


def test_a_change_of_the_calendar_marks_all_days_of_both(store: Store, settings: Settings) -> None:
    observe(store, LATE)
    roll(store, "daily", [datetime(2026, 1, 15, tzinfo=UTC)], run_id="r", now=NOW)
    store.exports.settle(store.exports.pending(NOW))
    store.calendars.prepare("w", Calendar("Asia/Tokyo"))
    horizon = Horizon.of(store, settings, NOW)
    assert change_calendar(store, "w", run_id="r", horizon=horizon, now=NOW, progress=lambda *_: None)
    assert {date(2026, 1, 15), date(2026, 1, 16)} <= marked(store)
