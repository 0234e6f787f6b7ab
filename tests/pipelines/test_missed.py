"""Missed hours: what lacks a record, per platform, newest first, and nothing that could not have been collected."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from metrics.documents import Platform
from metrics.periods import HOUR
from pipelines.missed import LOOK_BACK_HOURS, Missed, missed_slots

NOW = datetime(2024, 7, 1, 12, 20, tzinfo=UTC)
NEWEST = datetime(2024, 7, 1, 11, tzinfo=UTC)
EVER = datetime(2024, 1, 1, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)


def test_five_hours_of_downtime_are_found_newest_first() -> None:
    missed = missed_slots({"instagram": LONG_AGO}, lambda slot, _: slot <= NEWEST - 5 * HOUR, NOW, EVER)
    assert missed == [Missed(NEWEST - back * HOUR, ("instagram",)) for back in range(5)]


def test_only_the_platforms_without_a_record_are_asked_for() -> None:
    connected: dict[Platform, datetime] = {"twitter": LONG_AGO, "instagram": LONG_AGO}
    missed = missed_slots(connected, lambda slot, platform: slot < NEWEST or platform == "twitter", NOW, EVER)
    assert missed == [Missed(NEWEST, ("instagram",))]


def test_newest_hour_is_left_to_the_schedule_for_a_quarter_of_an_hour() -> None:
    at_noon = NOW.replace(minute=14)
    assert missed_slots({"instagram": LONG_AGO}, lambda slot, _: slot < NEWEST, at_noon, EVER) == []


@given(st.datetimes(datetime(2024, 6, 28), datetime(2024, 7, 2), timezones=st.just(UTC)))
def test_nothing_is_expected_before_the_first_account_or_beyond_two_days(connected: datetime) -> None:
    slots = [one.slot for one in missed_slots({"linkedin": connected}, lambda *_: False, NOW, EVER)]
    assert slots == sorted(slots, reverse=True)
    assert all(slot + HOUR > connected for slot in slots)
    assert len(slots) <= LOOK_BACK_HOURS


def test_without_accounts_nothing_is_missed() -> None:
    assert missed_slots({}, lambda *_: False, NOW, EVER) == []


def test_hours_older_than_kept_are_not_asked_for() -> None:
    kept = NEWEST - 3 * HOUR
    missed = missed_slots({"instagram": LONG_AGO}, lambda *_: False, NOW, kept)
    assert missed[-1].slot == kept
