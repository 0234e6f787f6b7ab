"""Days on which many accounts of a platform are out of the ordinary at once: one anomaly, whose children are muted."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from metrics.anomalies import AnomalyDocument, Direction, anomaly_id
from metrics.documents import PLATFORMS, Platform
from metrics.periods import DAY
from metrics.store import Store
from pipelines.insights.anomalies.describe import Finding
from pipelines.insights.known_days import known_days

LEAST_SHARE = 0.3
LEAST_ACCOUNTS = 5
_SEVERITY = 8
_DIRECTIONS: tuple[Direction, ...] = ("up", "down")


def platform_wide(store: Store, day: datetime, now: datetime, run_id: str) -> dict[str, list[AnomalyDocument]]:
    """Return what changed, by workspace: anomalies of whole platforms on a UTC day, and those that they mute.

    Each workspace with an account of the platform has a record of its own, which names no other workspace and has no
    number of accounts: `evidence.share` is the share of the platform's accounts, in whole percent.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    changed: defaultdict[str, list[AnomalyDocument]] = defaultdict(list)
    members: defaultdict[Platform, dict[str, str]] = defaultdict(dict)
    for workspace_id in store.accounts.workspaces():
        for account in store.accounts.connections([workspace_id]):
            if account.expected(day, day + DAY):
                members[account.platform][account.account_id] = workspace_id
    for platform in PLATFORMS:
        found = store.anomalies.of_platform(platform, day, day + DAY)
        for direction in _DIRECTIONS:
            children = [one for one in found if _is_child(one) and one.get("direction") == direction]
            for one in _of_platform(
                platform, direction, children, members[platform], found, Found(store, day, now, run_id)
            ):
                changed[one["workspaceId"]].append(one)
    return dict(changed)


class Found:
    """A day, and the run that looks at it."""

    def __init__(self, store: Store, day: datetime, now: datetime, run_id: str) -> None:
        self.store, self.day, self.now, self.run_id = store, day, now, run_id

    def record(self, workspace_id: str, platform: Platform, direction: Direction, share: float) -> AnomalyDocument:
        """Return the record of a workspace, with what it knows of the day."""
        day = self.day.date()
        known = known_days(self.store, workspace_id, day, day).named(day, day)
        return Finding(workspace_id, self.now, self.run_id).document(
            "day",
            self.day,
            self.day + DAY,
            _id=anomaly_id(workspace_id, platform, direction, self.day.date()),
            platform=platform,
            scope="platform",
            kind="platform",
            status="ended",
            direction=direction,
            severity=_SEVERITY,
            evidence={"share": round(share, 2)},
            **({"known": known} if known else {}),
        )


def _is_child(one: AnomalyDocument) -> bool:
    return one["scope"] == "account" and one["kind"] != "collection"


def _of_platform(
    platform: Platform,
    direction: Direction,
    children: Sequence[AnomalyDocument],
    members: dict[str, str],
    found: Sequence[AnomalyDocument],
    of: Found,
) -> list[AnomalyDocument]:
    affected = {one["accountId"] for one in children} & members.keys()
    share = len(affected) / len(members) if members else 0.0
    holds = len(affected) >= LEAST_ACCOUNTS and share >= LEAST_SHARE
    workspaces = sorted(set(members.values())) if holds else []
    wanted = {one["_id"]: one for one in (of.record(name, platform, direction, share) for name in workspaces)}
    before = {
        one["_id"]: one
        for one in found
        if one["kind"] == "platform" and one.get("direction") == direction and one["from"] == of.day
    }
    changed = [one for name, one in wanted.items() if name not in before or not _same(before[name], one)]
    gone = [one for name, one in before.items() if name not in wanted]
    changed += [{**one, "status": "withdrawn", "changedAt": of.now} for one in gone]
    parent_of = {one["workspaceId"]: name for name, one in wanted.items()}
    for child in children:
        parent = parent_of.get(child["workspaceId"])
        if parent is not None and child.get("mutedBy") != parent:
            changed.append({**child, "mutedBy": parent, "changedAt": of.now})
        elif parent is None and child.get("mutedBy") in {one["_id"] for one in gone}:
            released: AnomalyDocument = {**child, "changedAt": of.now}
            del released["mutedBy"]
            changed.append(released)
    return changed


def _same(before: AnomalyDocument, after: AnomalyDocument) -> bool:
    return all(before.get(name) == after.get(name) for name in ("status", "evidence", "known"))
