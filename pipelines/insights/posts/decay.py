"""`decay`: which share of their final engagement posts had at each age, and their half-life."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.content_decay import LEAST_POSTS

Floats = NDArray[np.float64]
LEAST_ENGAGEMENT = 5
"""The shares of a post with fewer engagements at the end are too coarse."""


@dataclass(frozen=True, slots=True)
class Quartiles:
    """The quartiles of a number over `posts` posts."""

    q1: float
    median: float
    q3: float
    posts: int


@dataclass(frozen=True, slots=True)
class Decay:
    """The shares by age, for ages with enough posts, and the half-life in hours; `posts` are those that were used."""

    shares: dict[float, Quartiles]
    half_life: Quartiles
    posts: int


def usable(values: Floats) -> NDArray[np.bool_]:
    """Tell which posts have a final value that is large enough; `values` has shape `(posts, ages)`."""
    found: NDArray[np.bool_] = np.nan_to_num(values[:, -1], nan=0.0) >= LEAST_ENGAGEMENT
    return found


def decay(values: Floats, ages: Sequence[float]) -> Decay | None:
    """Return how fast posts reach their final engagement; None if there are too few posts.

    `values` has the cumulative engagement of posts, of shape `(posts, ages)`, with NaN where it is not known; the last
    age is the final one. An age with fewer than `LEAST_POSTS` posts is left out.
    """
    chosen = values[usable(values)]
    if len(chosen) < LEAST_POSTS:
        return None
    # Engagement that was withdrawn later does not make a post younger: shares never fall, and never exceed 1.
    shares = np.minimum(chosen / chosen[:, -1:], 1.0)
    halves = np.array([half_life(row, ages) for row in shares])
    known = halves[~np.isnan(halves)]
    if len(known) < LEAST_POSTS:
        return None
    found = {}
    for place, age in enumerate(ages):
        of_age = shares[~np.isnan(shares[:, place]), place]
        if len(of_age) >= LEAST_POSTS:
            found[age] = _quartiles(of_age)
    return Decay(found, _quartiles(known), len(chosen))


def _quartiles(values: Floats) -> Quartiles:
    q1, median, q3 = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    return Quartiles(q1, median, q3, len(values))


def half_life(shares: Floats, ages: Sequence[float]) -> float:
    """Return the age at which a post has half of its engagement; 0 if it had it at the first age; NaN if unclear.

    Between two ages, the share grows with the logarithm of the age. It is unclear where one age between them is not
    known.
    """
    reached = int(np.argmax(np.nan_to_num(shares, nan=0.0) >= 0.5))
    if reached == 0:
        return 0.0
    before, after = shares[reached - 1], shares[reached]
    if np.isnan(before):
        return float("nan")
    share = (0.5 - before) / (after - before)
    return float(ages[reached - 1] * (ages[reached] / ages[reached - 1]) ** share)
