"""Properties of the ladder: a day's closing value is read on that day, and no post is due before it exists."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from metrics.periods import DAY, HOUR, midnight, slot_of
from pipelines.collect.ladder import DAILY_UNTIL, FOLLOWED_UNTIL, HOURLY_UNTIL, due, due_slots

published = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC))


@given(published, st.integers(0, 29))
def test_last_slot_of_each_day_is_due_for_thirty_days(at: datetime, day: int) -> None:
    slot = midnight(at) + day * DAY + 23 * HOUR
    assert due(at, slot)


@given(published, st.integers(0, 12))
def test_last_slot_of_each_sunday_is_due_to_the_end(at: datetime, week: int) -> None:
    sunday = midnight(at) + timedelta(days=6 - at.weekday()) + week * timedelta(days=7)
    slot = sunday + 23 * HOUR
    assert due(at, slot) == (slot + HOUR - at <= FOLLOWED_UNTIL)


@given(published, st.integers(1, 5000))
def test_never_due_before_publication(at: datetime, hours: int) -> None:
    assert not due(at, slot_of(at) - hours * HOUR)


@given(published, st.integers(0, 47))
def test_every_slot_is_due_for_two_days(at: datetime, hours: int) -> None:
    slot = slot_of(at) + hours * HOUR
    assert due(at, slot) or slot + HOUR - at > HOURLY_UNTIL


@given(published)
def test_due_slots_are_those_that_are_due(at: datetime) -> None:
    start, end = slot_of(at) - DAY, slot_of(at) + FOLLOWED_UNTIL + DAY
    hours = int((end - start) / HOUR)
    assert due_slots(at, start, end) == [s for n in range(hours) if due(at, s := start + n * HOUR)]


def test_a_post_costs_about_a_hundred_reads() -> None:
    at = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
    slots = due_slots(at, at - DAY, at + FOLLOWED_UNTIL + DAY)
    assert len(slots) == 48 + 20 + 23 + 8
    assert all(s.hour == 23 for s in slots if s - at > timedelta(days=7))
    assert all(s.weekday() == 6 for s in slots if s - at > DAILY_UNTIL)
