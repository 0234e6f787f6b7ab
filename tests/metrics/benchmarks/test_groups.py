"""What benchmarks say of groups, against numpy and the truth of the observations."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from metrics.benchmarks.catalog import COMPARED
from metrics.benchmarks.groups import GroupPeriod, group_periods
from metrics.benchmarks.reading import BenchmarkPeriod, periods_of, watch_of
from metrics.calendars import Calendar
from metrics.documents import Platform
from metrics.periods import DAY
from metrics.platforms.registry import FACTS
from metrics.store import Store
from tests.benchmarks import Published, Rival, store_rivals
from tests.examples import tried

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
FIRST = MONDAY.date()
LATER = MONDAY + 60 * DAY
WEEK = range(7)
_serial = count()


def answers(
    store: Store, workspace_id: str, period: BenchmarkPeriod = "weekly", first: date = FIRST, days: int = 7,
    now: datetime = LATER,
) -> list[GroupPeriod]:  # fmt: skip
    watch = watch_of(store, workspace_id)
    return list(group_periods(watch, periods_of(store, watch, period, first, first + (days - 1) * DAY, now), now))


@dataclass
class Truth:
    """One account, and what has to be said of it, computed from its readings."""

    rival: Rival

    @property
    def compared(self) -> bool:
        return sum(day in self.rival.followers for day in WEEK) >= 0.8 * 7

    def values(self) -> dict[str, float]:
        found: dict[str, float] = {}
        read = [self.rival.followers[day] for day in WEEK if day in self.rival.followers]
        if read:
            before = self.rival.followers.get(-1)
            opening = read[0] if before is None else before
            found |= {"followers": read[-1], "followerGrowth": read[-1] - opening}
            if before:
                found["followerGrowthRate"] = 100 * (read[-1] - before) / before
        posts = self.rival.posts
        new = [post for post in posts if post.day >= 0]
        nets = {id(post): net for post in posts if (net := self.net(post, ("likes", "comments"))) is not None}
        if not read and not any(post.readings.keys() & set(WEEK) for post in posts):
            return {}
        found["posts"] = len(new)
        if nets:
            found["engagement"] = sum(nets.values())
            if read and read[-1]:
                found["engagementPer1000Followers"] = 1000 * found["engagement"] / read[-1]
        if measured := [nets[id(post)] for post in new if id(post) in nets]:
            found["engagementPerPost"] = sum(measured) / len(measured)
        if seen := [net for post in new if (net := self.net(post, ("views",))) is not None]:
            found["viewsPerPost"] = sum(seen) / len(seen)
        return found

    def net(self, post: Published, parts: tuple[str, ...]) -> int | None:
        """What a post gained in the week: from its reading before, or from 0, for it was published while watched."""
        total = 0
        for part in parts:
            read = [post.readings[day][part] for day in WEEK if part in post.readings.get(day, {})]
            if not read:
                return None
            before = post.readings.get(-1, {}).get(part)
            total += read[-1] - (before or 0)
        return total


counters = st.integers(0, 1000)


@st.composite
def posts(draw: st.DrawFn) -> Published:
    day = draw(st.integers(-5, 5))
    hidden = draw(st.booleans())
    readings: dict[int, dict[str, int]] = {}
    for at in draw(st.sets(st.integers(max(-1, day), 6), max_size=3)):
        readings[at] = {"comments": draw(counters)} | ({} if hidden else {"likes": draw(counters)})
        if draw(st.booleans()):
            readings[at]["views"] = draw(counters)
    return Published(day, readings, "video", "reel")


@st.composite
def rivals(draw: st.DrawFn) -> list[Rival]:
    found = []
    for number in range(draw(st.integers(0, 9))):
        days = draw(st.sets(st.integers(-1, 6), min_size=0, max_size=8) | st.just(set(range(-1, 7))))
        followers = {day: draw(st.integers(0, 3000)) for day in sorted(days)}
        own = f"acc{number}" if draw(st.integers(0, 3)) == 0 else None
        # Watched long before, so that new posts begin at 0.
        found.append(Rival(f"r{number}", followers, draw(st.lists(posts(), max_size=3)), own=own, since=-30))
    return found


def connect_own(store: Store, workspace_id: str, some: list[Rival]) -> None:
    for rival in some:
        if rival.own:
            rival.own = f"{workspace_id}-{rival.own}"
            store.accounts.put(
                [{"_id": rival.own, "workspaceId": workspace_id, "platform": rival.platform, "state": "active",
                  "platformAccountId": rival.own, "handle": rival.own, "connectedAt": MONDAY}]
            )  # fmt: skip


@given(rivals())
@settings(tried(6, nightly=200), phases=(Phase.explicit, Phase.generate))
def test_numbers_ranks_and_quantiles_are_those_of_numpy_over_the_truth(store: Store, some: list[Rival]) -> None:
    workspace_id = f"g{next(_serial)}"
    connect_own(store, workspace_id, some)
    ids = store_rivals(store, workspace_id, some, MONDAY)
    truths = {ids[rival.name]: Truth(rival) for rival in some}
    stored, custom = answers(store, workspace_id), answers(store, workspace_id, "custom")
    assert len(stored) == len(custom) == bool(some)
    for group in (*stored, *custom):
        for _, account in group.accounts:
            found = {name: value for name, value in account.numbers.values.items() if name != "shareOfEngagement"}
            assert found == pytest.approx(truths[account.watched_id].values())
        for metric in COMPARED:
            check_metric(group, metric, truths)
        check_shares(group, truths)


def check_metric(group: GroupPeriod, metric: Any, truths: dict[str, Truth]) -> None:
    compared = {
        key: values[metric] for key, truth in truths.items()
        if truth.compared and metric in (values := truth.values())
    }  # fmt: skip
    others = [value for key, value in compared.items() if truths[key].rival.own is None]
    found = group.comparison(metric)
    assert found.n == len(others)
    assert found.left_out.keys() == truths.keys() - compared.keys()
    assert {one.watched_id for one in found.standings} == {key for key in compared if truths[key].rival.own}
    if len(others) < 5:
        assert (found.quartiles, found.unavailable) == (None, "too_few")
        assert all(one.percentile_rank is None and one.gap_to_median is None for one in found.standings)
        return
    assert found.quartiles == pytest.approx(tuple(np.quantile(others, (0.25, 0.5, 0.75), method="linear")))
    for one in found.standings:
        below = np.mean([(value < one.value) + (value == one.value) / 2 for value in others])
        assert one.percentile_rank == pytest.approx(100 * below)
        assert one.gap_to_median == pytest.approx(one.value - np.median(others))


def check_shares(group: GroupPeriod, truths: dict[str, Truth]) -> None:
    counted = {
        key: max(0, values["engagement"]) for key, truth in truths.items()
        if truth.compared and "engagement" in (values := truth.values())
    }  # fmt: skip
    whole = sum(counted.values())
    found = {account.watched_id: account.numbers.values.get("shareOfEngagement") for _, account in group.accounts}
    for key, share in found.items():
        assert share == (pytest.approx(100 * counted[key] / whole) if key in counted and whole else None)


def likes(*values: int, comments: int = 0) -> dict[int, dict[str, int]]:
    return {day: {"likes": value, "comments": comments} for day, value in enumerate(values)}


def full(start: int = 100, step: int = 1) -> dict[int, int]:
    return {day: start + step * day for day in range(-1, 7)}


def numbers(group: GroupPeriod, name: str) -> Any:
    return next(one.numbers for watched, one in group.accounts if watched["key"] in (name, f"@{name}"))


def test_post_with_hidden_likes_is_on_neither_side_and_counted(store: Store) -> None:
    posts = [
        Published(0, likes(10, 40)),
        Published(1, {1: {"comments": 500}}),
        Published(2, {2: {"comments": 0, "likes": 20}}),
    ]
    store_rivals(store, "w", [Rival("shy", full(), posts), Rival("all", full(), posts[1:2])], MONDAY)
    (group,) = answers(store, "w")
    shy = numbers(group, "shy")
    assert (shy.values["engagementPerPost"], shy.values["engagement"], shy.values["posts"]) == (30, 60, 3)
    assert (shy.measured_posts, shy.hidden_posts) == (2, 1)
    every = numbers(group, "all")
    assert (every.unavailable["engagement"], every.unavailable["engagementPerPost"]) == ("hidden_likes", "hidden_likes")
    assert "hidden_likes" in group.comparison("engagementPerPost").left_out.values()


def test_low_coverage_manual_numbers_and_states_are_left_out_and_named(store: Store) -> None:
    some = [
        Rival("gaps", dict.fromkeys((-1, 0, 1, 2, 3, 4), 100)),
        Rival("typed", full(), more={"source": "manual", "enteredBy": "Kim"}),
        Rival("gone", {}, more={"state": "private", "stateReason": "It is private."}),
        Rival("silent", {}),
        *[Rival(f"seen{n}", full(100 * n)) for n in range(1, 6)],
    ]
    ids = {key: name for name, key in store_rivals(store, "w", some, MONDAY).items()}
    (group,) = answers(store, "w")
    found = group.comparison("followers")
    assert {ids[key]: reason for key, reason in found.left_out.items()} == {
        "gaps": "low_coverage", "typed": "manual", "gone": "private", "silent": "no_observation",
    }  # fmt: skip
    assert (found.n, found.quartiles) == (5, (206, 306, 406))
    typed = numbers(group, "typed")
    assert typed.values["followers"] == 106
    assert {typed.unavailable[name] for name in ("posts", "engagement")} == {"not_supported"}
    assert group.status == "partial"


def test_growth_below_the_step_of_rounding_is_absent(store: Store) -> None:
    store.consents.set("w", "youtube", given=True)
    some = [
        Rival(name, dict.fromkeys(range(-1, 6), before) | {6: after}, platform="youtube")
        for name, before, after in (
            ("same", 12300, 12300), ("more", 12300, 12400), ("small", 900, 905), ("edge", 9990, 10000)
        )
    ]  # fmt: skip
    store_rivals(store, "w", some, MONDAY)
    (group,) = answers(store, "w")
    growth = {name: numbers(group, name).values.get("followerGrowth") for name in ("same", "more", "small", "edge")}
    assert growth == {"same": None, "more": 100, "small": 5, "edge": None}
    assert {numbers(group, "same").unavailable[name] for name in ("followerGrowth", "followerGrowthRate")} == {
        "rounded"
    }


def test_window_across_a_change_of_what_views_are_has_none(store: Store) -> None:
    store.consents.set("w", "youtube", given=True)
    changed = FACTS["youtube"].post_offer("views").changed[1]  # type: ignore[union-attr]
    monday = datetime.combine(changed, datetime.min.time(), UTC)
    video = Published(0, {0: {"likes": 1, "comments": 1, "views": 50}}, "video")
    store_rivals(store, "w", [Rival("tube", full(), [video], platform="youtube")], monday)
    week, across = (
        answers(store, "w", "custom", first, 7, monday + 20 * DAY) for first in (changed, changed - 3 * DAY)
    )
    assert numbers(week[0], "tube").values["viewsPerPost"] == 50
    assert numbers(across[0], "tube").unavailable["viewsPerPost"] == "definition_changed"


def test_terms_leave_the_plain_followers_until_there_is_a_consent(store: Store) -> None:
    some = [Rival(f"tube{n}", full(), [Published(0, likes(5))], platform="youtube") for n in range(6)]
    store_rivals(store, "w", some, MONDAY)
    (group,) = answers(store, "w", now=MONDAY + 20 * DAY)
    found = numbers(group, "tube0")
    assert found.values == {"followers": 106}
    assert found.unavailable["engagement"] == found.unavailable["shareOfEngagement"] == "terms"
    assert group.comparison("followers").unavailable == "terms"
    store.consents.set("w", "youtube", given=True)
    (group,) = answers(store, "w", now=MONDAY + 20 * DAY)
    assert group.comparison("engagement").quartiles == (5, 5, 5)


def test_numbers_that_the_terms_deleted_have_the_reason(store: Store) -> None:
    store_rivals(store, "w", [Rival("tube", {}, platform="youtube")], MONDAY)
    (group,) = answers(store, "w")
    assert set(numbers(group, "tube").unavailable.values()) == {"terms"}


def test_platforms_say_only_what_they_show(store: Store) -> None:
    post = {0: {"likes": 3, "comments": 2, "shares": 1, "saves": 4, "impressions": 80}}
    names: dict[Platform, str] = {
        "facebook": "acme.page",
        "twitter": "acme",
        "linkedin": "acme",
        "threads": "acme",
        "bluesky": "a.bsky.social",
    }
    some = [Rival(name, full(), [Published(0, post)], platform=platform) for platform, name in names.items()]
    store_rivals(store, "w", some, MONDAY)
    found = {group.platform: group.accounts[0][1].numbers for group in answers(store, "w")}
    assert [found[name].values.get("engagement") for name in names] == [6, 10, None, None, 10]
    assert [found[name].values.get("posts") for name in names] == [None, 1, None, None, 1]
    assert [found[name].values.get("viewsPerPost") for name in names] == [None, 80, None, None, None]
    assert found["facebook"].unavailable["posts"] == found["threads"].unavailable["engagement"] == "not_supported"


def test_day_under_way_counts_once_it_was_observed(store: Store) -> None:
    some = [Rival("early", {0: 1, 1: 1, 2: 1}), Rival("late", {0: 1, 1: 1})]
    now = MONDAY + 2.5 * DAY
    store_rivals(store, "w", some, MONDAY, roll_until=now)
    (group,) = answers(store, "w", now=now)
    assert [(one.observed, one.expected) for _, one in group.accounts] == [(3, 3), (2, 2)]
    assert group.status == "open"


def test_groups_are_one_comparison_for_each_platform(store: Store) -> None:
    some = [
        Rival("b", full(), group="tea"), Rival("a", full()), Rival("free", full(), group=None),
        Rival("acme", full(), platform="twitter"),
    ]  # fmt: skip
    store_rivals(store, "w", some, MONDAY)
    found = [(group.platform, group.name, len(group.accounts)) for group in answers(store, "w")]
    assert found == [
        ("instagram", None, 1),
        ("instagram", "coffee", 1),
        ("instagram", "tea", 1),
        ("twitter", "coffee", 1),
    ]


def test_periods_are_those_of_the_workspaces_calendar(store: Store) -> None:
    """A week of Auckland from Sunday on begins on Saturday in UTC; its readings at six stand in their own dates."""
    calendar = store.calendars.prepare("w", Calendar("Pacific/Auckland", "sunday"))
    assert store.calendars.switch("w", calendar, ())
    store_rivals(store, "w", [Rival("kiwi", {day: 100 + day for day in range(-2, 8)})], MONDAY)
    before, after = answers(store, "w")
    assert before.period.span.start == datetime(2026, 2, 28, 11, tzinfo=UTC)
    assert (before.period.dates, after.period.dates[0]) == ((date(2026, 3, 1), date(2026, 3, 7)), date(2026, 3, 8))
    (_, kiwi) = before.accounts[0]
    assert (kiwi.expected, kiwi.observed, kiwi.numbers.values["followers"]) == (7, 7, 105)
    (custom,) = answers(store, "w", "custom", date(2026, 3, 2), 3)
    (_, kiwi) = custom.accounts[0]
    assert (kiwi.expected, kiwi.observed) == (3, 3)
    assert (kiwi.numbers.values["followers"], kiwi.numbers.values["followerGrowth"]) == (102, 3)
