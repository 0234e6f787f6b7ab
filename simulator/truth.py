"""True values of the simulation: each number is a pure function of the world, a subject, a field and an instant.

Fields have the provider's names. The tables of each platform define its fields with the functions of this module.
Counters of posts saturate with age and fall at times, as users withdraw likes; followers drift, swing with the week and
are lost. Half of the audiences have hours and weekdays (`simulator.season`), and planted events strike them
(`simulator.events`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta

from metrics.periods import midnight
from simulator.audience import DAY_SECONDS, audience_of
from simulator.chance import between, share, smooth
from simulator.curves import WORD, Curve, curve_of
from simulator.world import EPOCH, SimAccount, SimPost, World, account_seed

PERIODS: Mapping[str, int] = {"day": 1, "week": 7, "days_28": 28}
"""Number of days of each period for which providers report an amount."""

_SEEN_BEFORE = 0.45
"""Share of the people of each day but the best that counts in a period; the rest came on another of its days, too."""

_FALLS = int(0.25 * 2**32)
_NOON = timedelta(hours=12)
_STILL: ContextVar[datetime | None] = ContextVar("still", default=None)

Level = Callable[[World, SimAccount, datetime], int]
Counter = Callable[[Curve], int]
Amount = Callable[[World, SimAccount, date], int]


def account_value(world: World, account: SimAccount, field: str, now: datetime) -> int:
    """Return a level of an account at an instant.

    Raises:
        KeyError: accounts of the platform have no such field.
    """
    return world.platforms[account.platform].levels[field](world, account, _told(now))


def account_values(world: World, account: SimAccount, now: datetime) -> dict[str, int]:
    """Return all levels of an account at an instant."""
    levels, told = world.platforms[account.platform].levels, _told(now)
    return {name: level(world, account, told) for name, level in levels.items()}


def post_value(world: World, post: SimPost, field: str, now: datetime) -> int:
    """Return a lifetime counter of a post at an instant; 0 before it was published.

    Raises:
        KeyError: posts of the platform have no such field.
    """
    return post_values(world, post, (field,), now)[field]


def post_values(world: World, post: SimPost, fields: Iterable[str], now: datetime) -> dict[str, int]:
    """Return several counters of a post at an instant, as `post_value` does each."""
    counters = world.platforms[post.platform].counters
    if now < post.published_at:
        return dict.fromkeys({field: counters[field] for field in fields}, 0)
    moved = curve(world, post, now)
    known, found = moved.values, {}
    for field in fields:
        value = known.get(field)
        if value is None:
            value = known[field] = counters[field](moved)
        found[field] = value
    return found


def views_at(world: World, post: SimPost, now: datetime) -> int:
    """Return how often a post was seen up to an instant; 0 before it was published.

    It is the value of every counter that is `views`. Unlike `post_value`, it keeps the counters of the present instant
    that are remembered, and so suits a comparison with an earlier one.
    """
    now = _told(now)
    return 0 if now < post.published_at else curve_of(world, post).seen_at(now)


def day_value(world: World, account: SimAccount, field: str, day: date) -> int:
    """Return the provider's amount for its own day.

    Raises:
        KeyError: accounts of the platform have no such daily field.
    """
    return world.platforms[account.platform].days[field](world, account, day)


def period_value(world: World, account: SimAccount, field: str, last_day: date, days: int) -> int:
    """Return the provider's amount over several of its days, of which `last_day` is the last.

    A count of unique people lies between the amount of the best day and the sum of the days, and does not fall with
    more days; every other amount is the sum.

    Raises:
        KeyError: accounts of the platform have no such daily field.
    """
    amounts = [day_value(world, account, field, last_day - timedelta(days=back)) for back in range(days)]
    if not amounts or field not in world.platforms[account.platform].unique_days:
        return sum(amounts)
    return int(max(amounts) + _SEEN_BEFORE * (sum(amounts) - max(amounts)))


def week_value(world: World, account: SimAccount, field: str, last_day: date) -> int:
    """Return the provider's amount of the seven days that end with `last_day`."""
    return period_value(world, account, field, last_day, PERIODS["week"])


def followers(world: World, account: SimAccount, now: datetime) -> int:
    """Return the followers of an account, with drift, a weekly swing, losses, and the events that move them."""
    audience = audience_of(world, account.platform, account.index)
    return int(audience.followers(now) * audience.followers_kept(now))


def times_followers(factor: int) -> Level:
    """Return a level that is a multiple of the followers, such as all likes; events that move followers leave it."""

    def level(world: World, account: SimAccount, now: datetime) -> int:
        return int(audience_of(world, account.platform, account.index).followers(now)) * factor

    return level


def slow_level(low: float, high: float, word: int) -> Level:
    """Return a level between two bounds that hardly changes, such as the number of followed accounts."""

    def level(world: World, account: SimAccount, now: datetime) -> int:
        seed = account_seed(world, account)
        move = 6 * smooth((now - EPOCH).total_seconds() / (9 * DAY_SECONDS), *seed, word + 1)
        return int(between(low, high, *seed, word) + move)

    return level


def post_count(world: World, account: SimAccount, now: datetime) -> int:
    """Return the number of visible posts."""
    return world.post_count(account, now)


