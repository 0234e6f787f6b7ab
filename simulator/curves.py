"""Growth curves of posts: the views since publication, from which all counters of a post derive.

A curve is a function of the activity of the audience since the publication (`simulator.audience`), so views grow faster
in busy hours. One post in twenty has a second wave: after some days it is found again.
"""

from datetime import datetime
from math import exp, log
from typing import NamedTuple

from simulator.audience import Audience, audience_of
from simulator.chance import ONE, draw, lognormal
from simulator.world import EPOCH, SimPost, World

WORD = 2**32 - 1
_GOLDEN = 0x9E3779B1
_MOOD_HOURS = 17_000 / 3600
_SMALLEST_REST = 1e-9
"""Share of the views that must still come for the time of the next one to be computed with enough digits."""
_MARGIN = 1e-4
"""A value is taken for unchanged up to this share of the curve's time before it changes."""
_VIRAL, _VIRAL_FACTOR = 0.02, 25
"""The share of posts that are seen so many times more often than others."""
_WAVES = int(0.05 * 2**16)
"""Probability of a second wave, scaled to 16 bits."""


class Wave(NamedTuple):
    """A second wave: it begins at an age, brings views, and after `hours` more 63 % of them; ages are in activity."""

    begin: float
    views: float
    hours: float


class Curve:
    """Growth curve of a post's views, with the random shares of its counters; drawn once for many counters.

    After `move`, `seen` is the number of views at that instant, and `mood` an odd number derived from the age. A share
    times the mood is another share, so that different posts lose counts at different times. `values` has the counters
    that were computed from both; it is replaced when one of them changes. Without events, the first wave brings `final`
    views, 63 % of them within `hours` of activity. `viral` tells whether the post is one of the few that are seen far
    more often than the others.
    """

    __slots__ = (
        "_audience", "_from", "_until",
        "began", "changes", "final", "hours", "mood", "seen", "shares", "values", "viral", "wave",
    )  # fmt: skip

    def __init__(self, world: World, post: SimPost) -> None:
        numbers = draw(world.seed, post.number, 41)
        many, luck, viral, speed = numbers[:4]
        self.shares = numbers[4:]
        audience: Audience = audience_of(world, post.platform, post.account_index)
        hours = (post.published_at - EPOCH).total_seconds() / 3600
        reached = (0.15 + 0.45 * (many * ONE)) * (0.4 if post.kind.metric_type == "story" else 1.0)
        self.viral = viral * ONE < _VIRAL
        factor = lognormal(0.7, luck * ONE) * (_VIRAL_FACTOR if self.viral else 1)
        self.final = audience.trend(hours / 24) * reached * factor * audience.publication_weight(hours)
        self.hours = 3 + 37 * (speed * ONE)
        self.wave = _wave(world, post, self.final) if speed & 0xFFFF < _WAVES else None
        self._audience, self.began = audience, audience.at(post.published_at)
        self.changes = [(begin - self.began, factor) for begin, factor in audience.changes_of(post.platform_post_id)]
        self._from = self._until = 0.0
        self.seen = 0
        self.mood = 1
        self.values: dict[str, int] = {}

    def move(self, now: datetime) -> None:
        """Move the curve to an instant."""
        age = self._audience.at(now) - self.began
        if self._from <= age < self._until:
            return
        seen, mood = self._seen(age), int(age // _MOOD_HOURS + 2) * _GOLDEN & WORD | 1
        if seen != self.seen or mood != self.mood:
            self.seen, self.mood, self.values = seen, mood, {}
        self._from, self._until = age, self._age_of_change(age)

    def seen_at(self, now: datetime) -> int:
        """Return the number of views at an instant, without moving the curve."""
        return self._seen(self._audience.at(now) - self.began)

    def _seen(self, age: float) -> int:
        return int(self._with_events(age) if self.changes else self._grown(age))

    def _grown(self, age: float) -> float:
        """Return the views at an age without events."""
        grown = self.final * (1 - exp(-age / self.hours))
        wave = self.wave
        if wave is not None and age > wave.begin:
            grown += wave.views * (1 - exp((wave.begin - age) / wave.hours))
        return grown

    def _with_events(self, age: float) -> float:
        """Return the views at an age; events multiply the growth while they last."""
        views, grown, factor = 0.0, 0.0, 1.0
        for begin, following in self.changes:
            if age <= begin:
                break
            if begin > 0:
                before = self._grown(begin)
                views, grown = views + factor * (before - grown), before
            factor = following
        return views + factor * (self._grown(age) - grown)

    def _age_of_change(self, age: float) -> float:
        """Return an age up to which neither `seen` nor `mood` changes; an earlier one than `age` if it is not known."""
        if self.changes or self.wave is not None:
            return 0.0
        other_mood = (age // _MOOD_HOURS + 1) * _MOOD_HOURS
        if self.seen >= int(self.final):
            return other_mood
        rest = 1 - (self.seen + 1) / self.final
        if rest < _SMALLEST_REST:
            return 0.0
        return float(min(other_mood, -self.hours * (log(rest) + _MARGIN)))


def curve_of(world: World, post: SimPost) -> Curve:
    """Return the curve of a post, at the instant to which it was last moved; it is computed once, and shared."""
    known: Curve | None = world.remembered(post.number)
    if known is None:
        known = Curve(world, post)
        world.remember(post.number, known)
    return known


def _wave(world: World, post: SimPost, final: float) -> Wave:
    begin, size, speed = draw(world.seed, post.number, 43)[:3]
    return Wave(48 + 432 * (begin * ONE), final * (0.3 + 0.9 * (size * ONE)), 3 + 37 * (speed * ONE))
