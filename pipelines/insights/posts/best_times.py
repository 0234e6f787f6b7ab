"""`best_times`: the three-hour windows and weekdays at which the posts of an account do better, if that can be shown.

Effects are means of normal scores, shrunk by the number of posts. Whether any window or weekday stands out is tested by
shuffling the scores within eight consecutive blocks of posts (Good, *Permutation, Parametric, and Bootstrap Tests of
Hypotheses*, 2005): the best of all of them is compared with the best after each shuffle, so that trying many is paid
for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.best_times import LEAST_IN_WINDOW, WINDOW_HOURS
from pipelines.insights.posts.scores import Floats, detrended, normal_scores, spread

HOURS, WEEKDAYS = 24, 7
SHRINKAGE = 30.0
"""An effect over this many posts is halved."""
BLOCKS = 8
SHUFFLES = 999
_SEED = 20_261_130
_PASSES = 3
_80 = 1.2816
"""The half-width of an 80 % interval, in standard errors."""


@dataclass(frozen=True, slots=True)
class Posts:
    """Posts of one account in order of time: local hours, weekdays (Monday is 0), and engagement at the same age."""

    hours: NDArray[np.int64]
    weekdays: NDArray[np.int64]
    engagement: Floats

    def __len__(self) -> int:
        return len(self.engagement)

    def part(self, chosen: slice) -> "Posts":
        """Return some of the posts."""
        return Posts(self.hours[chosen], self.weekdays[chosen], self.engagement[chosen])


@dataclass(frozen=True, slots=True)
class Lift:
    """How much better a typical post does, as a share, with 80 % bounds; `posts` are those in the window."""

    lift: float
    lo80: float
    hi80: float
    posts: int


@dataclass(frozen=True, slots=True)
class BestTimes:
    """The effects of hours: `windows` by first hour, `slots` by weekday and first hour, best first.

    Both have only windows and weekdays with enough posts. `tried` is the number of these, `p` the share of shuffled
    histories in which the best of them stands out as much.
    """

    p: float
    tried: int
    windows: dict[int, Lift]
    slots: dict[tuple[int, int], Lift]


def best_times(accounts: Sequence[Posts]) -> BestTimes | None:
    """Return what is known of the hours of one account, or of several together; None if all posts are equal.

    Each account is compared with itself: its scores are those among its own posts.
    """
    logs = [detrended(one.engagement) for one in accounts]
    scale = spread(np.concatenate(logs))
    if scale == 0.0:
        return None
    scores = [normal_scores(one) for one in logs]
    members = np.concatenate([_members(one) for one in accounts], axis=1)
    counts = members.sum(axis=1)
    enough = counts >= LEAST_IN_WINDOW
    tried = int(enough.sum())
    if tried == 0:
        return BestTimes(1.0, 0, {}, {})
    p = _probability(scores, members[enough])
    effects = _additive(np.concatenate(scores), members, enough)
    hours, weekdays = np.flatnonzero(enough[:HOURS]).tolist(), np.flatnonzero(enough[HOURS:]).tolist()
    windows = {hour: _lift(effects[hour], [counts[hour]], scale) for hour in hours}
    slots = {
        (day, hour): _lift(effects[hour] + effects[HOURS + day], [counts[hour], counts[HOURS + day]], scale)
        for hour in hours
        for day in weekdays
    }
    best_first = dict(sorted(slots.items(), key=lambda one: (-one[1].lift, one[0])))
    return BestTimes(p, tried, windows, best_first)


def best_window(found: BestTimes) -> int:
    """Return the first hour of the best window."""
    return max(found.windows, key=lambda hour: found.windows[hour].lift)


def _members(posts: Posts) -> Floats:
    """Return which posts are in each window and on each weekday, of shape `(24 + 7, posts)`."""
    windows = (posts.hours[None, :] - np.arange(HOURS)[:, None]) % HOURS < WINDOW_HOURS
    weekdays = posts.weekdays[None, :] == np.arange(WEEKDAYS)[:, None]
    return np.concatenate([windows, weekdays]).astype(np.float64)


def _probability(scores: Sequence[Floats], members: Floats) -> float:
    """Return the share of shuffles, and the truth, in which the best standardised sum is as great as the true one.

    The sum of each window and weekday is standardised by its mean and deviation over all shuffles and the truth.
    """
    random = np.random.default_rng(_SEED)
    sums = np.concatenate([_shuffled(one, random) for one in scores], axis=1) @ members.T
    deviations = sums.std(axis=0)
    moving = deviations > 0
    if not moving.any():
        return 1.0
    best = ((sums[:, moving] - sums[:, moving].mean(axis=0)) / deviations[moving]).max(axis=1)
    return float(np.mean(best >= best[0] - 1e-9))


def _shuffled(scores: Floats, random: np.random.Generator) -> Floats:
    """Return scores, and below them `SHUFFLES` rows of them in another order within each block."""
    found = np.tile(scores, (SHUFFLES + 1, 1))
    for block in np.array_split(np.arange(len(scores)), BLOCKS):
        found[1:, block] = random.permuted(found[1:, block], axis=1)
    return found


def _additive(scores: Floats, members: Floats, enough: NDArray[np.bool_]) -> Floats:
    """Return the shrunk effects of windows and weekdays that add up; 0 for those with too few posts."""
    weights = np.where(enough, 1.0, 0.0)[:, None] * members / (members.sum(axis=1) + SHRINKAGE)[:, None]
    windows, weekdays = weights[:HOURS], weights[HOURS:]
    # A post counts in three windows: that in whose middle it lies is the one that explains it.
    hour_of = np.argmax(members[:HOURS] * np.roll(members[:HOURS], 1, 0) * np.roll(members[:HOURS], -1, 0), axis=0)
    day_of = np.argmax(members[HOURS:], axis=0)
    by_hour, by_day = np.zeros(HOURS), np.zeros(WEEKDAYS)
    for _ in range(_PASSES):
        by_hour = windows @ (scores - by_day[day_of])
        by_day = weekdays @ (scores - by_hour[hour_of])
    return np.concatenate([by_hour, by_day])


def _lift(effect: float, counts: Sequence[float], scale: float) -> Lift:
    """Return an effect on scores as a share; its variance is that of shrunk means of scores with variance 1."""
    error = float(np.sqrt(sum(1 / (count + SHRINKAGE) for count in counts)))
    lift, low, high = (float(np.expm1(scale * one)) for one in (effect, effect - _80 * error, effect + _80 * error))
    return Lift(lift, low, high, int(counts[0]))
