"""A simulated day of many accounts: all posts are read each hour, within the limits of TikTok, Pinterest and Threads.

Each simulator enforces its limit, so that a call beyond it would be a failure of a reading.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from metrics.clock import machine_now
from metrics.documents import Platform
from metrics.platforms.registry import FACTS
from pipelines.platforms.base import PlatformApi
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.pace import USED_SHARE, WINDOW_SECONDS
from pipelines.platforms.pinterest.api import Pinterest
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.threads.api import Threads
from pipelines.platforms.tiktok.api import TikTok
from simulator.clock import Clock
from simulator.faults import Faults
from simulator.pinterest.api import Pinterest as SimulatedPinterest
from simulator.pinterest.limits import TRIAL_CALLS_PER_DAY
from simulator.registry import new_world, open_apis
from simulator.state import State
from simulator.threads.budget import CALLS_PER_IMPRESSION, LEAST_IMPRESSIONS
from simulator.tiktok.api import TikTok as SimulatedTikTok
from tests.clock import ahead_by
from tests.pipelines.platforms.simulated_day import Followed, InProcess, check_complete, followed

MIDNIGHT = datetime(2026, 11, 16, tzinfo=UTC)
HOURS = 24


@contextmanager
def at(now: datetime) -> Iterator[None]:
    with ahead_by(now - machine_now()):
        yield


def new_state() -> State:
    return State(new_world(), Clock(), Faults(1))


def read_hour(api: PlatformApi, accounts: list[Followed], now: datetime, state: State) -> None:
    """Read all accounts, and in its hours the provider's days; check that nothing is missing."""
    for one in accounts:
        due = set(one.due)
        check_complete(due, one.read(api))
        published = state.world.posts(one.account, MIDNIGHT, now)
        assert {post.platform_post_id for post in published if post.visible(now)} <= one.known.keys()
        if api.days is not None and now.hour in api.days.hours:
            days = [(now - timedelta(days=back)).date() for back in range(1, 1 + api.days.settling)]
            assert not api.read_days(one.access, days, Tally()).failures


def read_day(api: PlatformApi, state: State, platform: Platform, accounts: int) -> None:
    found = followed(state.world, platform, accounts, MIDNIGHT)
    for hour in range(HOURS):
        now = MIDNIGHT + timedelta(hours=hour, minutes=20)
        with at(now):
            read_hour(api, found, now, state)


def tiktok_minutes(accounts: int) -> float:
    """Read a day of TikTok accounts; return the minutes that the calls of the busiest hour take at the limit.

    Calls follow each other in simulated time as the pace of 600 calls per minute lets them.
    """
    state, calls = new_state(), Counter[str]()
    most = int(USED_SHARE * (FACTS["tiktok"].calls_per_minute or 0))

    def allow(path: str) -> None:
        """Let the calls of a window pass at once, then move the clock to the next window."""
        calls[path] += 1
        if calls[path] % most == 0:
            state.clock.set(state.clock.now() + timedelta(seconds=WINDOW_SECONDS))

    api, busiest = TikTok(InProcess(SimulatedTikTok(state), allow), Quarantine()), 0
    found = followed(state.world, "tiktok", accounts, MIDNIGHT)
    for hour in range(HOURS):
        now = MIDNIGHT + timedelta(hours=hour, minutes=20)
        calls.clear()
        with at(now):
            state.clock.reset()
            read_hour(api, found, now, state)
        busiest = max(busiest, *calls.values())
    assert busiest >= accounts, "each account takes a call of an endpoint at least"
    return busiest / most * WINDOW_SECONDS / 60


def test_hour_of_forty_tiktok_accounts_takes_a_tenth_of_the_time() -> None:
    assert tiktok_minutes(40) <= 0.1 * 60 / 4


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_hour_of_four_hundred_tiktok_accounts_takes_a_quarter_of_the_time() -> None:
    """It takes about 50 seconds of processor time."""
    assert tiktok_minutes(400) <= 60 / 4


def test_nineteen_pinterest_accounts_fit_into_a_day_of_trial_access() -> None:
    state, calls = new_state(), Counter[str]()

    def allow(path: str) -> None:
        calls[path] += 1

    api = Pinterest(InProcess(SimulatedPinterest(state), allow), Quarantine())
    read_day(api, state, "pinterest", 19)
    assert FACTS["pinterest"].quotas["calls"].units == TRIAL_CALLS_PER_DAY
    assert 19 * 2 * HOURS <= calls.total() <= TRIAL_CALLS_PER_DAY


def test_day_of_a_threads_account_takes_a_small_part_of_its_calls() -> None:
    state, calls = new_state(), Counter[str]()

    def allow(path: str) -> None:
        calls[path] += 1

    simulated = next(one for one in open_apis(state) if one.serves("/v1.0/me"))
    api = Threads(InProcess(simulated, allow), Quarantine())
    read_day(api, state, "threads", 4)
    allowed = CALLS_PER_IMPRESSION * LEAST_IMPRESSIONS
    assert FACTS["threads"].calls_per_day is not None
    assert FACTS["threads"].calls_per_day <= allowed == 48_000
    # One call for each post and hour, and a few for the account, its list and its days.
    assert 25 * HOURS <= calls.total() / 4 <= 1.3 * 25 * HOURS
    assert calls.total() / 4 <= allowed / 40
