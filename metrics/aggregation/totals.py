"""Totals of a workspace over one period (docs/metrics.md, 5): functions over documents."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from metrics.aggregation.accounts import PERIOD_SUMS
from metrics.aggregation.post_parts import PostPart
from metrics.aggregation.post_sums import TOTALS, total_name
from metrics.catalog import CATALOG, ENGAGEMENT_PARTS, GAUGES, offered, supported
from metrics.documents import AggregatedDocument, Platform, Reason, RollupStatus
from metrics.expected import Connection
from metrics.periods import slot_of
from metrics.platforms.registry import FACTS

POST_SUMS = (*map(total_name, (*TOTALS, "engagement")), "postCount", "deletedPostCount", "postsMeasured")
"""Sums over the posts of an account: absent if none of its posts was observed."""
ACCOUNT_SUMS = (
    "followers",
    "avgFollowers",
    "followerGrowth",
    *(name for name in PERIOD_SUMS if CATALOG["account", name].adds_over_subjects),
)
"""Metrics of an account itself: absent if its platform did not report them."""
SUMMED = (*POST_SUMS, *ACCOUNT_SUMS)
UNIQUE = ("reach",)
EXTREMES = ("minFollowers", "maxFollowers")
"""Extremes of a level: accounts reach theirs at different times."""
NOT_SUMMED = (*UNIQUE, *EXTREMES)
"""Metrics that do not add up over accounts: one account has them, totals do not."""
_NAMES = (*SUMMED, "postCountByType", "engagementRate")
_NAMES_OF_PART = (*(name for name in POST_SUMS if name != "deletedPostCount"), "engagementRate")
"""The totals of a part of the posts. Deleted posts are not counted by part."""
_METRICS: dict[str, str] = {total_name(name): name for name in (*TOTALS, "engagement")}
_METRICS |= dict.fromkeys(("followerGrowth", "avgFollowers", *EXTREMES), "followers")
"""The metric in the catalog from which a total of another name is made."""
_SUMMED = frozenset(SUMMED)


def catalog_name(total: str) -> str:
    """Return the name in the catalog of the metric of which a total is made: `likes` for `totalLikes`."""
    return _METRICS.get(total, total)


@dataclass(frozen=True)
class PeriodRollups:
    """The period `[start, end)` and the documents of its accounts, by account id."""

    start: datetime
    end: datetime
    documents: Mapping[str, AggregatedDocument]

    def is_open(self, now: datetime, account_ids: Iterable[str]) -> bool:
        """Tell whether the period has not ended, or an account's document was not rolled up since it ended."""
        return self.end > now or any(self.documents[one]["status"] == "open" for one in account_ids)


def workspace_totals(
    period: PeriodRollups, accounts: Iterable[Connection], now: datetime, part: PostPart | None = None
) -> dict[str, Any] | None:
    """Return the totals of a period over the accounts that are expected in it; None if no account is expected.

    With a part of the posts, the documents have only the sums over these posts, and so have the totals.

    The result is `{periodStart, periodEnd, metrics, unavailable, missing, coverage, status, accounts,
    expectedAccounts}`. Additive metrics are summed over the accounts that have a value; rates are pooled from their
    parts. `missing` names for each metric, among the accounts whose platform has it, the expected accounts without a
    document and, if other accounts have a value, the accounts without one. `accounts` counts accounts with a document.
    Documents of accounts that are not expected are ignored.
    """
    expected = [account for account in accounts if account.expected(period.start, period.end)]
    if not expected:
        return None
    documents = [period.documents[one.account_id] for one in expected if one.account_id in period.documents]
    without_document = [account for account in expected if account.account_id not in period.documents]
    metrics, lacking = add_up(documents)
    incomplete = bool(without_document) or "followers" in lacking
    return {
        "periodStart": period.start,
        "periodEnd": period.end,
        "metrics": metrics,
        "unavailable": _unavailable(metrics, frozenset(a.platform for a in expected), part),
        "missing": _missing(lacking | _outside_rate(documents), without_document, part),
        "coverage": _coverage(period, documents, without_document, now),
        "status": _status(period, documents, now, incomplete=incomplete),
        "accounts": len(documents),
        "expectedAccounts": len(expected),
    }


def _missing(
    lacking: Mapping[str, list[str]], without_document: Sequence[Connection], part: PostPart | None
) -> dict[str, list[str]]:
    """Return the accounts that each total misses: those that lack the metric, and those without a document."""
    missing = defaultdict(list, {name: list(ids) for name, ids in lacking.items()})
    for account in without_document:
        for name in offered_totals(account.platform, part):
            missing[name].append(account.account_id)
    return {name: sorted(missing[name]) for name in sorted(missing)}


def _coverage(
    period: PeriodRollups,
    documents: Sequence[AggregatedDocument],
    without_document: Sequence[Connection],
    now: datetime,
) -> dict[str, int]:
    """Return the expected and the observed hours; every ended hour of an account without a document is expected."""
    ended = min(period.end, slot_of(now))
    unobserved = sum(account.hours(period.start, ended) for account in without_document)
    return {
        "expectedSlots": unobserved + sum(document["coverage"]["expectedSlots"] for document in documents),
        "observedSlots": sum(document["coverage"]["observedSlots"] for document in documents),
    }


