"""Where own accounts stand in a group of watched ones, metric by metric, and what had to be left out of that."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from metrics.benchmarks.distribution import Distribution

LEAST_COVERAGE = 0.8
"""The share of a period's days that must have been observed for an account's numbers to be compared with others'."""

LeftOut = Literal[
    "low_coverage", "no_observation", "not_supported", "rounded", "definition_changed", "terms", "zero_basis", "manual"
]
"""Why an account's number is not compared. `manual`: it was entered by hand, and is shown beside the others only."""


@dataclass(frozen=True, slots=True)
class AccountNumbers:
    """The public numbers of one account over a period.

    `values` has numbers by metric, `unavailable` the reason for each metric that has none. `observed` and `expected`
    are days of the period; `own` is the id of the connected account that it is, None for others.
    """

    watched_id: str
    own: str | None
    observed: int
    expected: int
    values: Mapping[str, float]
    unavailable: Mapping[str, LeftOut] = field(default_factory=dict)
    entered_by_hand: bool = False

    def reason(self, metric: str) -> LeftOut | None:
        """Return why the account's number of a metric is not compared, or None if it is."""
        if self.entered_by_hand:
            return "manual"
        if self.expected and self.observed / self.expected < LEAST_COVERAGE:
            return "low_coverage"
        if metric in self.values:
            return None
        return self.unavailable.get(metric, "no_observation")


@dataclass(frozen=True, slots=True)
class Standing:
    """The place of an own account among the others: `percentile_rank` in percent, `gap_to_median` in the metric's unit.

    Without quantiles there is no gap; without any other value there is no rank either.
    """

    watched_id: str
    account_id: str
    value: float
    percentile_rank: float | None
    gap_to_median: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A metric of a group: the distribution over the accounts that are not own, and where own ones stand in it."""

    metric: str
    n: int
    quartiles: tuple[float, float, float] | None
    standings: tuple[Standing, ...]
    left_out: Mapping[str, LeftOut]

    @property
    def is_too_small(self) -> bool:
        """Whether too few accounts have a value for quantiles (`too_few`)."""
        return self.quartiles is None


def compare(metric: str, accounts: Sequence[AccountNumbers]) -> Comparison:
    """Compare own accounts with the others of a group by one metric.

    An own account is in no distribution, so it is never compared with itself or with a sibling.
    """
    left_out = {one.watched_id: reason for one in accounts if (reason := one.reason(metric)) is not None}
    compared = [one for one in accounts if one.watched_id not in left_out]
    others = Distribution.of(one.values[metric] for one in compared if one.own is None)
    quartiles = None if others.is_too_small else others.quartiles()
    standings = tuple(_standing(one, one.own, metric, others, quartiles) for one in compared if one.own is not None)
    return Comparison(metric, len(others.values), quartiles, standings, left_out)


def _standing(
    account: AccountNumbers, own: str, metric: str, others: Distribution, quartiles: tuple[float, float, float] | None
) -> Standing:
    value = account.values[metric]
    rank = others.percentile_rank(value) if others.values and quartiles is not None else None
    return Standing(account.watched_id, own, value, rank, None if quartiles is None else value - quartiles[1])


def shares(accounts: Iterable[AccountNumbers], metric: str) -> dict[str, float]:
    """Return the percentage that each account has of the sum over a group, own accounts included; empty for a sum of 0.

    Accounts whose number is not compared have no share, and the sum is that of the others. Negative numbers, which
    platforms show when they take engagement back, count as 0.
    """
    counted = {one.watched_id: max(one.values[metric], 0) for one in accounts if one.reason(metric) is None}
    whole = sum(counted.values())
    return {watched_id: 100 * value / whole for watched_id, value in counted.items()} if whole else {}
