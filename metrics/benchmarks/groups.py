"""The answer of one group: the accounts of a group on one platform over one period, and how own ones stand in it.

Numbers of different platforms are not one distribution: each counts something else by the same name. So a group with
accounts on several platforms is one comparison for each platform.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from metrics.benchmarks.catalog import COMPARED, BenchmarkMetric
from metrics.benchmarks.numbers import NumberReason, Numbers, no_numbers, numbers_of
from metrics.benchmarks.reading import PeriodOfAll, Watch, is_deleted_by_terms, stands_everywhere
from metrics.benchmarks.standing import AccountNumbers, Comparison, LeftOut, compare, shares
from metrics.documents import Platform, RollupStatus, WatchedDocument

SHARE: BenchmarkMetric = "shareOfEngagement"
"""The metric that the accounts of a group have together: each has a part of the whole."""


@dataclass(frozen=True, slots=True)
class GroupPeriod:
    """A group on one platform in one period. `name` is None for the accounts without a group.

    `accounts` are the watched accounts by key, each with its numbers.
    """

    period: PeriodOfAll
    platform: Platform
    name: str | None
    accounts: Sequence[tuple[WatchedDocument, AccountNumbers]]
    may_aggregate: bool

    @property
    def status(self) -> RollupStatus:
        """Whether the period has not ended; if it has, whether days of an account that is read are missing."""
        if self.period.is_open:
            return "open"
        read = [numbers for _, numbers in self.accounts if numbers.read and not numbers.entered_by_hand]
        return "partial" if any(one.observed < one.expected for one in read) else "complete"

    def comparison(self, metric: BenchmarkMetric) -> Comparison:
        """Return the distribution of a metric, and where own accounts stand in it."""
        return compare(metric, [numbers for _, numbers in self.accounts], may_aggregate=self.may_aggregate)

    def comparisons(self, metrics: Sequence[BenchmarkMetric] = COMPARED) -> Iterator[Comparison]:
        """Yield the comparison of each of these metrics that has distributions."""
        yield from (self.comparison(metric) for metric in metrics if metric in COMPARED)


def group_periods(watch: Watch, periods: Sequence[PeriodOfAll], now: datetime) -> Iterator[GroupPeriod]:
    """Yield every group of every period: by period, then platform, then the name of the group; those without one first.

    `periods` are those that `periods_of` read for the same accounts.
    """
    groups = groups_of(watch.accounts)
    for period in periods:
        for (platform, name), some in groups.items():
            may_derive = platform not in watch.may_not_derive
            accounts = [(one, _account_numbers(period, one, now, may_derive=may_derive)) for one in some]
            yield GroupPeriod(period, platform, name or None, _with_shares(accounts), may_derive)


def groups_of(accounts: Sequence[WatchedDocument]) -> dict[tuple[Platform, str], list[WatchedDocument]]:
    """Return accounts by platform and the name of their group, both sorted; those without a group have the name "".

    An own account without a group stands in every group of its platform: it is what the others are compared with. Where
    there are groups, such accounts make no group of their own.
    """
    found: dict[tuple[Platform, str], list[WatchedDocument]] = {}
    for one in sorted(accounts, key=_order):
        found.setdefault((one["platform"], one.get("group", "")), []).append(one)
    named = {platform for platform, name in found if name}
    for platform in named:
        alone = found.get((platform, ""), [])
        own = [one for one in alone if stands_everywhere(one)]
        for key, some in found.items():
            if key[0] == platform and key[1]:
                some.extend(own)
        if alone and all("own" in one for one in alone):
            del found[platform, ""]
    return found


def _order(watched: WatchedDocument) -> tuple[Platform, str, str]:
    return watched["platform"], watched.get("group", ""), watched["key"]


def _account_numbers(
    period: PeriodOfAll, watched: WatchedDocument, now: datetime, *, may_derive: bool
) -> AccountNumbers:
    watched_id, own, manual = watched["_id"], watched.get("own"), watched["source"] == "manual"
    expected, document = period.days(watched_id), period.documents.get(watched_id)
    if document is None:
        missing = no_numbers(_why_unread(watched, period, now))
        return AccountNumbers(watched_id, own, 0, expected, missing, manual, read=False)
    observed = min(document["coverage"]["observedDays"], expected)
    numbers = numbers_of(document, watched, period.dates, may_derive=may_derive)
    return AccountNumbers(watched_id, own, observed, expected, numbers, manual)


def _why_unread(watched: WatchedDocument, period: PeriodOfAll, now: datetime) -> NumberReason:
    if is_deleted_by_terms(watched, period.span.start, now):
        return "terms"
    if watched["source"] == "manual" or watched["state"] == "active":
        return "no_observation"
    return watched["state"]


def _with_shares(
    accounts: Sequence[tuple[WatchedDocument, AccountNumbers]],
) -> list[tuple[WatchedDocument, AccountNumbers]]:
    """Return the accounts with their shares of the group's engagement."""
    found = shares([numbers for _, numbers in accounts], "engagement")
    return [(watched, replace(one, numbers=_shared(one, found.get(one.watched_id)))) for watched, one in accounts]


def _shared(account: AccountNumbers, share: float | None) -> Numbers:
    numbers = account.numbers
    if SHARE in numbers.unavailable:
        return numbers
    if share is not None:
        return replace(numbers, values={**numbers.values, SHARE: share})
    return replace(numbers, unavailable={**numbers.unavailable, SHARE: _why_no_share(account.reason("engagement"))})


def _why_no_share(reason: LeftOut | None) -> NumberReason:
    """Return why an account has no share, from why its engagement is not compared; None is a sum of 0."""
    if reason is None:
        return "zero_basis"
    return "no_observation" if reason == "low_coverage" or reason == "manual" else reason
