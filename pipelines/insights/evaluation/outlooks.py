"""Outlooks whose posts have come to the age of a week: how far off they were, by the age at which they were said."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypedDict

import numpy as np

from metrics.store.insights.outlooks import DueOutlook
from pipelines.insights.posts.scores import Floats

_STEP = 0.001
_STEPS = 10_000
"""Errors are counted in steps of a tenth of a percent, up to ten times the engagement, so that they need no memory."""
MOST_ERROR = _STEP * _STEPS


class OutlookRow(TypedDict):
    """What became of the outlooks that were said at an age, in hours.

    `medianError` is the median share by which the middle missed the final engagement, to a tenth of a percent; it is
    `MOST_ERROR` where it is greater.
    """

    age: float
    posts: int
    medianError: float
    inside80: float
    inside95: float


class Outlooks:
    """Adds up outlooks that came due."""

    def __init__(self) -> None:
        self._errors: defaultdict[float, Floats] = defaultdict(lambda: np.zeros(_STEPS + 1))
        self._inside: defaultdict[float, Floats] = defaultdict(lambda: np.zeros(2))

    def add(self, outlooks: Iterable[DueOutlook]) -> None:
        """Add outlooks with the final engagement of their posts."""
        for one in outlooks:
            missed = abs(one["value"] - one["final"]) / max(one["final"], 1.0)
            self._errors[one["age"]][min(round(missed / _STEP), _STEPS)] += 1
            in80, in95 = one["lo80"] <= one["final"] <= one["hi80"], one["lo95"] <= one["final"] <= one["hi95"]
            self._inside[one["age"]] += (in80, in95)

    def rows(self) -> list[OutlookRow]:
        """Return a row per age, the youngest first."""
        found: list[OutlookRow] = []
        for age, errors in sorted(self._errors.items()):
            posts = int(errors.sum())
            middle = int(np.searchsorted(np.cumsum(errors), posts / 2))
            in80, in95 = (self._inside[age] / posts).round(4).tolist()
            found.append(
                {
                    "age": age, "posts": posts, "medianError": round(middle * _STEP, 4),
                    "inside80": in80, "inside95": in95,
                }
            )  # fmt: skip
        return found
