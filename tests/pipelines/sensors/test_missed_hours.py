"""Missed hours: hours without records of accounts, newest first, except those that cannot be collected."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from metrics.documents import PLATFORMS, Platform
from metrics.periods import HOUR
from pipelines.partitions import recent_slots
from pipelines.sensors.missed_hours import LOOK_BACK_HOURS, Missed, runs_to_request, slots_to_look_at

NOW = datetime(2024, 7, 1, 12, 20, tzinfo=UTC)
NEWEST = datetime(2024, 7, 1, 11, tzinfo=UTC)
EVER = datetime(2024, 1, 1, tzinfo=UTC)
GRACE = timedelta(minutes=60)
LACKING = st.dictionaries(
    st.sampled_from(recent_slots(NOW, LOOK_BACK_HOURS)),
    st.dictionaries(st.sampled_from(PLATFORMS), st.just(["a"]), min_size=1),
)


def test_newest_hour_has_a_run_of_its_own_and_older_ones_of_a_day_share_one() -> None:
    lacking: dict[datetime, dict[Platform, list[str]]] = {
        NEWEST - back * HOUR: {"instagram": ["a"]} for back in range(5)
    }
    assert runs_to_request(lacking, NOW, GRACE) == [
        Missed(NEWEST, NEWEST, ("instagram",)),
        Missed(NEWEST - 4 * HOUR, NEWEST - HOUR, ("instagram",)),
    ]


@given(LACKING)
def test_every_missed_hour_is_in_one_run_and_no_run_spans_days(
    lacking: dict[datetime, dict[Platform, list[str]]],
) -> None:
    found = runs_to_request(lacking, NOW, GRACE)
    covered = {
        (one.first + n * HOUR, platform)
        for one in found
        for n in range((one.last - one.first) // HOUR + 1)
        for platform in one.platforms
    }
    assert covered >= {(slot, platform) for slot, platforms in lacking.items() for platform in platforms}
    assert all(one.first.date() == one.last.date() for one in found)
    assert all(newer.first > older.last for newer, older in pairwise(found))
    assert {slot for slot, _ in covered} == set(lacking)


def test_newest_hour_is_left_to_the_schedule_for_a_quarter_of_an_hour() -> None:
    assert slots_to_look_at(NOW.replace(minute=14), EVER)[0] == NEWEST - HOUR
    assert slots_to_look_at(NOW.replace(minute=15), EVER)[0] == NEWEST


def test_two_days_are_looked_at_and_nothing_older_than_kept() -> None:
    assert len(slots_to_look_at(NOW, EVER)) == LOOK_BACK_HOURS
    assert slots_to_look_at(NOW, NEWEST - 3 * HOUR)[-1] == NEWEST - 3 * HOUR
