"""From the engagement of posts to normal scores: without the drift of the account, and without heavy tails."""

from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SPAN = 41
"""Posts over which the running median goes."""
_TO_DEVIATION = 1.4826
"""The standard deviation of a normal distribution, in median absolute deviations."""


def detrended(engagement: Floats) -> Floats:
    """Return `log(1 + engagement)` of posts in order of time, less its running median over 41 posts."""
    logs = np.log1p(np.maximum(engagement, 0.0))
    half = SPAN // 2
    middle = np.array([np.median(logs[max(0, i - half) : i + half + 1]) for i in range(len(logs))])
    found: Floats = logs - middle
    return found


def spread(logs: Floats) -> float:
    """Return a robust standard deviation."""
    return float(_TO_DEVIATION * np.median(np.abs(logs - np.median(logs))))


def normal_scores(values: Floats) -> Floats:
    """Return the scores that the ranks of values have in a normal distribution, with mean 0; equal values are equal.

    Source: van der Waerden's scores in Hazen's plotting positions, with the mean rank for ties.
    """
    ordered = np.sort(values)
    ranks = (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right") + 1) / 2
    scores = np.array([_quantile((rank - 0.5) / len(values)) for rank in ranks.tolist()])
    found: Floats = scores - scores.mean()
    return found


@cache
def _quantile(share: float) -> float:
    return NormalDist().inv_cdf(share)
