"""Totals of a workspace over one period (docs/metrics.md, 5): functions over documents."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from metrics.aggregation.accounts import PERIOD_SUMS, TOTALS, total_name
from metrics.catalog import CATALOG, supported
from metrics.documents import AggregatedDocument, Platform, Reason, RollupStatus
from metrics.expected import Connection
from metrics.periods import slot_of

POST_SUMS = (*map(total_name, (*TOTALS, "engagement")), "postCount", "deletedPostCount", "postsMeasured")
"""Sums over the posts of an account: absent if none of its posts was observed."""
ACCOUNT_SUMS = (
    "followers",
    "followerGrowth",
    *(name for name in PERIOD_SUMS if CATALOG["account", name].adds_over_subjects),
)
"""Metrics of an account itself: absent if its platform did not report them."""
SUMMED = (*POST_SUMS, *ACCOUNT_SUMS)
UNIQUE = ("reach",)
_NAMES = (*SUMMED, "postCountByType", "engagementRate")
_SUMMED = frozenset(SUMMED)


@dataclass(frozen=True)
class PeriodRollups:
    """The period `[start, end)` and the documents of its accounts, by account id."""

    start: datetime
    end: datetime
    documents: Mapping[str, AggregatedDocument]

    def is_open(self, now: datetime, account_ids: Iterable[str]) -> bool:
        """Tell whether the period has not ended, or an account's document was not rolled up since it ended."""
        return self.end > now or any(self.documents[one]["status"] == "open" for one in account_ids)


def workspace_totals(period: PeriodRollups, accounts: Iterable[Connection], now: datetime) -> dict[str, Any] | None:
    """Return the totals of a period over the accounts that are expected in it; None if no account is expected.

    The result is `{periodStart, periodEnd, metrics, unavailable, missing, coverage, status, accounts,
    expectedAccounts}`. Additive metrics are summed over the accounts that have a value; rates are pooled from their
    parts. `missing` names for each metric, among the accounts whose platform has it, the expected accounts without a
    document and, if other accounts have a value, the accounts without one. `accounts` counts accounts with a document.
    Documents of accounts that are not expected are ignored.
    """
    expected = [account for account in accounts if account.expected(period.start, period.end)]
    if not expected:
        return None
    found, silent = [], []
    for account in expected:
        document = period.documents.get(account.account_id)
        if document is not None:
            found.append(document)
        else:
            silent.append(account)
    metrics, missing = add_up(found)
    ended = min(period.end, slot_of(now))
    expected_slots = sum(document["coverage"]["expectedSlots"] for document in found)
    for account in silent:
        expected_slots += account.hours(period.start, ended)
        for name in _offered(account.platform):
            missing.setdefault(name, []).append(account.account_id)
    return {
        "periodStart": period.start,
        "periodEnd": period.end,
        "metrics": metrics,
        "unavailable": _unavailable(metrics, frozenset(account.platform for account in expected)),
        "missing": {name: sorted(missing[name]) for name in sorted(missing)},
        "coverage": {
            "expectedSlots": expected_slots,
            "observedSlots": sum(document["coverage"]["observedSlots"] for document in found),
        },
        "status": _status(period, found, now, some_missing=bool(silent) or "followers" in missing),
        "accounts": len(found),
        "expectedAccounts": len(expected),
    }


def add_up(documents: Sequence[AggregatedDocument]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the sums and pooled rates of documents, and for each summed metric the accounts that lack it.

    An account lacks a metric of its own if its platform has the metric and its document does not. No account with a
    document lacks a sum over posts: without posts there is nothing to add.
    """
    metrics: dict[str, Any] = {}
    lacking: defaultdict[str, list[str]] = defaultdict(list)
    by_type: dict[str, int] | None = None
    rated = []
    for document in documents:
        row, platform = document["aggregatedMetrics"], document["platform"]
        for name in row.keys() & _SUMMED:
            metrics[name] = metrics.get(name, 0) + row[name]
        for name in _own(platform) - row.keys():
            lacking[name].append(document["accountId"])
        if "postCountByType" in row:
            by_type = by_type or {}
            for kind, count in row["postCountByType"].items():
                by_type[kind] = by_type.get(kind, 0) + count
        if "engagementRateParts" in row:
            rated.append(row)
    found = {name: metrics[name] for name in SUMMED if name in metrics}
    if by_type is not None:
        found["postCountByType"] = dict(sorted(by_type.items()))
    return found | _pooled(rated), {name: ids for name, ids in lacking.items() if name in found}


def _pooled(rated: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the pooled engagement rate; if platforms have different bases, `engagementRateBasis` names all of them."""
    basis = sum(row["engagementRateParts"]["basis"] for row in rated)
    if not basis:
        return {}
    return {
        "engagementRate": 100 * sum(row["engagementRateParts"]["engagement"] for row in rated) / basis,
        "engagementRateBasis": "+".join(sorted({row["engagementRateBasis"] for row in rated})),
    }


@cache
def _offered(platform: Platform) -> tuple[str, ...]:
    """Return the totals to which the accounts of a platform contribute."""
    bases = {total_name(name): name for name in (*TOTALS, "engagement")} | {"followerGrowth": "followers"}
    always = ("postCount", "deletedPostCount", "postsMeasured", "postCountByType", "engagementRate")
    return tuple(name for name in _NAMES if name in always or supported(platform, bases.get(name, name)))


@cache
def _own(platform: Platform) -> frozenset[str]:
    return frozenset(ACCOUNT_SUMS) & frozenset(_offered(platform))


def _unavailable(metrics: Mapping[str, Any], platforms: frozenset[Platform]) -> dict[str, Reason]:
    found = {name: reason for name, reason in _absent(platforms).items() if name not in metrics}
    return found | dict.fromkeys(UNIQUE, "not_additive")


@cache
def _absent(platforms: frozenset[Platform]) -> Mapping[str, Reason]:
    """Return the reason for each total that none of the accounts has."""
    offered = {name for platform in platforms for name in _offered(platform)}
    return {name: "no_observation" if name in offered else "not_supported" for name in _NAMES}


def _status(
    period: PeriodRollups, documents: Sequence[AggregatedDocument], now: datetime, *, some_missing: bool
) -> RollupStatus:
    statuses = {document["status"] for document in documents}
    if period.end > now or "open" in statuses:
        return "open"
    return "partial" if some_missing or "partial" in statuses else "complete"
