"""Tests of reading the time before an account was connected: its lists to the end, and the platform's own days."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from metrics.clock import utcnow
from metrics.documents import Platform
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import BudgetUsed, WrongIdentity
from pipelines.platforms.limits import Reserved
from pipelines.platforms.memory import Memory
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED, api_facts
from tests.pipelines.platforms.fetching import Fetching, known
from tests.provider_days import true_day
from tests.simulator_fixture import Simulator

YEAR = timedelta(days=365)
EXCUSED = ("not_recoverable", "not_supported", "permission_missing", "privacy_threshold", "metric_retired")
every = pytest.mark.parametrize("platform", PLATFORMS_IMPLEMENTED)


class Budget:
    """A budget of distinct posts in memory."""

    def __init__(self, posts: int) -> None:
        self._posts, self.read = posts, set[str]()

    def left(self) -> int:
        return max(self._posts - len(self.read), 0)

    def reserve(self, posts: int, least: int) -> Reserved:
        left = min(posts, self.left())
        return Reserved(left if left >= least else 0)

    def settle(self, _reserved: Reserved, post_ids: Iterable[str]) -> None:
        self.read.update(post_ids)

    def note(self, post_ids: Iterable[str]) -> None:
        self.read.update(post_ids)


def asked(fetching: Fetching, memory: Memory, **more: object) -> Wanted:
    return replace(Wanted(utcnow() - YEAR, memory=memory), **more)  # type: ignore[arg-type]


def there(fetching: Fetching) -> set[str]:
    """Return the ids of posts in the lists; a story is listed only while it is active."""
    return {post.platform_post_id for post in fetching.here(365)}


def read(pages: Iterator[AccountReading]) -> tuple[set[str], AccountReading]:
    """Return the ids that the pages list, and one reading with all pages merged."""
    whole: AccountReading | None = None
    listed: set[str] = set()
    for page in pages:
        whole = whole or replace(page, listed={}, posts=[], failures={})
        listed |= page.listed.keys()
        whole.posts += page.posts
        whole.failures.update(page.failures)
    assert whole is not None
    return listed, whole


@every
def test_every_post_of_a_year_is_listed_and_read_once(simulator: Simulator, platform: Platform) -> None:
    fetching, memory = Fetching(simulator, platform), Memory()
    listed, reading = read(fetching.api.read_past(fetching.access, asked(fetching, memory), fetching.tally))
    assert listed == there(fetching)
    assert len(reading.posts) == len(listed) > 200
    assert fetching.check(reading, *EXCUSED) > 600
    assert (reading.failures, memory.done) == ({}, True)


@every
def test_walk_goes_on_where_it_was_after_each_page(simulator: Simulator, platform: Platform) -> None:
    fetching, memory = Fetching(simulator, platform), Memory()
    listed, calls = set[str](), 0
    while not (memory.lists and memory.done and len(listed) == len(there(fetching))):
        pages = fetching.api.read_past(fetching.access, asked(fetching, memory), Tally())
        listed |= next(pages).listed.keys()
        memory = Memory.of(memory.kept())
        assert (calls := calls + 1) < 40
    assert listed == there(fetching)


@every
def test_posts_that_are_known_are_listed_and_not_read(simulator: Simulator, platform: Platform) -> None:
    fetching = Fetching(simulator, platform)
    posts = {post.platform_post_id: known(post) for post in fetching.here(365)}
    kept = asked(fetching, Memory(), known=posts)
    listed, reading = read(fetching.api.read_past(fetching.access, kept, fetching.tally))
    assert (listed, reading.posts) == (there(fetching), [])


@every
def test_list_that_is_done_is_not_read_again(simulator: Simulator, platform: Platform) -> None:
    fetching, memory = Fetching(simulator, platform), Memory()
    read(fetching.api.read_past(fetching.access, asked(fetching, memory), fetching.tally))
    tally = Tally()
    assert list(fetching.api.read_past(fetching.access, asked(fetching, memory), tally)) == []
    assert tally.calls == (1 if platform in ("twitter", "tiktok", "youtube", "pinterest", "bluesky") else 0)


@pytest.mark.parametrize("platform", [name for name in PLATFORMS_IMPLEMENTED if api_facts(name).days])
def test_longest_span_of_days_equals_the_truth(simulator: Simulator, platform: Platform) -> None:
    """The span contains the end of summer time, and is therefore an hour longer."""
    fetching, policy = Fetching(simulator, platform), api_facts(platform).days
    assert policy is not None
    newest = policy.newest(fetching.now)
    days = [newest - timedelta(days=back) for back in range(policy.span)]
    found = fetching.api.read_days(fetching.access, days, fetching.tally).days
    for day in days:
        assert found[day].metrics == true_day(simulator.world, fetching.account, day, fetching.now), day


def test_new_followers_of_long_ago_are_not_asked_for(simulator: Simulator) -> None:
    fetching = Fetching(simulator, "instagram")
    days = [(fetching.now - timedelta(days=back)).date() for back in (29, 30, 31, 40)]
    found = fetching.api.read_days(fetching.access, days, fetching.tally).days
    assert ["newFollowers" in found[day].metrics for day in days] == [True, False, False, False]
    assert found[days[-1]].unavailable["newFollowers"] == "not_recoverable"
    assert "reach" in found[days[-1]].metrics


def test_days_of_x_stay_within_the_budget_of_posts(simulator: Simulator) -> None:
    fetching = Fetching(simulator, "twitter")
    days = [(fetching.now - timedelta(days=back)).date() for back in range(3, 60)]
    budget = Budget(30)
    with pytest.raises(BudgetUsed):
        fetching.api.read_days(fetching.access, days, fetching.tally, budget)
    assert 0 < len(budget.read) <= 30
    enough = Budget(1000)
    assert fetching.api.read_days(fetching.access, days, fetching.tally, enough).days[days[0]].metrics
    assert len(enough.read) > 60


def test_past_of_x_stays_within_the_budget_of_posts_and_goes_on(simulator: Simulator) -> None:
    fetching, memory, budget = Fetching(simulator, "twitter"), Memory(), Budget(40)
    listed, _ = read(fetching.api.read_past(fetching.access, asked(fetching, memory, budget=budget), Tally()))
    assert 0 < len(listed) <= 40
    assert not memory.done
    more, _ = read(fetching.api.read_past(fetching.access, asked(fetching, memory), Tally()))
    assert listed | more == there(fetching)


def test_timeline_of_another_user_is_not_read(simulator: Simulator) -> None:
    fetching = Fetching(simulator, "twitter")
    other = simulator.world.account("twitter", 9)
    access = replace(fetching.access, credentials={"access_token": other.token})
    with pytest.raises(WrongIdentity):
        next(fetching.api.read_past(access, asked(fetching, Memory()), fetching.tally))


@pytest.mark.parametrize("platform", ["instagram", "facebook"])
def test_usage_that_the_platform_tells_is_noted(simulator: Simulator, platform: Platform) -> None:
    fetching = Fetching(simulator, platform)
    while not fetching.tally.used_percent:
        read(fetching.api.read_past(fetching.access, asked(fetching, Memory()), fetching.tally))
    assert 0 < fetching.tally.used_percent <= 100
