"""What the challenger sees of a series at an origin: how its methods differ, and how the series varied until then.

Nothing names an account, a workspace or a platform, and nothing depends on the size of an audience but its logarithm.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from metrics.forecasts import Method

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

METHODS: tuple[Method, ...] = ("seasonal_naive", "drift", "smoothing", "four_weeks")
"""The methods whose difference from the combination is a feature; a series without one has NaN."""
COUNT = len(METHODS) + 7
_SEASONS = 4


def features(z: Floats, origins: Ints, said: Mapping[Method, Floats], season: int, *, level: bool) -> Floats:
    """Return the features of each origin and step ahead, of shape `(origins, steps, features)`.

    `said` has the forecasts of each method, of shape `(origins, steps)`. Values of `z` from an origin on are not used.
    """
    combination = said["combination"]
    count, ahead = combination.shape
    found = np.full((count, ahead, COUNT), np.nan)
    for column, name in enumerate(METHODS):
        if name in said:
            found[:, :, column] = said[name] - combination
    column = len(METHODS)
    mean, spread = _recent(z, origins, season)
    _, wide = _recent(z, origins, _SEASONS * season)
    found[:, :, column] = np.log1p(np.arange(1, ahead + 1))
    found[:, :, column + 1] = combination
    found[:, :, column + 2] = _carried(z)[origins - 1][:, None] - combination
    found[:, :, column + 3] = mean[:, None] - combination
    found[:, :, column + 4] = spread[:, None]
    found[:, :, column + 5] = wide[:, None]
    found[:, :, column + 6] = float(level)
    return found


def _recent(z: Floats, origins: Ints, length: int) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of the last known values before each origin; NaN without any."""
    mean, spread = np.full(len(origins), np.nan), np.full(len(origins), np.nan)
    for row, origin in enumerate(origins.tolist()):
        known = z[max(origin - length, 0) : origin]
        known = known[~np.isnan(known)]
        if len(known):
            mean[row], spread[row] = known.mean(), known.std()
    return mean, spread


def _carried(z: Floats) -> Floats:
    known = np.where(np.isnan(z), 0, np.arange(len(z)))
    return z[np.maximum.accumulate(known)]
