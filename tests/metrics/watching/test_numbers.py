"""Numbers of watched accounts that a person enters: checked, marked as such, and rolled up like all others."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from metrics.calendars import Calendar
from metrics.documents import Platform
from metrics.errors import InvalidInput, NotFound
from metrics.periods import DAY, midnight
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.namespaces import PUBLIC
from metrics.upkeep.retention import Horizon
from metrics.watching.lists import NewWatch, Refused, watch
from metrics.watching.numbers import Entered, enter_numbers, enterable
from pipelines.rollup import roll
from tests.watched import watch_with_numbers

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
TODAY = NOW.date()


def enter(
    store: Store, settings: Settings, day: date, platform: Platform = "tiktok", now: datetime = NOW, **numbers: Any
) -> Entered:
    horizon = Horizon.of(store, settings, now)
    return enter_numbers(store, "w", platform, "acme", numbers, "ann", horizon, day=day)


def test_entered_numbers_tell_their_source_and_who_entered_them(store: Store, settings: Settings) -> None:
    watched = watch(store, "w", NewWatch("tiktok", "acme"), NOW, 100).document
    found = enter(store, settings, TODAY, followers=100, posts=7)
    assert (found.numbers, found.watched["source"], found.watched["enteredBy"]) == (
        {"followers": 100, "posts": 7}, "manual", "ann",
    )  # fmt: skip
    (row,) = store.db[PUBLIC.log].find()
    assert (row["timestamp"], row["enteredBy"], row["metadata"]["source"]) == (midnight(TODAY), "ann", "manual")
    assert (row["metadata"]["accountId"], row["metrics"]) == (watched["_id"], {"followers": 100, "posts": 7})
    assert found.watched["state"] == "unsupported"


def test_entered_numbers_are_rolled_up_by_the_same_laws(store: Store, settings: Settings) -> None:
    watched = watch(store, "w", NewWatch("tiktok", "acme"), NOW, 100).document
    enter(store, settings, TODAY - 3 * DAY, followers=100)
    enter(store, settings, TODAY, followers=111)
    enter(store, settings, TODAY, now=NOW + timedelta(minutes=1), followers=110)
    days = [mark.start for mark in store.public.marks.pending("daily")]
    assert days == [midnight(TODAY - 3 * DAY), midnight(TODAY)]
    roll(store.public, "daily", days, run_id="r", workspace_ids=["w"], now=NOW + timedelta(hours=1))
    of = {"accountId": watched["_id"], "periodStart": midnight(TODAY)}
    row = store.public.rollups.accounts.find_one(of)
    assert row is not None
    assert (row["aggregatedMetrics"]["followers"], row["aggregatedMetrics"]["followerGrowth"]) == (110, 10)
    assert store.marks.pending("daily") == []
    assert store.public.accounts.connected_at([watched["_id"]]) == {watched["_id"]: midnight(TODAY - 3 * DAY)}


def test_day_is_one_of_the_calendar_of_the_workspace(store: Store, settings: Settings) -> None:
    store.calendars.prepare("w", calendar := Calendar("Asia/Kolkata", version=1))
    assert store.calendars.switch("w", calendar, [])
    watch(store, "w", NewWatch("tiktok", "acme"), NOW, 100)
    enter(store, settings, TODAY, followers=1)
    (row,) = store.db[PUBLIC.log].find()
    assert calendar.date_of(row["timestamp"]) == TODAY
    assert [mark.start for mark in store.public.marks.pending("daily")] == [midnight(TODAY)]
    with pytest.raises(InvalidInput, match="date: 2026-06-11 has not begun: the present day is 2026-06-10"):
        enter(store, settings, TODAY + DAY, followers=1)


@pytest.mark.parametrize(
    ("numbers", "line"),
    [
        ({}, "numbers: give at least one of followers, "),
        ({"reach": 1}, "numbers: reach is none of the numbers that TikTok shows of an account: followers, "),
        ({"followers": -1}, "numbers: followers is a whole number from 0 to"),
        ({"followers": 1.5}, "numbers: followers is a whole number from 0 to"),
        ({"followers": True}, "numbers: followers is a whole number from 0 to"),
        ({"followers": 2**53 + 1}, "numbers: followers is a whole number from 0 to"),
    ],
)
def test_wrong_numbers_are_refused(store: Store, settings: Settings, numbers: dict[str, Any], line: str) -> None:
    before = watch(store, "w", NewWatch("tiktok", "acme"), NOW, 100).document
    with pytest.raises(InvalidInput) as refused:
        enter(store, settings, TODAY, **numbers)
    assert str(refused.value).startswith(line)
    assert store.watch_lists.all("w") == [before]


def test_days_that_are_not_kept_are_refused(store: Store, settings: Settings) -> None:
    for platform in ("tiktok", "youtube"):
        watch(store, "w", NewWatch(platform, "acme"), NOW, 100)
    enter(store, settings, TODAY - 40 * DAY, followers=1)
    enter(store, settings, date(2026, 5, 12), "youtube", followers=1)
    with pytest.raises(
        InvalidInput, match="date: numbers of 2026-05-01 are no longer kept: give a day from 2026-05-12"
    ):
        enter(store, settings, date(2026, 5, 1), "youtube", followers=1)
    with pytest.raises(InvalidInput, match="are no longer kept"):
        enter(store, settings, TODAY - (settings.retention_days + 1) * DAY, followers=1)


def test_numbers_of_the_platform_and_of_a_person_are_never_mixed(store: Store, settings: Settings) -> None:
    watch_with_numbers(store, "w", "instagram", "acme", NOW)
    with pytest.raises(Refused, match="Instagram shows the numbers of acme, and none are mixed with these by hand"):
        enter(store, settings, TODAY, "instagram", followers=1)
    watch(store, "w", NewWatch("twitter", "acme"), NOW, 100)
    enter(store, settings, TODAY, "twitter", followers=1)
    assert store.watch_lists.to_look_at("twitter", NOW) == []


def test_only_watched_accounts_have_numbers(store: Store, settings: Settings) -> None:
    with pytest.raises(NotFound, match="w does not watch tiktok @acme"):
        enter(store, settings, TODAY, followers=1)


def test_what_can_be_entered_is_what_everybody_sees() -> None:
    assert enterable("tiktok") == ("followers", "following", "posts", "likesReceived")
    assert "followers" in enterable("pinterest")
