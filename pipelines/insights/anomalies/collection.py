"""Anomalies of the collection: what changed in the numbers without any change of the audience."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median

from metrics.anomalies import AnomalyDocument, CollectionCause, anomaly_id
from metrics.documents import AggregatedDocument, Platform
from metrics.expected import Connection
from metrics.forecasts import FORECASTED
from metrics.periods import DAY, midnight
from metrics.store import Store
from metrics.store.errors import mongo_errors
from metrics.store.rollup.rollups import derived_by
from pipelines.insights.anomalies.describe import Finding
from pipelines.insights.forecasts.reading import WHOLE

BEFORE_DAYS = 14
SEVERITY = 5
"""The audience is as it was, but numbers cannot be trusted: that is neither small nor urgent."""
_USUALLY = 12
"""A metric that had a value on so many of the 14 days before is expected."""
_FROZEN_FROM = 50
"""An account with so much engagement on a usual day does not stop at 0 with everything else."""
_FELL = 0.02
"""Lifetime values of posts fall by unlikes, but not by more than this share in a day."""
_FEWER = 0.2
"""The share of hours that were observed may fall by so much below its median."""
_LEAST_ACCOUNTS = 2
_ROUNDED_FROM, _ROUNDED_TO, _ROUNDED_DAYS, _ROUNDED_VALUES = 1000, 10, 7, 3
_HOURLY = tuple(name for name, one in FORECASTED.items() if one.counted or name == "followers")
"""The metrics that are read every hour: others come days later, and their absence says nothing yet."""
_POSTS = {name: one.source for name, one in FORECASTED.items() if one.counted and name != "totalEngagement"}


@dataclass(slots=True)
class Observed:
    """Observed and expected hours, by platform and date, over all accounts of a workspace."""

    hours: defaultdict[Platform, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))
    expected: defaultdict[Platform, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))
    accounts: Counter[Platform] = field(default_factory=Counter)

    def add(self, row: AggregatedDocument, day: date) -> None:
        """Count a daily rollup of an account."""
        of = date.fromisoformat(row["periodLabel"])
        self.hours[row["platform"]][of] += row["coverage"]["observedSlots"]
        self.expected[row["platform"]][of] += row["coverage"]["expectedSlots"]
        self.accounts[row["platform"]] += of == day

    def fewer(self, finding: Finding, day: date, bounds: tuple[datetime, datetime]) -> Iterator[AnomalyDocument]:
        """Yield an anomaly for each platform of which fewer hours were observed than usual."""
        for platform, expected in sorted(self.expected.items()):
            shares = {one: self.hours[platform][one] / count for one, count in expected.items() if count}
            before = [share for one, share in shares.items() if one < day]
            if day not in shares or not before or self.accounts[platform] < _LEAST_ACCOUNTS:
                continue
            usual = median(before)
            if shares[day] <= usual - _FEWER:
                yield finding.document(
                    "day",
                    *bounds,
                    _id=anomaly_id(finding.workspace_id, platform, "fewer_accounts", day),
                    platform=platform,
                    scope="platform",
                    kind="collection",
                    status="ended",
                    direction="down",
                    observed=round(shares[day], 4),
                    expected=round(usual, 4),
                    severity=SEVERITY,
                    evidence={"cause": "fewer_accounts"},
                )


def collection_anomalies(
    store: Store,
    finding: Finding,
    version: int,
    accounts: Sequence[Connection],
    day: date,
    bounds: tuple[datetime, datetime],
    observed: Observed,
) -> Iterator[AnomalyDocument]:
    """Yield the anomalies of the collection of accounts on a day; add the accounts' hours to `observed`.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    first, end = midnight(day) - (BEFORE_DAYS + 1) * DAY, midnight(day) + 2 * DAY
    names = [one.account_id for one in accounts]
    by_account: defaultdict[str, list[AggregatedDocument]] = defaultdict(list)
    for row in store.rollups.aggregated(finding.workspace_id, "daily", first, end, version=version, account_ids=names):
        if (
            row["status"] != "open"
            and day - timedelta(days=BEFORE_DAYS) <= date.fromisoformat(row["periodLabel"]) <= day
        ):
            by_account[row["accountId"]].append(row)
            observed.add(row, day)
    for account in accounts:
        rows = by_account[account.account_id]
        if not rows or rows[-1]["periodLabel"] != day.isoformat():
            continue
        for cause, metric in _causes(store, version, rows[-1], rows[:-1]):
            named: dict[str, object] = {"metric": metric} if metric else {}
            yield finding.document(
                "day",
                *bounds,
                _id=anomaly_id(account.account_id, metric, cause, day),
                accountId=account.account_id,
                platform=account.platform,
                scope="account",
                kind="collection",
                severity=SEVERITY,
                evidence={"cause": cause},
                **named,  # type: ignore[arg-type]
            )


def _causes(
    store: Store, version: int, today: AggregatedDocument, before: Sequence[AggregatedDocument]
) -> Iterator[tuple[CollectionCause, str | None]]:
    now = today["aggregatedMetrics"]
    coverage = today["coverage"]
    whole = 0 < coverage["expectedSlots"] * WHOLE <= coverage["observedSlots"]
    for metric in _HOURLY:
        had = sum(metric in row["aggregatedMetrics"] for row in before)
        if whole and metric not in now and had >= _USUALLY:
            yield "metric_vanished", metric
    if whole and before and _is_frozen(today, before):
        yield "frozen", None
    for metric, source in _POSTS.items():
        if now.get(metric, 0) < 0 and -now[metric] > _FELL * _lifetime(store, version, today, source):
            yield "lifetime_fell", metric
    levels = [row["aggregatedMetrics"].get("followers") for row in (*before, today)]
    known = [int(one) for one in levels if one is not None]
    if _is_rounded(known) and not _is_rounded(known[:-1]) and any(one % _ROUNDED_TO for one in known):
        yield "rounded", "followers"


def _is_frozen(today: AggregatedDocument, before: Sequence[AggregatedDocument]) -> bool:
    now, last = today["aggregatedMetrics"], before[-1]["aggregatedMetrics"]
    usual = [row["aggregatedMetrics"].get("totalEngagement", 0) for row in before]
    moved = any(now.get(name) for name in _HOURLY if name != "followers")
    return not moved and now.get("followers") == last.get("followers") and median(usual) >= _FROZEN_FROM


def _is_rounded(levels: Sequence[int]) -> bool:
    newest = set(levels[-_ROUNDED_DAYS:])
    return len(newest) >= _ROUNDED_VALUES and all(one >= _ROUNDED_FROM and one % _ROUNDED_TO == 0 for one in newest)


def _lifetime(store: Store, version: int, today: AggregatedDocument, source: str) -> float:
    """Return the sum of the lifetime values of an account's posts before a day; infinite if nothing is known of it."""
    match = {
        "accountId": today["accountId"],
        "period": "daily",
        "periodStart": today["periodStart"],
        **derived_by(version),
    }
    stages = [{"$match": match}, {"$group": {"_id": None, "sum": {"$sum": f"$metrics.{source}.open"}}}]
    with mongo_errors():
        row = next(iter(store.rollups.aggregate_subjects(stages)), None)
    return float(row["sum"]) if row and row["sum"] else float("inf")
