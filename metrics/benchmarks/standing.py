"""Where own accounts stand in a group of watched ones, metric by metric, and what had to be left out of that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from metrics.benchmarks.catalog import BenchmarkMetric
from metrics.benchmarks.distribution import Distribution
from metrics.benchmarks.numbers import NumberReason, Numbers

LEAST_COVERAGE = 0.8
"""The share of a period's days that must have been observed for an account's numbers to be compared with others'."""

LeftOut = Literal[NumberReason, "low_coverage", "manual"]
"""Why an account's number is not compared. `manual`: it was entered by hand, and is shown beside the others only."""
NoQuantiles = Literal["too_few", "terms"]


@dataclass(frozen=True, slots=True)
class AccountNumbers:
    """The public numbers of one account over a period.

    `observed` and `expected` are days of the period; `own` is the id of the connected account that it is, None for
    others. An account that is not `read` has no rollup of the period.
    """

    watched_id: str
    own: str | None
    observed: int
    expected: int
    numbers: Numbers
    entered_by_hand: bool = False
    read: bool = True

    def reason(self, metric: BenchmarkMetric) -> LeftOut | None:
        """Return why the account's number of a metric is not compared, or None if it is."""
        lacking = self.numbers.unavailable.get(metric, "no_observation")
        if not self.read:
            return lacking
        if self.entered_by_hand:
            return "manual"
        if lacking == "terms":
            return lacking
        if self.expected and self.observed / self.expected < LEAST_COVERAGE:
            return "low_coverage"
        return None if metric in self.numbers.values else lacking


@dataclass(frozen=True, slots=True)
class Standing:
    """The place of an own account among the others: `percentile_rank` in percent, `gap_to_median` in the metric's unit.

    Both are None without quantiles.
    """

    watched_id: str
    account_id: str
    value: float
    percentile_rank: float | None
    gap_to_median: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A metric of a group: the distribution over the accounts that are not own, and where own ones stand in it.

    `n` is how many accounts are in the distribution. `quartiles` are the first one, the median and the third one, None
    for the reason `unavailable`. `left_out` has the reasons by the id of the watched account.
    """

    metric: BenchmarkMetric
    n: int
    quartiles: tuple[float, float, float] | None
    standings: tuple[Standing, ...]
    left_out: dict[str, LeftOut]
    unavailable: NoQuantiles | None = None


def compare(metric: BenchmarkMetric, accounts: Sequence[AccountNumbers], *, may_aggregate: bool = True) -> Comparison:
    """Compare own accounts with the others of a group by one metric.

    An own account is in no distribution, so it is never compared with itself or with a sibling. Without
    `may_aggregate`, the terms of the platform forbid numbers over accounts of several owners.
    """
    left_out = {one.watched_id: reason for one in accounts if (reason := one.reason(metric)) is not None}
    compared = [one for one in accounts if one.watched_id not in left_out]
    others = Distribution.of(one.numbers.values[metric] for one in compared if one.own is None)
    unavailable: NoQuantiles | None = None
    if not may_aggregate:
        unavailable = "terms"
    elif others.is_too_small:
        unavailable = "too_few"
    quartiles = others.quartiles() if unavailable is None else None
    standings = tuple(_standing(one, one.own, metric, others, quartiles) for one in compared if one.own is not None)
    return Comparison(metric, len(others.values), quartiles, standings, left_out, unavailable)


def _standing(
    account: AccountNumbers,
    own: str,
    metric: BenchmarkMetric,
    others: Distribution,
    quartiles: tuple[float, float, float] | None,
) -> Standing:
    value = account.numbers.values[metric]
    if quartiles is None:
        return Standing(account.watched_id, own, value, None, None)
    return Standing(account.watched_id, own, value, others.percentile_rank(value), value - quartiles[1])


def shares(accounts: Iterable[AccountNumbers], metric: BenchmarkMetric) -> dict[str, float]:
    """Return the percentage that each account has of the sum over a group, own accounts included; empty for a sum of 0.

    Accounts whose number is not compared have no share, and the sum is that of the others. Negative numbers, which
    platforms show when they take engagement back, count as 0.
    """
    counted = {one.watched_id: max(one.numbers.values[metric], 0) for one in accounts if one.reason(metric) is None}
    whole = sum(counted.values())
    return {watched_id: 100 * value / whole for watched_id, value in counted.items()} if whole else {}
