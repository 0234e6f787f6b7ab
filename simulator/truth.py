"""What is true: every number as a pure function of the world, a subject, a field and an instant.

Fields are the provider's; which there are, a platform's tables say, made of the functions here. Counters of posts
saturate with age and fall at times, as people take likes back; followers drift, swing with the week and are lost.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import exp, pi, sin

from simulator.chance import between, lognormal, smooth, unit
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
    final, seconds = _curve(world, post)
    return int(final * (1 - exp(-(now - post.published_at).total_seconds() / seconds)))


def share_of_views(low: float, high: float, word: int, *, falls: bool = False) -> Counter:
    """Return a counter that comes to a share of the views, the range over posts.

    With `falls`, in some hours a few people take it back: the count falls, and later grows past where it was.
    """

    def counter(world: World, post: SimPost, now: datetime) -> int:
        seed = (world.seed, post.number)
        value = int(views(world, post, now) * between(low, high, *seed, word))
        age = (now - post.published_at).total_seconds()
        if falls and unit(*seed, word, int(age // 17_000)) < 0.25:
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


@lru_cache(maxsize=65_536)
def _curve(world: World, post: SimPost) -> tuple[float, float]:
    """Return how many views a post comes to, and the seconds in which it gets 63 % of them."""
    seed = (world.seed, post.number)
    account = world.account(post.platform, post.account_index)
    share = between(0.15, 0.6, *seed, 41) * (0.4 if post.metric_type == "story" else 1.0)
    viral = lognormal(0.7, *seed, 42) * (25 if unit(*seed, 43) < 0.02 else 1)
    final = followers(world, account, post.published_at) * share * viral
    return final, between(3, 40, *seed, 21) * 3600