def views(curve: Curve) -> int:
    """Return how often a post was seen; this never falls, and flattens with age."""
    return curve.seen


def share_of_views(low: float, high: float, place: int, *, falls: bool = False) -> Counter:
    """Return a counter that is a share of the views; the share varies over posts from `low` to `high`.

    `place` is the number of the counter on its platform, at most 11; counters with the same number move alike. With
    `falls`, some people withdraw in some hours: the count falls, and later grows past its former value.
    """
    width = (high - low) * 2.0**-32

    def counter(curve: Curve) -> int:
        return int(curve.seen * (low + width * curve.shares[place]))

    def falling(curve: Curve) -> int:
        chance = curve.shares[place]
        value = int(curve.seen * (low + width * chance))
        if chance * curve.mood & WORD < _FALLS:
            value -= min(value, 1 + int(value * 0.02))
        return value

    return falling if falls else counter


def net_sum(parts: Sequence[Counter]) -> Counter:
    """Return a provider's own sum, which deducts withdrawals and so is less than the sum of the parts."""

    def counter(curve: Curve) -> int:
        total = sum([part(curve) for part in parts])
        return total - total // 50

    return counter


def all_of(parts: Sequence[Counter]) -> Counter:
    """Return the sum of several counters, such as organic and advertised views."""

    def counter(curve: Curve) -> int:
        return sum([part(curve) for part in parts])

    return counter


def times_views(low: float, high: float, place: int) -> Counter:
    """Return a counter that grows by a fixed whole amount with each view, such as the time watched."""

    def counter(curve: Curve) -> int:
        return curve.seen * int(low + (high - low) * share(curve.shares[place]))

    return counter


def times_one(low: float, high: float, place: int) -> Counter:
    """Return the amount per view of `times_views`: a mean, which does not change."""

    def counter(curve: Curve) -> int:
        return int(low + (high - low) * share(curve.shares[place]))

    return counter


def share_of_followers(low: float, high: float, word: int, *, of: float = 1.0) -> Amount:
    """Return a daily amount as a share of the followers; the share varies over days from `low` to `high`.

    The weekday and events mould it. With the same range and word as another amount, it is the fraction `of` that
    amount, such as unique visitors of all visits.
    """

    def amount(world: World, account: SimAccount, day: date) -> int:
        share = between(low, high, *account_seed(world, account), day.toordinal(), word)
        return int(reached_on(world, account, day) * share * of)

    return amount


def followers_gained(low: float, high: float, word: int, *, of: float = 1.0, with_events: bool = True) -> Amount:
    """Return the people who followed on a day, as `share_of_followers`, but moulded by nothing but bought followers."""
    return _moved(low, high, word, of, 1 if with_events else 0)


def followers_lost(low: float, high: float, word: int) -> Amount:
    """Return the people who left on a day, as `share_of_followers`, but moulded by nothing but drops of followers."""
    return _moved(low, high, word, 1.0, -1)


def _moved(low: float, high: float, word: int, of: float, sign: int) -> Amount:
    def amount(world: World, account: SimAccount, day: date) -> int:
        share = between(low, high, *account_seed(world, account), day.toordinal(), word)
        audience = audience_of(world, account.platform, account.index)
        share += max(sign * audience.followers_moved(day), 0.0)
        return int(int(audience.followers(midnight(day) + _NOON)) * share * of)

    return amount


def net_of(gained: Amount, lost: Amount) -> Amount:
    """Return an amount that is a day's gain less its losses, and negative on some days."""

    def amount(world: World, account: SimAccount, day: date) -> int:
        return gained(world, account, day) - lost(world, account, day)

    return amount


def reached_on(world: World, account: SimAccount, day: date) -> float:
    """Return the size of the audience by which the amounts of a day go.

    It is the number of followers at noon, without the events that move followers, times the day's season and events.
    """
    key = (account.platform, account.index, day)
    known: float | None = world.remembered(key)
    if known is None:
        audience = audience_of(world, account.platform, account.index)
        known = int(audience.followers(midnight(day) + _NOON)) * audience.day_factor(day)
        world.remember(key, known)
    return known


def true_order(values: Mapping[str, int]) -> list[tuple[int, str, int]]:
    """Return the ranks of named values, the names and the values, highest first; equal values share the best rank."""
    highest = sorted(values.items(), key=lambda one: (-one[1], one[0]))
    numbers = [value for _, value in highest]
    return [(numbers.index(value) + 1, name, value) for name, value in highest]


@contextmanager
def as_it_was(instant: datetime) -> Iterator[None]:
    """Let levels and lifetime counters stand still from an instant on, for the calls in this context.

    It serves answers whose numbers are frozen; days that are over keep their amounts.
    """
    token = _STILL.set(instant)
    try:
        yield
    finally:
        _STILL.reset(token)


def _told(now: datetime) -> datetime:
    """Return the instant whose numbers are told."""
    still = _STILL.get()
    return now if still is None else min(now, still)


def curve(world: World, post: SimPost, now: datetime) -> Curve:
    """Return the curve of a post, moved to an instant after its publication; it is shared, so read it at once."""
    moved = curve_of(world, post)
    moved.move(max(_told(now), post.published_at))
    return moved