def add_up(documents: Sequence[AggregatedDocument]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the sums and pooled rates of documents, and for each summed metric the accounts that lack it.

    An account lacks a metric of its own if its platform has the metric and its document does not. No account with a
    document lacks a sum over posts: without posts there is nothing to add.
    """
    rows = [document["aggregatedMetrics"] for document in documents]
    metrics = _sums(rows)
    by_type = _post_counts_by_type(rows)
    if by_type is not None:
        metrics["postCountByType"] = by_type
    return metrics | _pooled(_pool(rows)), _lacking(documents, metrics)


def _sums(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sum of each additive metric that any row has, in the order of `SUMMED`."""
    sums: dict[str, Any] = {}
    for row in rows:
        for name in row.keys() & _SUMMED:
            sums[name] = sums.get(name, 0) + row[name]
    return {name: sums[name] for name in SUMMED if name in sums}


def _post_counts_by_type(rows: Iterable[Mapping[str, Any]]) -> dict[str, int] | None:
    """Return the number of posts of each type over all rows, or None if no row has such counts."""
    counted = [row["postCountByType"] for row in rows if "postCountByType" in row]
    if not counted:
        return None
    counts: defaultdict[str, int] = defaultdict(int)
    for by_type in counted:
        for kind, count in by_type.items():
            counts[kind] += count
    return dict(sorted(counts.items()))


def _lacking(documents: Iterable[AggregatedDocument], sums: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return, for each metric with a sum, the accounts whose platform has the metric but whose document lacks it."""
    lacking: defaultdict[str, list[str]] = defaultdict(list)
    for document in documents:
        for name in _own(document["platform"]) - document["aggregatedMetrics"].keys():
            if name in sums:
                lacking[name].append(document["accountId"])
    return dict(lacking)


def _pool(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows whose rates are pooled.

    A rate over what posts were shown and a rate over a level of accounts have no common basis. If there are rates of
    both kinds, those over levels are left out.
    """
    rated = [row for row in rows if "engagementRateParts" in row]
    return [row for row in rated if not is_over_level(row)] or rated


def is_over_level(row: Mapping[str, Any]) -> bool:
    """Tell whether the rate of a document or a total, which must have one, is over a level of accounts."""
    return row["engagementRateBasis"] in GAUGES


def _outside_rate(documents: Sequence[AggregatedDocument]) -> dict[str, list[str]]:
    """Return the accounts whose rates `_pool` leaves out, as accounts that the total of the rate misses."""
    rated = [document for document in documents if "engagementRateParts" in document["aggregatedMetrics"]]
    over_levels = [document["accountId"] for document in rated if is_over_level(document["aggregatedMetrics"])]
    left_out = over_levels if len(over_levels) < len(rated) else []
    return {"engagementRate": left_out} if left_out else {}


def _pooled(rated: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the pooled engagement rate with its parts; `engagementRateBasis` names the bases of all platforms."""
    parts = [row["engagementRateParts"] for row in rated]
    engagement, basis = (sum(part[name] for part in parts) for name in ("engagement", "basis"))
    if not basis:
        return {}
    return {
        "engagementRate": 100 * engagement / basis,
        "engagementRateBasis": "+".join(sorted({row["engagementRateBasis"] for row in rated})),
        "engagementRateParts": {"engagement": engagement, "basis": basis},
    }


@cache
def offered_totals(platform: Platform, part: PostPart | None = None) -> tuple[str, ...]:
    """Return the totals to which the accounts of a platform, or a part of their posts, contribute."""
    if part is not None:
        return _offered_of_part(platform, part)
    always = ("postCount", "deletedPostCount", "postsMeasured", "postCountByType", "engagementRate")
    return tuple(name for name in _NAMES if name in always or supported(platform, _METRICS.get(name, name)))


def _offered_of_part(platform: Platform, part: PostPart) -> tuple[str, ...]:
    kinds = [
        (metric_type, content_type)
        for metric_type, types in FACTS[platform].kinds.items()
        for content_type in types
        if part.has({"metricType": metric_type, "contentType": content_type})
    ]
    names = {name for metric_type, content_type in kinds for name in offered(platform, metric_type, content_type)}
    names |= {"engagement"} if names.intersection(ENGAGEMENT_PARTS) else set()
    always = ("postCount", "postsMeasured", "engagementRate") if kinds else ()
    return tuple(name for name in _NAMES_OF_PART if name in always or _METRICS.get(name) in names)


@cache
def _own(platform: Platform) -> frozenset[str]:
    return frozenset(ACCOUNT_SUMS) & frozenset(offered_totals(platform))


def _unavailable(
    metrics: Mapping[str, Any], platforms: frozenset[Platform], part: PostPart | None
) -> dict[str, Reason]:
    found = {name: reason for name, reason in _absent(platforms, part).items() if name not in metrics}
    return found | dict.fromkeys(NOT_SUMMED if part is None else UNIQUE, "not_additive")


@cache
def _absent(platforms: frozenset[Platform], part: PostPart | None) -> Mapping[str, Reason]:
    """Return the reason for each total that none of the accounts has."""
    names = _NAMES if part is None else _NAMES_OF_PART
    possible = {name for platform in platforms for name in offered_totals(platform, part)}
    return {name: "no_observation" if name in possible else "not_supported" for name in names}


def _status(
    period: PeriodRollups, documents: Sequence[AggregatedDocument], now: datetime, *, incomplete: bool
) -> RollupStatus:
    statuses = {document["status"] for document in documents}
    if period.end > now or "open" in statuses:
        return "open"
    return "partial" if incomplete or "partial" in statuses else "complete"
