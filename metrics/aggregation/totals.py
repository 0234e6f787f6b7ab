"""Totals of a workspace over one period: plain functions over documents (docs/metrics.md, 5)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from metrics.aggregation.accounts import PERIOD_SUMS, TOTALS, total_name
from metrics.catalog import CATALOG, supported
from metrics.documents import AggregatedDocument, Platform, Reason, RollupStatus
from metrics.expected import Connection
from metrics.periods import slot_of

POST_SUMS = (*map(total_name, (*TOTALS, "engagement")), "postCount", "deletedPostCount", "postsMeasured")
"""Sums over the posts of an account: absent where no post of it was observed."""
ACCOUNT_SUMS = (
    "followers",
    "followerGrowth",
    *(name for name in PERIOD_SUMS if CATALOG["account", name].adds_over_subjects),
)
"""Numbers of an account itself: absent where its platform did not give them."""
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

    def is_open(self, now: datetime) -> bool:
        """Tell whether the period has not ended, or has a document that nobody rolled since it did."""
        return self.end > now or "open" in self._statuses

    @cached_property
    def _statuses(self) -> set[str]:
        return {document["status"] for document in self.documents.values()}


def workspace_totals(period: PeriodRollups, accounts: Iterable[Connection], now: datetime) -> dict[str, Any] | None:
    """Return the totals of a period over those of the accounts that are expected in it; None where none of them is.

    `{periodStart, periodEnd, metrics, unavailable, missing, coverage, status, accounts, expectedAccounts}`. What adds
    up over accounts is summed over those that have it, and rates are pooled from their parts. `missing` names, per
    metric that their platform has, the expected accounts without a document and, where other accounts have a value,
    those without one. `accounts` counts those with a document. Documents of accounts that are not expected count
    nowhere.
    """
    expected = [one for one in accounts if one.expected(period.start, period.end)]
    if not expected:
        return None
    found, silent = [], []
    for one in expected:
        document = period.documents.get(one.account_id)
        if document is not None:
            found.append(document)
        else:
            silent.append(one)
    metrics, missing = add_up(found)
    ended = min(period.end, slot_of(now))
    expected_slots = sum(document["coverage"]["expectedSlots"] for document in found)
    for one in silent:
        expected_slots += one.hours(period.start, ended)
        for name in _offered(one.platform):
            missing.setdefault(name, []).append(one.account_id)
    return {
        "periodStart": period.start,
        "periodEnd": period.end,
        "metrics": metrics,
        "unavailable": _unavailable(metrics, frozenset(one.platform for one in expected)),
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
    """Return the sums and pooled rates of documents, and per metric of these sums the accounts that lack it.

    An account lacks one of its own numbers if its platform has it and its document does not. A sum over posts is lacked
    by no account that has a document: without posts there is nothing to add.
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
    """Pool the engagement rate again; over several bases it is the platforms' mixture, and named so."""
    basis = sum(row["engagementRateParts"]["basis"] for row in rated)
    if not basis:
        return {}
    return {
        "engagementRate": 100 * sum(row["engagementRateParts"]["engagement"] for row in rated) / basis,
        "engagementRateBasis": "+".join(sorted({row["engagementRateBasis"] for row in rated})),
    }


@cache
def _offered(platform: Platform) -> tuple[str, ...]:
    """Return the totals that a platform's accounts add to."""
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
    """Return why each total is absent where none of the accounts has it."""
    offered = {name for platform in platforms for name in _offered(platform)}
    return {name: "no_observation" if name in offered else "not_supported" for name in _NAMES}


def _status(
    period: PeriodRollups, documents: Sequence[AggregatedDocument], now: datetime, *, some_missing: bool
) -> RollupStatus:
    statuses = {document["status"] for document in documents}
    if period.end > now or "open" in statuses:
        return "open"
    return "partial" if some_missing or "partial" in statuses else "complete"
