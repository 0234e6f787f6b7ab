"""Quantiles of a metric over accounts, and the place of one value among them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import quantiles

LEAST_ACCOUNTS = 5
"""Fewer accounts with a value have no quantiles: a quartile of four numbers is one of them, or close to one."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """The values of a metric of the accounts that an own account is compared with, sorted."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> "Distribution":
        """Return the distribution of values in any order."""
        return cls(tuple(sorted(values)))

    @property
    def is_too_small(self) -> bool:
        """Whether there are too few values for quantiles."""
        return len(self.values) < LEAST_ACCOUNTS

    def quartiles(self) -> tuple[float, float, float]:
        """Return the first quartile, the median and the third quartile.

        They are interpolated linearly between the values, which is type 7 of R. J. Hyndman and Y. Fan, "Sample
        Quantiles in Statistical Packages" (1996), the default of numpy, R and spreadsheets.

        Raises:
            ValueError: there are too few values.
        """
        if self.is_too_small:
            raise ValueError(f"{len(self.values)} values have no quartiles; there must be {LEAST_ACCOUNTS}")
        first, median, third = quantiles(self.values, n=4, method="inclusive")
        return first, median, third

    def percentile_rank(self, value: float) -> float:
        """Return the percentage of the values that are lower than this one; of those that are equal, half counts.

        Raises:
            ValueError: there are no values.
        """
        if not self.values:
            raise ValueError("a value has no rank among no values")
        lower, not_higher = bisect_left(self.values, value), bisect_right(self.values, value)
        return 100 * (lower + not_higher) / 2 / len(self.values)
