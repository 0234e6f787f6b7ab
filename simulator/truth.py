"""True values of the simulation: each number is a pure function of the world, a subject, a field and an instant.

Fields have the provider's names. The tables of each platform define its fields with the functions of this module.
Counters of posts saturate with age and fall at times, as users withdraw likes; followers drift, swing with the week and
are lost.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import exp, log, pi, sin

from metrics.documents import Platform
from simulator.chance import ONE, between, draw, lognormal, share, smooth
from simulator.world import EPOCH, SimAccount, SimPost, World, account_seed

DAY_SECONDS = 86_400
PERIODS: Mapping[str, int] = {"day": 1, "week": 7, "days_28": 28}
"""Number of days of each period for which providers report an amount."""

_SEEN_BEFORE = 0.45
"""Share of the people of each day but the best that counts in a period; the rest came on another of its days, too."""

Level = Callable[[World, SimAccount, datetime], int]
Counter = Callable[["Curve"], int]
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
    return 0 if now < post.published_at else _curve(world, post).seen_at(now)


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
    """Return the followers of an account, with drift, a weekly swing and losses."""
    seed = account_seed(world, account)
    days = (now - EPOCH).total_seconds() / DAY_SECONDS
    weekly = 0.0015 * sin(2 * pi * days / 7)
    drift = 0.01 * smooth(days / 5, *seed, 33) + 0.0004 * smooth(days * 24, *seed, 34)
    return int(_trend(world, account.platform, account.index, days) * (1 + weekly + drift))


def _trend(world: World, platform: Platform, index: int, days: float) -> float:
    """Return the trend of the followers of an account, without drift and swing."""
    known = world.remembered((platform, index))
    if known is None:
        base, growth = draw(*account_seed(world, world.account(platform, index)), 31)[:2]
        known = 300 + 2_000 * lognormal(1.0, share(base)), -0.0004 + 0.0024 * share(growth)
        world.remember((platform, index), known)
    size, rate = known
    return float(size * exp(rate * days))


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


def views(curve: "Curve") -> int:
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
        if chance * curve.mood & _WORD < _FALLS:
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

    With the same range and word as another amount, it is the fraction `of` that amount, such as unique visitors of all
    visits.
    """

    def amount(world: World, account: SimAccount, day: date) -> int:
        share = between(low, high, *account_seed(world, account), day.toordinal(), word)
        return int(followers_at_noon(world, account, day) * share * of)

    return amount


def followers_at_noon(world: World, account: SimAccount, day: date) -> int:
    """Return the followers of an account at noon of a day, by which the amounts of the day go."""
    key = (account.platform, account.index, day)
    known: int | None = world.remembered(key)
    if known is None:
        known = followers(world, account, EPOCH + timedelta(days=(day - EPOCH.date()).days, hours=12))
        world.remember(key, known)
    return known


_WORD = 2**32 - 1
_FALLS = int(0.25 * 2**32)
_GOLDEN = 0x9E3779B1
_MOOD_SECONDS = 17_000
_SMALLEST_REST = 1e-9
"""Share of the views that must still come for the time of the next one to be computed with enough digits."""
_MARGIN = 1e-4
"""A value is taken for unchanged up to this share of the curve's time before it changes."""


class Curve:
    """Growth curve of a post's views, with the random shares of its counters; drawn once for many counters.

    After `move`, `seen` is the number of views at that instant, and `mood` an odd number derived from the age. A share
    times the mood is another share, so that different posts lose counts at different times. `values` has the counters
    that were computed from both; it is emptied when one of them changes.
    """

    __slots__ = ("_final", "_from", "_published_at", "_seconds", "_until", "mood", "seen", "shares", "values")

    def __init__(self, world: World, post: SimPost) -> None:
        numbers = draw(world.seed, post.number, 41)
        many, luck, viral, speed = numbers[:4]
        self.shares = numbers[4:]
        days = (post.published_at - EPOCH).total_seconds() / DAY_SECONDS
        reached = (0.15 + 0.45 * (many * ONE)) * (0.4 if post.kind.metric_type == "story" else 1.0)
        factor = lognormal(0.7, luck * ONE) * (25 if viral * ONE < 0.02 else 1)
        self._final = _trend(world, post.platform, post.account_index, days) * reached * factor
        self._seconds = (3 + 37 * (speed * ONE)) * 3600  # after which it has 63 % of its views
        self._published_at = self._from = self._until = post.published_at
        self.seen = 0
        self.mood = 1
        self.values: dict[str, int] = {}

    def move(self, now: datetime) -> None:
        """Move the curve to an instant."""
        if self._from <= now < self._until:
            return
        age = (now - self._published_at).total_seconds()
        self.seen = self._seen(age)
        self.mood = int(age // _MOOD_SECONDS + 2) * _GOLDEN & _WORD | 1
        self.values = {}
        self._from = now
        self._until = self._published_at + timedelta(seconds=max(self._age_of_change(age), 0.0))

    def seen_at(self, now: datetime) -> int:
        """Return the number of views at an instant, without moving the curve."""
        return self._seen((now - self._published_at).total_seconds())

    def _seen(self, age: float) -> int:
        return int(self._final * (1 - exp(-age / self._seconds)))

    def _age_of_change(self, age: float) -> float:
        """Return an age up to which neither `seen` nor `mood` changes; an earlier one than `age` if it is not known."""
        other_mood = (age // _MOOD_SECONDS + 1) * _MOOD_SECONDS
        if self.seen >= int(self._final):
            return other_mood
        rest = 1 - (self.seen + 1) / self._final
        if rest < _SMALLEST_REST:
            return 0.0
        return float(min(other_mood, -self._seconds * (log(rest) + _MARGIN)))


def curve(world: World, post: SimPost, now: datetime) -> Curve:
    """Return the curve of a post, moved to an instant after its publication; it is shared, so read it at once."""
    moved = _curve(world, post)
    moved.move(now)
    return moved


def _curve(world: World, post: SimPost) -> Curve:
    known: Curve | None = world.remembered(post.number)
    if known is None:
        known = Curve(world, post)
        world.remember(post.number, known)
    return known
