"""Known days of a workspace: which they are, for which accounts, and which of them are kept out of what is usual."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.clock import utcnow
from metrics.documents import PostDocument
from metrics.periods import midnight
from metrics.store import Store
from metrics.store.workspace.campaigns import CampaignDocument, campaign_id
from pipelines.insights.known_days import KnownDays, KnownRange, holidays_of, known_days

FIRST = date(2026, 3, 1)


def campaign(store: Store, name: str, first: date, last: date, **fields: object) -> None:
    document: CampaignDocument = {
        "_id": campaign_id("w", name), "workspaceId": "w", "name": name, "title": name.title(),
        "startDate": first.isoformat(), "endDate": last.isoformat(), "createdAt": utcnow(), "changedAt": utcnow(),
    }  # fmt: skip
    store.campaigns.put({**document, **fields})  # type: ignore[typeddict-item]


def known_range(first: int, last: int) -> KnownRange:
    return KnownRange(
        FIRST + timedelta(days=first), FIRST + timedelta(days=last),
        {"kind": "holiday", "title": "x", "startDate": "", "endDate": ""},
    )  # fmt: skip


def plain(ranges: list[tuple[int, int]], day: int) -> bool:
    """Say whether a day is kept out, from the words of the documentation."""
    known = {one for first, last in ranges for one in range(first, last + 1)}
    return day in known and len([one for one in known if day - 28 < one <= day]) <= 14


RANGES = st.lists(st.tuples(st.integers(-60, 90), st.integers(0, 40)).map(lambda one: (one[0], sum(one))), max_size=6)


@given(RANGES)
def test_known_days_are_kept_out_unless_they_are_what_is_usual(ranges: list[tuple[int, int]]) -> None:
    known = KnownDays([known_range(*one) for one in ranges])
    assert known.left_out("a", FIRST, 70).tolist() == [plain(ranges, day) for day in range(70)]


@given(RANGES, st.integers(0, 69), st.integers(1, 20))
def test_a_later_known_day_changes_nothing(ranges: list[tuple[int, int]], day: int, later: int) -> None:
    before = KnownDays([known_range(*one) for one in ranges])
    after = KnownDays([*before.ranges, known_range(day + 1, day + later)])
    assert before.left_out("a", FIRST, 70)[: day + 1].tolist() == after.left_out("a", FIRST, 70)[: day + 1].tolist()


def test_holidays_are_those_of_the_whole_country_in_english() -> None:
    assert holidays_of("DE", 2026) == {
        date(2026, 1, 1): "New Year's Day", date(2026, 4, 3): "Good Friday", date(2026, 4, 6): "Easter Monday",
        date(2026, 5, 1): "Labor Day", date(2026, 5, 14): "Ascension Day", date(2026, 5, 25): "Pentecost Monday",
        date(2026, 10, 3): "German Unity Day", date(2026, 12, 25): "Christmas Day",
        date(2026, 12, 26): "Second Day of Christmas",
    }  # fmt: skip
    assert date(2026, 11, 26) in holidays_of("US", 2026)
    assert {day.year for day in holidays_of("SA", 2026)} == {2026}


def test_holidays_and_campaigns_are_named_for_the_accounts_that_have_them(store: Store) -> None:
    christmas, year = date(2026, 12, 25), date(2026, 12, 31)
    campaign(store, "all", christmas - timedelta(days=9), christmas)
    campaign(store, "some", christmas, year, accountIds=["a1"])
    campaign(store, "none", christmas, year, accountIds=[])
    campaign(store, "tagged", year, year, tag="sale")
    campaign(store, "posts", year, year, postIds=["p1"])
    campaign(store, "over", date(2026, 1, 1), date(2026, 1, 2))
    post: PostDocument = {
        "_id": "p1", "workspaceId": "w", "accountId": "a2", "platform": "instagram", "platformPostId": "1",
        "metricType": "post", "contentType": "image", "publishedAt": midnight(year), "firstSeenAt": midnight(year),
    }  # type: ignore[typeddict-unknown-key]  # fmt: skip
    store.posts.put([post])

    def names(day: date, account_id: str | None) -> list[str]:
        return [one["title"] for one in known_days(store, "w", FIRST, year).named(day, day, account_id)]

    assert names(christmas, "a1") == ["All", "Some"]
    assert names(christmas, "a2") == ["All"]
    assert names(christmas, None) == ["All"]
    assert names(year, "a1") == ["Some", "Tagged"]
    assert names(year, "a2") == ["Posts", "Tagged"]
    store.calendars.set_country("w", "DE")
    assert names(christmas, "a2") == ["Christmas Day", "All"]
    assert known_days(store, "w", christmas, christmas).named(christmas, christmas)[0] == {
        "kind": "holiday", "title": "Christmas Day", "startDate": "2026-12-25", "endDate": "2026-12-25",
    }  # fmt: skip
    store.calendars.set_country("w", None)
    assert names(christmas, "a2") == ["All"]
    assert known_days(store, "other", FIRST, year).ranges == []


@pytest.mark.parametrize("days", [1, 400])
def test_nothing_is_kept_out_without_known_days(days: int) -> None:
    assert not KnownDays().left_out("a", FIRST, days).any()
