"""What is true: every number as a pure function of the world, a subject, a field and an instant.

Fields are the provider's. Counters of posts saturate with age and fall at times, as people take likes back; followers
drift, swing with the week and are lost. `day_value` belongs to the provider's own day.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from math import exp, pi, sin

from simulator.chance import between, lognormal, smooth, unit
from simulator.world import EPOCH, SimAccount, SimPost, World

DAY_SECONDS = 86_400
_TAKEN_BACK = ("likes", "saved", "comments")

_SHARES = {
    "likes": (0.03, 0.09),
    "comments": (0.001, 0.008),
    "shares": (0.002, 0.015),
    "saved": (0.002, 0.02),
    "follows": (0.0005, 0.003),
    "profile_visits": (0.005, 0.02),
    "replies": (0.002, 0.01),
    "navigation": (0.7, 1.1),
}
"""Final count per view, the range over posts."""

_FIELD_WORDS = {name: number for number, name in enumerate(_SHARES, start=100)}
_ALIASES = {"like_count": "likes", "comments_count": "comments"}
_DAY_SHARES = {
    "reach": (0.10, 0.35),
    "views": (0.25, 0.80),
    "accounts_engaged": (0.01, 0.05),
    "total_interactions": (0.02, 0.08),
    "profile_views": (0.01, 0.04),
    "website_clicks": (0.0, 0.006),
    "follower_count": (0.0, 0.004),
}
"""The amount of a day per follower, the range over days."""


def account_value(world: World, account: SimAccount, field: str, now: datetime) -> int:
    """Return a level of an account at an instant: `followers_count`, `follows_count`, `media_count`.

    Raises:
        KeyError: the field is none of these.
    """
    if field == "followers_count":
        return _followers(world, account.index, now)
    if field == "follows_count":
        base = between(80, 900, world.seed, account.index, 11)
        return int(base + 6 * smooth((now - EPOCH).total_seconds() / (9 * DAY_SECONDS), world.seed, account.index, 12))
    if field == "media_count":
        return world.media_count(account, now)
    raise KeyError(field)


def post_value(world: World, post: SimPost, field: str, now: datetime) -> int:
    """Return a lifetime counter of a post at an instant; 0 before it was published.

    Raises:
        KeyError: posts have no such field.
    """
    age = (now - post.published_at).total_seconds()
    if age < 0:
        return 0
    field = _ALIASES.get(field, field)
    words = (world.seed, int(post.platform_post_id))
    final, tau = _audience(world, post, words), between(3, 40, *words, 21) * 3600
    views = int(final * (1 - exp(-age / tau)))
    derived = _DERIVED.get(field)
    if derived is not None:
        return derived(world, post, views, words, now)
    low, high = _SHARES[field]
    word = _FIELD_WORDS[field]
    value = int(views * between(low, high, *words, word))
    # Some hours a few people take it back: the count falls, and later grows past where it was.
    if field in _TAKEN_BACK and unit(*words, word, int(age // 17_000)) < 0.25:
        value -= min(value, 1 + int(value * 0.02))
    return value


def day_value(world: World, account: SimAccount, field: str, day: date) -> int:
    """Return the provider's amount for its own day.

    Raises:
        KeyError: accounts have no such daily field.
    """
    low, high = _DAY_SHARES[field]
    noon = EPOCH + timedelta(days=(day - EPOCH.date()).days, hours=12)
    words = (world.seed, account.index, day.toordinal(), sum(field.encode()))
    return int(_followers(world, account.index, noon) * between(low, high, *words))


def week_value(world: World, account: SimAccount, field: str, last_day: date) -> int:
    """Return the people of seven provider days: more than of any of them, fewer than their sum."""
    days = [day_value(world, account, field, last_day - timedelta(days=back)) for back in range(7)]
    return int(max(days) + 0.45 * (sum(days) - max(days)))


def _followers(world: World, index: int, now: datetime) -> int:
    days = (now - EPOCH).total_seconds() / DAY_SECONDS
    base = 300 + 2_000 * lognormal(1.0, world.seed, index, 31)
    trend = exp(between(-0.0004, 0.002, world.seed, index, 32) * days)
    weekly = 0.0015 * sin(2 * pi * days / 7)
    drift = 0.01 * smooth(days / 5, world.seed, index, 33) + 0.0004 * smooth(days * 24, world.seed, index, 34)
    return int(base * trend * (1 + weekly + drift))


def _audience(world: World, post: SimPost, words: tuple[int, int]) -> float:
    followers = _followers(world, post.account_index, post.published_at)
    share = between(0.15, 0.6, *words, 41) * (0.4 if post.metric_type == "story" else 1.0)
    viral = lognormal(0.7, *words, 42) * (25 if unit(*words, 43) < 0.02 else 1)
    return followers * share * viral


def _interactions(world: World, post: SimPost, _views: int, _words: tuple[int, int], now: datetime) -> int:
    """The provider's own sum, less what it takes out: not equal to the sum of the parts."""
    total = sum(post_value(world, post, part, now) for part in ("likes", "comments", "shares", "saved"))
    return total - total // 50


_DERIVED: dict[str, Callable[[World, SimPost, int, tuple[int, int], datetime], int]] = {
    "views": lambda _world, _post, views, _words, _now: views,
    "reach": lambda _world, _post, views, words, _now: int(views * between(0.6, 0.9, *words, 51)),
    "total_interactions": _interactions,
    "ig_reels_video_view_total_time": lambda _world, _post, views, words, _now: (
        views * int(between(2_000, 14_000, *words, 52))
    ),
}
