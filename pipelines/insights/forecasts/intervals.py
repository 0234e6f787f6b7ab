"""Prediction intervals from the errors that back-tests made: split-conformal quantiles, pooled over horizons.

Sources: Vovk, Gammerman, Shafer, *Algorithmic Learning in a Random World* (2005), for the quantile; Gibbs, Candès,
*Adaptive Conformal Inference Under Distribution Shift* (2021), for the step of the level.
"""

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NOMINAL = {"80": 0.2, "95": 0.05}
"""The share of values that each interval may miss."""
BUCKETS = (1, 3, 7, 15, 28)
"""The last day ahead of each bucket: the errors of 1, 2 to 3, 4 to 7, 8 to 15 and 16 to 28 days ahead are pooled."""
LEAST_ERRORS = 40
"""Errors that a bucket needs; one with fewer is pooled with the next one."""
INDEPENDENT = 1.5
"""The errors of one origin in one bucket count as this many independent ones, for they resemble each other."""
GAMMA = 0.02
"""The step of adaptive conformal inference."""
FARTHEST = 2.0
"""The adapted share that may be missed lies between the nominal one divided and multiplied by this."""


def buckets(errors: Floats, lasts: Iterable[int] = BUCKETS) -> list[tuple[int, int]] | None:
    """Return the pooled days ahead as `(first, end)`, zero-based; None if there are too few errors even in all.

    `errors` has shape `(origins, days ahead)`, with NaN where a day has no value. `lasts` are the last days of buckets;
    of hourly series, all of these are hours.
    """
    counts = np.count_nonzero(~np.isnan(errors), axis=0)
    horizon, found, first = errors.shape[1], list[tuple[int, int]](), 0
    for last in lasts:
        end = min(last, horizon)
        if end > first and counts[first:end].sum() >= LEAST_ERRORS:
            found.append((first, end))
            first = end
    if first < horizon:
        if not found:
            return None
        found[-1] = (found[-1][0], horizon)
    return found


def half_widths(
    errors: Floats, pooled: Iterable[tuple[int, int]], miss: float, independent: float = INDEPENDENT
) -> Floats:
    """Return how far the interval that misses the share `miss` reaches to each side, by day ahead; it never falls."""
    widths = np.zeros(errors.shape[1])
    for first, end in pooled:
        widths[first:end] = conformal_quantile(np.abs(errors[:, first:end]), miss, independent * len(errors))
    return np.maximum.accumulate(widths)


def conformal_quantile(scores: Floats, miss: float, independent: float) -> float:
    """Return the score that the share `1 - miss` does not exceed, of the known ones and one more.

    NaN is left out. `independent` is the number of scores that are exchangeable: the fewer, the greater the quantile
    has to be. With too few for so small a share, it is the greatest score.
    """
    known = np.sort(scores[~np.isnan(scores)], axis=None)
    rank = math.ceil(len(known) * (1 - miss) * (1 + 1 / independent))
    return float(known[min(rank, len(known)) - 1])


def adapted(misses: Mapping[str, float], outside: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the shares that may be missed after forecasts came due, day by day.

    `outside` has, by day, the share of the values that lay outside of each interval.
    """
    found = dict(misses)
    for of_day in outside:
        for name, nominal in NOMINAL.items():
            stepped = found[name] + GAMMA * (nominal - of_day[name])
            found[name] = min(max(stepped, nominal / FARTHEST), nominal * FARTHEST)
    return found
