"""What is true: every number as a pure function of the world, a subject, a field and an instant.

Fields are the provider's; which there are, a platform's tables say, made of the functions here. Counters of posts
saturate with age and fall at times, as people take likes back; followers drift, swing with the week and are lost.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from math import exp, pi, sin

from simulator.chance import after, between, lognormal, mix, smooth, unit, unit_after
from simulator.world import EPOCH, SimAccount, SimPost, World, account_seed

DAY_SECONDS = 86_400

Level = Callable[[World, SimAccount, datetime], int]
Counter = Callable[[World, SimPost, datetime], int]
Amount = Callable[[World, SimAccount, date], int]


def account_value(world: World, account: SimAccount, field: str, now: datetime) -> int:
    """Return a level of an account at an instant.

    Raises:
        KeyError: accounts of the platform have no such field.
    """
    return world.platforms[account.platform].levels[field](world, account, now)


def post_value(world: World, post: SimPost, field: str, now: datetime) -> int:
    """Return a lifetime counter of a post at an instant; 0 before it was published.

    Raises:
        KeyError: posts of the platform have no such field.
    """
    counter = world.platforms[post.platform].counters[field]
    return counter(world, post, now) if now >= post.published_at else 0


def day_value(world: World, account: SimAccount, field: str, day: date) -> int:
    """Return the provider's amount for its own day.

    Raises:
        KeyError: accounts of the platform have no such daily field.
    """
    return world.platforms[account.platform].days[field](world, account, day)


def week_value(world: World, account: SimAccount, field: str, last_day: date) -> int:
    """Return the people of seven provider days: more than of any of them, fewer than their sum."""
    days = [day_value(world, account, field, last_day - timedelta(days=back)) for back in range(7)]
    return int(max(days) + 0.45 * (sum(days) - max(days)))


def followers(world: World, account: SimAccount, now: datetime) -> int:
    """Return the followers of an account: drift, a swing with the week, losses."""
    seed = account_seed(world, account)
    days = (now - EPOCH).total_seconds() / DAY_SECONDS
    base = 300 + 2_000 * lognormal(1.0, *seed, 31)
    trend = exp(between(-0.0004, 0.002, *seed, 32) * days)
    weekly = 0.0015 * sin(2 * pi * days / 7)
    drift = 0.01 * smooth(days / 5, *seed, 33) + 0.0004 * smooth(days * 24, *seed, 34)
    return int(base * trend * (1 + weekly + drift))


def slow_level(low: float, high: float, word: int) -> Level:
    """Return a level between two bounds that hardly moves, such as the accounts that one follows."""

    def level(world: World, account: SimAccount, now: datetime) -> int:
        seed = account_seed(world, account)
        move = 6 * smooth((now - EPOCH).total_seconds() / (9 * DAY_SECONDS), *seed, word + 1)
        return int(between(low, high, *seed, word) + move)

    return level


def post_count(world: World, account: SimAccount, now: datetime) -> int:
    """Return the posts that are up."""
    return world.post_count(account, now)


def views(world: World, post: SimPost, now: datetime) -> int:
    """Return how often a post was seen: it never falls, and flattens with age."""
    return _curve(world, post).views(now)


def share_of_views(low: float, high: float, word: int, *, falls: bool = False) -> Counter:
    """Return a counter that comes to a share of the views, the range over posts.

    With `falls`, in some hours a few people take it back: the count falls, and later grows past where it was.
    """

    def counter(world: World, post: SimPost, now: datetime) -> int:
        curve = _curve(world, post)
        state = curve.state(word)
        value = int(curve.views(now) * (low + (high - low) * (state / 2**64)))
        if falls and unit_after(state, int((now - post.published_at).total_seconds() // 17_000)) < 0.25:
            value -= min(value, 1 + int(value * 0.02))
        return value

    return counter


def net_sum(parts: Sequence[Counter]) -> Counter:
    """Return a provider's own sum, less what it takes out: not equal to the sum of the parts."""

    def counter(world: World, post: SimPost, now: datetime) -> int:
        total = sum(part(world, post, now) for part in parts)
        return total - total // 50

    return counter


def times_views(low: float, high: float, word: int) -> Counter:
    """Return a counter that grows by a whole amount with each view, such as the time watched."""

    def counter(world: World, post: SimPost, now: datetime) -> int:
        return views(world, post, now) * int(between(low, high, world.seed, post.number, word))

    return counter


def share_of_followers(low: float, high: float, word: int) -> Amount:
    """Return a day's amount per follower, the range over days."""

    def amount(world: World, account: SimAccount, day: date) -> int:
        noon = EPOCH + timedelta(days=(day - EPOCH.date()).days, hours=12)
        share = between(low, high, *account_seed(world, account), day.toordinal(), word)
        return int(followers(world, account, noon) * share)

    return amount


class _Curve:
    """How the views of a post grow, and the chance of its counters; drawn once, as one answer has many of them."""

    __slots__ = ("_at", "_final", "_published_at", "_seconds", "_seed", "_states")

    def __init__(self, world: World, post: SimPost) -> None:
        seed = (world.seed, post.number)
        account = world.account(post.platform, post.account_index)
        share = between(0.15, 0.6, *seed, 41) * (0.4 if post.metric_type == "story" else 1.0)
        viral = lognormal(0.7, *seed, 42) * (25 if unit(*seed, 43) < 0.02 else 1)
        self._final = followers(world, account, post.published_at) * share * viral
        self._seconds = between(3, 40, *seed, 21) * 3600  # in which it gets 63 % of them
        self._published_at = post.published_at
        self._seed = mix(*seed)
        self._states: dict[int, int] = {}
        self._at = (post.published_at, 0)

    def views(self, now: datetime) -> int:
        """Return the views at an instant."""
        instant, seen = self._at
        if instant != now:
            seen = int(self._final * (1 - exp(-(now - self._published_at).total_seconds() / self._seconds)))
            self._at = (now, seen)
        return seen

    def state(self, word: int) -> int:
        """Return the bits behind a counter's word."""
        found = self._states.get(word)
        if found is None:
            found = self._states[word] = after(self._seed, word)
        return found


_CURVES = 65_536


def _curve(world: World, post: SimPost) -> _Curve:
    known: dict[int, _Curve] = world.curves
    found = known.get(post.number)
    if found is None:
        if len(known) >= _CURVES:
            known.clear()
        found = known[post.number] = _Curve(world, post)
    return found
