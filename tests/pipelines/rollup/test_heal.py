"""The periods that a change affects."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from metrics.calendars import UTC_CALENDAR, Calendar
from metrics.settings import Settings
from metrics.store import Store
from pipelines.rollup import roll
from pipelines.rollup.affected_periods import affected_periods, next_observed_days
from tests.pipelines.rollup.reference import period_of
from tests.pipelines.rollup.test_roll import DAY, NOW, account, at, seen

SLOTS = st.datetimes(datetime(2023, 12, 1), datetime(2026, 12, 31), timezones=st.just(UTC))


@given(st.lists(SLOTS, max_size=5))
def test_days_touch_their_week_and_month(slots: list[datetime]) -> None:
    found = affected_periods(UTC_CALENDAR, {slot.date() for slot in slots})
    for period, starts in found.items():
        assert starts == sorted({period_of(period, slot)[0] for slot in slots})


def test_week_of_a_years_first_day_begins_in_the_year_before() -> None:
    found = affected_periods(UTC_CALENDAR, [date(2026, 1, 1)])
    assert found["weekly"] == [datetime(2025, 12, 29, tzinfo=UTC)]
    assert found["monthly"] == [datetime(2026, 1, 1, tzinfo=UTC)]


def test_week_from_sunday_has_the_partition_of_the_monday_in_it() -> None:
    calendar = Calendar(week_start="sunday")
    sunday, saturday = date(2026, 11, 29), date(2026, 12, 5)
    found = affected_periods(calendar, [sunday, saturday])
    assert found["weekly"] == [datetime(2026, 11, 30, tzinfo=UTC)]
    assert found["monthly"] == [datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)]


def test_late_hour_touches_the_next_day_of_its_metric_alone(store: Store, settings: Settings) -> None:
    account(store, settings)
    days = [DAY + timedelta(days=n) for n in range(4)]
    by_day = [{"followers": 10}, {"following": 3}, {"followers": 12}, {"followers": 13}]
    store.observations.append([seen(at(1, day), None, **values) for day, values in zip(days, by_day, strict=True)])
    roll(store, "daily", days, run_id="r", now=NOW)
    assert next_observed_days(store, "w", UTC_CALENDAR, DAY, ["a"]) == set()
    store.observations.append([seen(at(2), followers=11)])
    report = roll(store, "daily", [DAY], run_id="r", now=NOW)
    assert [start for _, period, start in report.touched if period == "daily"] == [days[2]]


def test_roll_cut_short_is_followed_up_by_the_next(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(1), followers=10)])
    store.marks.touch([("w", "daily", DAY)])
    roll(store, "daily", [DAY], run_id="r", now=NOW)
    # As if the roll-up had been killed before it followed up and settled: its mark is there, that of the week is not.
    store.db["roll_marks"].delete_many({"period": {"$ne": "daily"}})
    store.db["roll_marks"].update_one({}, {"$set": {"dirty": True}})
    report = roll(store, "daily", [DAY], run_id="r", now=NOW)
    assert report.replaced == 0
    assert [mark.start for mark in store.marks.pending("weekly")] == [DAY]
