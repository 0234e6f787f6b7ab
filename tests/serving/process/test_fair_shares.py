"""Fair shares: which calls of an owner wait, and for how long, while other owners are active."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import anyio
import pytest

from serving.process.fair_shares import ACTIVE_SECONDS, BURST_SECONDS, MOST_OF_A_CALL, FairShares


class Clock:
    """A clock that moves when somebody sleeps; it notes how long each sleep was, and calls `at_each_wait` after it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self.at_each_wait: Callable[[], None] = lambda: None

    async def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.waits.append(seconds)
        self.now += seconds
        self.at_each_wait()
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def with_shares(clock: Clock, work: Callable[[FairShares], Awaitable[None]], cores: int = 2) -> None:
    async def run() -> None:
        await work(FairShares(places=2, cores=cores, clock=lambda: clock.now, sleep=clock.sleep))

    anyio.run(run)


async def call(shares: FairShares, clock: Clock, owner: str, seconds: float) -> None:
    """Make a call that takes so long."""
    with ExitStack() as held:
        await shares.enter(owner, held)
        began = clock.now
        clock.now += seconds
        shares.charge(owner, began)


def test_owner_that_is_alone_never_waits(clock: Clock) -> None:
    async def work(shares: FairShares) -> None:
        for _ in range(20):
            shares.note("greedy")
            await call(shares, clock, "greedy", 1.0)

    with_shares(clock, work)
    assert clock.waits == []


@pytest.mark.parametrize(("cores", "part"), [(1, 0.25), (2, 0.5), (4, 1.0), (16, 1.0)])
def test_owner_beside_others_gets_a_quarter_of_the_cores(clock: Clock, cores: int, part: float) -> None:
    async def work(shares: FairShares) -> None:
        def both() -> None:
            shares.note("greedy")
            shares.note("other")

        clock.at_each_wait = both
        began, spent = clock.now, 0.0
        while spent < 50:
            both()
            await call(shares, clock, "greedy", 0.1)
            spent += 0.1
        assert (spent - BURST_SECONDS) / (clock.now - began) == pytest.approx(part, rel=0.05)

    with_shares(clock, work, cores)


def test_heavier_of_two_greedy_owners_gives_way(clock: Clock) -> None:
    async def work(shares: FairShares) -> None:
        for owner, seconds in (("heavy", 1.8), ("less heavy", 1.4)):
            shares.note(owner)
            await call(shares, clock, owner, 0)
            shares.charge(owner, clock.now - seconds)
        await call(shares, clock, "less heavy", 0)
        assert clock.waits == []
        shares.note("less heavy")
        await call(shares, clock, "heavy", 0)
        assert clock.waits != []

    with_shares(clock, work)


def test_burst_is_answered_at_once(clock: Clock) -> None:
    """A page asks for several answers at a time."""

    async def work(shares: FairShares) -> None:
        shares.note("other")
        for _ in range(9):
            await call(shares, clock, "page", BURST_SECONDS / 10)

    with_shares(clock, work)
    assert clock.waits == []


def test_other_owner_does_not_wait_for_the_greedy_one(clock: Clock) -> None:
    async def work(shares: FairShares) -> None:
        shares.note("other")
        await call(shares, clock, "greedy", 100 * MOST_OF_A_CALL)
        shares.note("greedy")
        await call(shares, clock, "other", 0.1)

    with_shares(clock, work)
    assert clock.waits == []


def test_long_call_is_not_held_against_its_owner_for_ever(clock: Clock) -> None:
    async def work(shares: FairShares) -> None:
        def other() -> None:
            shares.note("other")

        clock.at_each_wait = other
        await call(shares, clock, "greedy", 600)
        other()
        await call(shares, clock, "greedy", 0.1)

    with_shares(clock, work)
    assert 0 < sum(clock.waits) <= MOST_OF_A_CALL / 0.5 + 1


def test_owner_goes_on_at_once_when_the_others_have_left(clock: Clock) -> None:
    async def work(shares: FairShares) -> None:
        shares.note("other")
        for _ in range(5):
            await call(shares, clock, "greedy", ACTIVE_SECONDS + 0.1)

    with_shares(clock, work)
    assert clock.waits == []


def test_calls_beyond_the_bucket_run_one_at_a_time(clock: Clock) -> None:
    async def work(shares: FairShares) -> None:
        clock.at_each_wait = lambda: shares.note("other")
        shares.note("other")
        await call(shares, clock, "greedy", 1.5)
        shares.note("other")
        first, second = ExitStack(), ExitStack()
        await shares.enter("greedy", first)
        shares.charge("greedy", clock.now - 0.1)
        waits = asyncio.create_task(shares.enter("greedy", second))
        await asyncio.sleep(0)
        assert not waits.done()
        first.close()
        await waits
        second.close()

    with_shares(clock, work)


def test_cancelled_call_gives_back_what_it_held(clock: Clock) -> None:
    async def work(shares: FairShares) -> None:
        held = [ExitStack() for _ in range(3)]
        for stack in held[:2]:
            await shares.enter("owner", stack)
        waits = asyncio.create_task(shares.enter("owner", held[2]))
        await asyncio.sleep(0)
        waits.cancel()
        await asyncio.wait([waits])
        for stack in held:
            stack.close()
        for _ in range(2):
            await asyncio.wait_for(shares.enter("owner", ExitStack()), 10)

    with_shares(clock, work)
