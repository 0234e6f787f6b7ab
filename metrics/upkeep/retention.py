"""How long observations and rollups are kept, by the database and by the workspace's own retention.

The database deletes by itself (`expireAfterSeconds`). Its expiry counts, also where the settings of a process differ:
what MongoDB has deleted is gone, and what it keeps can be read. The settings count only where it has no expiry. What is
less for a workspace is deleted once a day: rollups
by their period; observations by their time on MongoDB 7 and later. MongoDB 6 deletes of a time series whole series
alone: posts that have long been silent go, an account's own series goes with the settings.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from metrics.documents import Document
from metrics.periods import DAY, Period, midnight
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.errors import mongo_errors
from metrics.store.setup.lifetimes import kept_days
from metrics.store.setup.schema import METRICS
from metrics.store.workspace_settings import Days

_BATCH = 1000
_LEAD = timedelta(days=8)
"""What a day is counted from lies up to a week before it: older posts are asked once a week, at the end of a day."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """The first whole days that are kept, as of one instant."""

    now: datetime
    observations: int
    rollups: int
    own: Mapping[str, Days]
    deleted: Mapping[str, datetime]

    @classmethod
    def of(cls, store: Store, settings: Settings, now: datetime) -> "Horizon":
        """Read what is set.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        own, deleted, kept = store.retention.all(), store.retention.deleted(), kept_days(store.db)
        observations = settings.retention_days if kept.observations is None else kept.observations
        rollups = settings.rollup_retention_days if kept.rollups is None else kept.rollups
        return cls(now, observations, rollups, own, deleted)

    def log(self, workspace_id: str) -> datetime:
        """Return the first day of which every observation is kept."""
        own = self.own.get(workspace_id, Days()).observations
        kept = self.first_day(min(own or self.observations, self.observations))
        return max(kept, self.deleted.get(workspace_id, kept))

    def older(self, slot: datetime, workspace_ids: Callable[[], Iterable[str]]) -> list[str]:
        """Return those workspaces whose observations of a slot are older than kept; they are asked for only if any is.

        What was written for them would be deleted at once.
        """
        own = self.own.keys() | self.deleted.keys()
        if slot >= max([self.first_day(self.observations), *map(self.log, own)]):
            return []
        return [workspace_id for workspace_id in workspace_ids() if slot < self.log(workspace_id)]

    def rolled(self, workspace_id: str) -> datetime:
        """Return the first day of which the rollups are kept."""
        own = self.own.get(workspace_id, Days()).rollups
        return self.first_day(min(own or self.rollups, self.rollups))

    def derivable(self, workspace_id: str, period: Period) -> datetime:
        """Return the first instant from which periods are derived: all that they come from is kept.

        A day comes from its observations and from the values before it, a week or month from its days. Derived again
        from what is left, an older one would lose numbers that it has.
        """
        rolled = self.rolled(workspace_id)
        return max(rolled, self.log(workspace_id) + _LEAD) if period == "daily" else rolled

    def first_day(self, days: int) -> datetime:
        """Return the first whole day of so many."""
        return midnight((self.now - timedelta(days=days)).date()) + DAY


def apply(store: Store, horizon: Horizon) -> dict[str, int]:
    """Delete what is older than kept; return how many documents of each collection are gone.

    Raises:
        MongoUnavailable: MongoDB does not answer; apply again.
    """
    gone: Counter[str] = Counter()
    with mongo_errors():
        by_time = tuple(store.client.server_info()["versionArray"][:1]) >= (7,)
        for workspace_id, days in horizon.own.items():
            if days.observations is not None:
                delete, first = _by_time if by_time else _silent_series, horizon.log(workspace_id)
                store.retention.deleting(workspace_id, first)
                gone[METRICS] += delete(store, workspace_id, first)
            if days.rollups is not None:
                old = {"workspaceId": workspace_id, "periodEnd": {"$lte": horizon.rolled(workspace_id)}}
                for name in ("subject_rollups", "aggregated_metrics"):
                    gone[name] += store.db[name].delete_many(old).deleted_count
        # Records of collections have no expiry of their own; they tell of observations.
        old = {"slot": {"$lt": horizon.first_day(horizon.observations)}}
        gone["collections"] = store.db["collections"].delete_many(old).deleted_count
        # Days that the log no longer holds are not exported again. Where nothing is exported, nobody else takes them.
        old = {"day": {"$lt": horizon.first_day(horizon.observations)}}
        gone["export_marks"] = store.db["export_marks"].delete_many(old).deleted_count
    return dict(gone)


def _by_time(store: Store, workspace_id: str, first: datetime) -> int:
    old = {"metadata.workspaceId": workspace_id, "timestamp": {"$lt": first}}
    return store.db[METRICS].delete_many(old).deleted_count


def _silent_series(store: Store, workspace_id: str, first: datetime) -> int:
    """Delete series of posts whose newest observation is older than kept."""
    stages: list[Document] = [
        {"$match": {"metadata.workspaceId": workspace_id, "metadata.postId": {"$exists": True}}},
        {"$group": {"_id": "$metadata.postId", "newest": {"$max": "$timestamp"}}},
        {"$match": {"newest": {"$lt": first}}},
    ]
    silent = [row["_id"] for row in store.db[METRICS].aggregate(stages, allowDiskUse=True)]
    gone = 0
    for begin in range(0, len(silent), _BATCH):
        chosen = {"metadata.workspaceId": workspace_id, "metadata.postId": {"$in": silent[begin : begin + _BATCH]}}
        gone += store.db[METRICS].delete_many(chosen).deleted_count
    return gone
