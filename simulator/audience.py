"""The audience of an account: its trend, its season and noise, and the events that strike it.

Activity is measured in hours: in a span of activity 1, an average hour of the account passes. Posts grow with the
activity since their publication, so an hour of a strong season lets them age faster, and a week is a week for all.
"""

from array import array
from collections.abc import Sequence
from datetime import date, datetime
from math import exp, pi, sin

from metrics.documents import Platform
from metrics.periods import DAY, midnight
from simulator.chance import draw, lognormal, share, smooth
from simulator.events import OF_FOLLOWERS, OF_POST, Event
from simulator.season import BLOCK_HOURS, hour_weight, weekday_factor
from simulator.world import EPOCH, SimAccount, World, account_seed

DAY_SECONDS = 86_400


class Audience:
    """Audience of one account, as it is while no event is planted or removed.

    `changes` has the factors of growth by events: from which activity on, and the factor. Before the first it is 1.
    """

    __slots__ = (
        "_earlier",
        "_events",
        "_last",
        "_number",
        "_of_growth",
        "_of_posts",
        "_rate",
        "_seed",
        "_size",
        "_table",
        "_world",
        "changes",
        "season",
    )  # fmt: skip

    def __init__(self, world: World, account: SimAccount) -> None:
        self._world = world
        self._seed, self._number = seed = account_seed(world, account)
        base, growth = draw(*seed, 31)[:2]
        self._size, self._rate = 300 + 2_000 * lognormal(1.0, share(base)), -0.0004 + 0.0024 * share(growth)
        self.season = world.season(*seed)
        self._table: tuple[int | None, array[float]] = None, array("f")
        self._last = self._earlier = EPOCH, self._activity(EPOCH)
        events = world.events.of(account.platform, account.platform_account_id, *seed)
        self._events = [event for event in events if event.kind in OF_FOLLOWERS]
        self._of_posts = [event for event in events if event.kind == OF_POST]
        self._of_growth = [event for event in events if event.kind not in (*OF_FOLLOWERS, OF_POST)]
        self.changes = self._changes(self._of_growth)

    def trend(self, days: float) -> float:
        """Return the trend of the followers, without drift, swing and events, at an instant in days since the epoch."""
        return float(self._size * exp(self._rate * days))

    def followers(self, now: datetime) -> float:
        """Return the followers with drift, a weekly swing and losses, but without events."""
        days = (now - EPOCH).total_seconds() / DAY_SECONDS
        weekly = 0.0015 * sin(2 * pi * days / 7)
        drift = 0.01 * smooth(days / 5, self._seed, self._number, 33)
        drift += 0.0004 * smooth(days * 24, self._seed, self._number, 34)
        return self.trend(days) * (1 + weekly + drift)

    def followers_kept(self, now: datetime) -> float:
        """Return the factor of the followers by events; 1 before any."""
        factor = 1.0
        for event in self._events:
            if now > event.start:
                passed = (now - event.start).total_seconds() / 3600 / (event.hours or 1.0)
                factor *= 1 + (event.factor - 1) * min(passed, 1.0)
        return factor

    def followers_moved(self, day: date) -> float:
        """Return the share of the followers that events add on a UTC day; it is negative if they take some away."""
        if not self._events:
            return 0.0
        start = midnight(day)
        return self.followers_kept(start + DAY) - self.followers_kept(start)

    def publication_weight(self, hours: float) -> float:
        """Return the factor of the final numbers of a post, by when it is published, in hours since the epoch."""
        return hour_weight(self.season, int(hours // 1))

    def at(self, now: datetime) -> float:
        """Return the activity since the epoch, in hours; it is remembered for the two instants that were asked last."""
        last, earlier = self._last, self._earlier
        if now == last[0]:
            return last[1]
        found = earlier if now == earlier[0] else (now, self._activity(now))
        self._last, self._earlier = found, last
        return found[1]

    def _activity(self, now: datetime) -> float:
        since = now - EPOCH
        whole = since.days * DAY_SECONDS + since.seconds
        hour, second = divmod(whole, 3600)
        block, place = divmod(hour, BLOCK_HOURS)
        known, table = self._table
        if known != block:
            table = self._world.activity(self._seed, self._number, block)
            self._table = block, table
        before = table[place]
        within = (second + since.microseconds * 1e-6) / 3600
        return block * BLOCK_HOURS + (before + (table[place + 1] - before) * within)

    def day_factor(self, day: date) -> float:
        """Return the factor of a day's amounts, by weekday and events; the weekdays of a week have a mean of 1."""
        weekday = weekday_factor(self.season, day.toordinal())
        if not self.changes:
            return weekday
        start, end = self._activity(midnight(day)), self._activity(midnight(day) + DAY)
        return weekday * (self._lived(end) - self._lived(start)) / (end - start)

    def changes_of(self, post: str) -> list[tuple[float, float]]:
        """Return the factors of growth of one post, given the platform's id of it: those of all, and its own events."""
        own = [event for event in self._of_posts if event.post == post]
        return self._changes([*self._of_growth, *own]) if own else self.changes

    def _lived(self, activity: float) -> float:
        """Return the activity since the epoch with the factors of events."""
        lived, reached, factor = 0.0, 0.0, 1.0
        for begin, following in self.changes:
            if activity <= begin:
                break
            lived, reached, factor = lived + factor * (begin - reached), begin, following
        return lived + factor * (activity - reached)

    def _changes(self, events: Sequence[Event]) -> list[tuple[float, float]]:
        """Return from which activity on growth has which factor."""
        found = []
        for instant in sorted({at for event in events for at in (event.start, event.end) if at is not None}):
            factor = 1.0
            for event in events:
                if event.start <= instant and (event.end is None or instant < event.end):
                    factor *= event.factor
            found.append((self._activity(instant), factor))
        return found


def audience_of(world: World, platform: Platform, index: int) -> Audience:
    """Return the audience of an account; it is computed once."""
    known: Audience | None = world.remembered((platform, index))
    if known is None:
        known = Audience(world, world.account(platform, index))
        world.remember((platform, index), known)
    return known
