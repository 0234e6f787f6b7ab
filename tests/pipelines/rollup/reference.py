"""A brute-force reference of rollups in plain Python after docs/metrics.md, 2 to 5. Shares no code with pipelines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from metrics.catalog import CATALOG
from metrics.documents import AccountDocument, Observation, PostDocument

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TOTALS = ("likes", "comments", "shares", "saves", "impressions", "views", "videoViews", "clicks")
SUMS = [name for (subject, name), metric in CATALOG.items() if subject == "account" and metric.kind == "period_sum"]
Entry = dict[str, Any]
RATE_BASIS = {
    "instagram": "views",
    "facebook": "views",
    "twitter": "impressions",
    "linkedin": "impressions",
    "tiktok": "views",
    "youtube": "views",
    "pinterest": "impressions",
    "threads": "views",
    "bluesky": "followers",
}
OVER_LEVELS = {"bluesky"}
"""Platforms whose engagement is divided by a level of the account."""
REACH = {"daily": {"instagram", "facebook", "linkedin", "tiktok"}, "weekly": {"instagram"}}
"""Platforms with the reach of an account over a day, and over a week: copied by hand from docs/metrics.md."""


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass
class Reference:
    """All inputs; `observations` are in the order of their arrival."""

    accounts: Sequence[AccountDocument]
    posts: Sequence[PostDocument]
    observations: Sequence[Observation]
    now: datetime

    @cached_property
    def _by_subject(self) -> dict[str, list[Observation]]:
        found: dict[str, list[Observation]] = {}
        for observation in self.observations:
            found.setdefault(observation.subject_id, []).append(observation)
        return found

    def values(self, subject_id: str, metric: str) -> list[tuple[datetime, Any]]:
        """The value with the newest `collectedAt` of each slot, in order of slots."""
        newest: dict[datetime, tuple[datetime, Any]] = {}
        for observation in self._by_subject.get(subject_id, ()):
            value = observation.metrics.get(metric)
            if not is_number(value) or observation.slot > self.now:
                continue
            if observation.slot not in newest or observation.collected_at >= newest[observation.slot][0]:
                newest[observation.slot] = (observation.collected_at, value)
        return [(slot, newest[slot][1]) for slot in sorted(newest)]

    def subject(self, subject_id: str, start: datetime, end: datetime, period: str) -> dict[str, Entry]:
        """The entries of one subject over `[start, end)`."""
        post = next((p for p in self.posts if p["_id"] == subject_id), None)
        kind = "post" if post else "account"
        found = {}
        for (subject, name), metric in CATALOG.items():
            if subject != kind:
                continue
            values = self.values(subject_id, name)
            within = [(slot, value) for slot, value in values if start <= slot < end]
            if not within:
                continue
            if metric.kind in ("counter", "gauge"):
                before = [value for slot, value in values if slot < start]
                found[name] = self._level(metric.kind, before, [value for _, value in within], post)
            elif metric.kind == "period_sum":
                days = {slot.date(): value for slot, value in within}
                found[name] = {"total": sum(days.values()), "samples": len(days)}
            elif period == "daily":
                found[name] = {"value": within[-1][1], "samples": 1}
            elif period == "weekly" and name == "weeklyReach":
                sunday = [value for slot, value in within if slot.date() == (end - DAY).date()]
                if sunday:
                    found[name] = {"value": sunday[-1], "samples": 1}
        return found

    def _level(self, kind: str, before: list[Any], within: list[Any], post: PostDocument | None) -> Entry:
        born = post is not None and post["publishedAt"] >= self._account(post["accountId"])["connectedAt"]
        entry: Entry = {"close": within[-1], "samples": len(within)}
        if before:
            entry["open"] = before[-1]
        elif kind == "counter" and born:
            entry["open"] = 0
        else:
            entry |= {"open": within[0], "baseline": True}
        entry["net"] = entry["close"] - entry["open"]
        if kind == "gauge":
            entry |= {"min": min(within), "max": max(within), "sum": sum(within)}
        return entry

    def _account(self, account_id: str) -> AccountDocument:
        return next(a for a in self.accounts if a["_id"] == account_id)

    def subjects(self, account_id: str, start: datetime, end: datetime, period: str) -> dict[str, dict[str, Entry]]:
        ids = [account_id, *(p["_id"] for p in self.posts if p["accountId"] == account_id)]
        found = {subject_id: self.subject(subject_id, start, end, period) for subject_id in ids}
        return {subject_id: entries for subject_id, entries in found.items() if entries}

    def account(self, account_id: str, start: datetime, end: datetime, period: str) -> dict[str, Any] | None:
        """The document of one account, without its stamps; None if nothing was observed."""
        subjects = self.subjects(account_id, start, end, period)
        if not subjects:
            return None
        platform = self._account(account_id)["platform"]
        own = subjects.pop(account_id, {})
        metrics = {
            **_sums(subjects.values()),
            **self._rates(platform, subjects, own),
            **_followers(own.get("followers")),
            **self._counts(account_id, start, end),
            **{name: own[name]["total"] for name in SUMS if name in own},
            "engagementRateBasis": RATE_BASIS[platform],
        }
        reach = own.get("reach") if period == "daily" else own.get("weeklyReach")
        if reach is not None and period in ("daily", "weekly"):
            metrics["reach"] = reach["value"]
        return {
            "aggregatedMetrics": metrics,
            "unavailable": _reasons(platform, metrics, period),
            **self._coverage(account_id, start, end),
        }

    def _rates(self, platform: str, subjects: dict[str, dict[str, Entry]], own: dict[str, Entry]) -> dict[str, Any]:
        engagements, rated = [], []
        for post in self.posts:
            entries = subjects.get(post["_id"], {})
            parts = self.parts(post)
            if not parts or not all(part in entries for part in parts):
                continue
            engagement = sum(entries[part]["net"] for part in parts)
            engagements.append(engagement)
            if platform in OVER_LEVELS:
                basis = own.get(RATE_BASIS[platform], {}).get("close")
            else:
                basis = entries.get(RATE_BASIS[platform], {}).get("net")
            if basis is not None and basis > 0:
                rated.append((engagement, basis))
        found: dict[str, Any] = {"postsMeasured": len(rated)}
        if engagements:
            found["totalEngagement"] = sum(engagements)
        if rated:
            rates = [100 * engagement / basis for engagement, basis in rated]
            # The account's level stands once under the engagement of all its posts.
            under = rated[0][1] if platform in OVER_LEVELS else sum(b for _, b in rated)
            pooled = {"engagement": sum(e for e, _ in rated), "basis": under}
            found |= {
                "engagementRate": 100 * pooled["engagement"] / pooled["basis"],
                "engagementRateParts": pooled,
                "avgEngagementRate": sum(rates) / len(rates),
                "minEngagementRate": min(rates),
                "maxEngagementRate": max(rates),
            }
        return found

    def parts(self, post: PostDocument) -> list[str]:
        """The parts of a post's engagement."""
        found = []
        for name in ("likes", "comments", "shares", "saves"):
            offer = CATALOG["post", name].offers.get(post["platform"])
            lacks = post["metricType"] == "post" and offer is not None and post["contentType"] in offer.without
            if offer is not None and post["metricType"] in offer.on and not lacks and not offer.further:
                found.append(name)
        return found

    def _counts(self, account_id: str, start: datetime, end: datetime) -> dict[str, Any]:
        published = [p for p in self.posts if p["accountId"] == account_id and start <= p["publishedAt"] < end]
        types = [post["contentType"] for post in published]
        return {
            "postCount": len(published),
            "postCountByType": {name: types.count(name) for name in types},
            "deletedPostCount": sum(1 for post in published if "deletedAt" in post),
        }

    def _coverage(self, account_id: str, start: datetime, end: datetime) -> dict[str, Any]:
        this_hour = self.now.replace(minute=0, second=0, microsecond=0)
        hours = [start + n * HOUR for n in range(max(0, (min(end, this_hour) - start) // HOUR))]
        expected = {hour for hour in hours if self.connected(account_id, hour + HOUR)}
        observed = {
            slot for name in ("followers", "following", "posts", "likesReceived")
            for slot, _ in self.values(account_id, name) if slot in expected
        }  # fmt: skip
        status = "open" if self.now < end else "partial" if len(observed) < len(expected) else "complete"
        return {"coverage": {"expectedSlots": len(expected), "observedSlots": len(observed)}, "status": status}

    def connected(self, account_id: str, instant: datetime) -> bool:
        """Tell whether the account was connected at an instant: its last change before was a connection."""
        account = self._account(account_id)
        changes = [(account["connectedAt"], True)]
        for gap in account.get("disconnections", []):
            changes += [(gap["disconnectedAt"], False), (gap["connectedAt"], True)]
        if "disconnectedAt" in account:
            changes.append((account["disconnectedAt"], False))
        found = False
        for at, state in changes:
            if at < instant:
                found = state
        return found


def _total(name: str) -> str:
    return "total" + name[0].upper() + name[1:]


def _sums(posts: Iterable[dict[str, Entry]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entries in posts:
        for name in TOTALS:
            if name in entries:
                found[_total(name)] = found.get(_total(name), 0) + entries[name]["net"]
    return found


def _followers(entry: Entry | None) -> dict[str, Any]:
    if entry is None:
        return {}
    found = {
        "followers": entry["close"],
        "minFollowers": entry["min"],
        "maxFollowers": entry["max"],
        "avgFollowers": entry["sum"] / entry["samples"],
        "followerGrowth": entry["net"],
    }
    if "baseline" not in entry and entry["open"] != 0:
        found["followerGrowthRate"] = 100 * entry["net"] / entry["open"]
    return found


def _reasons(platform: str, metrics: dict[str, Any], period: str) -> dict[str, str]:
    def offers(subject: str, name: str) -> bool:
        return platform in CATALOG[subject, name].offers  # type: ignore[index]

    reasons = {_total(name): "no_observation" if offers("post", name) else "not_supported" for name in TOTALS}
    reasons["totalEngagement"] = "no_observation"
    for name in ("engagementRate", "avgEngagementRate", "minEngagementRate", "maxEngagementRate"):
        reasons[name] = "no_observation"
    for name in ("followers", "minFollowers", "maxFollowers", "avgFollowers", "followerGrowth", "followerGrowthRate"):
        reasons[name] = "no_observation"
    reasons |= {name: "no_observation" if offers("account", name) else "not_supported" for name in SUMS}
    if platform in REACH.get(period, ()):
        reasons["reach"] = "no_observation"
    else:
        reasons["reach"] = "not_additive" if platform in REACH["daily"] else "not_supported"
    return {name: reason for name, reason in reasons.items() if name not in metrics}


def period_of(period: str, instant: datetime) -> tuple[datetime, datetime]:
    """The UTC day, the week from Monday or the calendar month that holds an instant."""
    day = datetime(instant.year, instant.month, instant.day, tzinfo=UTC)
    if period == "daily":
        return day, day + DAY
    if period == "weekly":
        monday = day - (instant.isoweekday() - 1) * DAY
        return monday, monday + 7 * DAY
    first = datetime(instant.year, instant.month, 1, tzinfo=UTC)
    return first, datetime(instant.year + instant.month // 12, instant.month % 12 + 1, 1, tzinfo=UTC)
