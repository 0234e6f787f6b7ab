"""Retention of observations and rollups: that of the database, and the shorter one of single workspaces.

The database deletes by itself (`expireAfterSeconds`). Its expiry decides, even if the settings of a process differ:
MongoDB's deletions are final, and the data that it keeps can be read. The settings decide only if it has no expiry.

A shorter retention of a workspace is applied once a day: to rollups by their period, to observations by their time on
MongoDB 7 and later. MongoDB 6 can delete only whole series of a time series collection: there, posts without recent
observations are deleted, and an account's own series is kept as long as the settings say.

The terms of a platform may limit how long data of some accounts are kept (`limited.py`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from metrics.batches import batched
from metrics.periods import DAY, Period, midnight
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.insights import OF_POSTS
from metrics.store.rollup.export_marks import WAREHOUSE_MARKS
from metrics.store.setup.lifetimes import kept_days
from metrics.store.workspace_settings import Days
from metrics.upkeep import limited

_BATCH = 1000
OPENING_LEAD = timedelta(days=8)
"""The opening of a day is up to a week older than the day: older posts are read once a week, at the end of a day."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """The horizon of observations and rollups: the first whole days that are kept, as of one instant."""

    now: datetime
    observations: int
    rollups: int
    own: Mapping[str, Days]
    deleted: Mapping[str, datetime]

    @classmethod
    def of(cls, store: Store, settings: Settings, now: datetime) -> "Horizon":
        """Read the retention of the database and of all workspaces.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        own, deleted, kept = store.retention.all(), store.retention.deleted(), kept_days(store.db)
        observations = settings.retention_days if kept.observations is None else kept.observations
        rollups = settings.rollup_retention_days if kept.rollups is None else kept.rollups
        return cls(now, observations, rollups, own, deleted)

    def observations_from(self, workspace_id: str) -> datetime:
        """Return the first day of which all observations of a workspace are kept."""
        own = self.own.get(workspace_id, Days()).observations
        kept = self.first_day(min(own or self.observations, self.observations))
        return max(kept, self.deleted.get(workspace_id, kept))

    def workspaces_without(self, slot: datetime, workspace_ids: Callable[[], Iterable[str]]) -> list[str]:
        """Return the workspaces that no longer keep observations of a slot; those would be deleted at once.

        `workspace_ids` is called only if any workspace can be among them.
        """
        own = self.own.keys() | self.deleted.keys()
        if slot >= max([self.first_day(self.observations), *map(self.observations_from, own)]):
            return []
        return [workspace_id for workspace_id in workspace_ids() if slot < self.observations_from(workspace_id)]

    def rollups_from(self, workspace_id: str) -> datetime:
        """Return the first day of which the rollups of a workspace are kept."""
        own = self.own.get(workspace_id, Days()).rollups
        return self.first_day(min(own or self.rollups, self.rollups))

    def derivable(self, workspace_id: str, period: Period) -> datetime:
        """Return the first instant from which periods can be derived, because all of their sources are kept.

        The sources of a day are its observations and the values before it; those of a week or month are its days. An
        older period must not be derived again: it would lose numbers whose sources were deleted.
        """
        rollups = self.rollups_from(workspace_id)
        return max(rollups, self.observations_from(workspace_id) + OPENING_LEAD) if period == "daily" else rollups

    def first_day(self, days: int) -> datetime:
        """Return the first whole day of the last `days` days."""
        return midnight((self.now - timedelta(days=days)).date()) + DAY


def apply(store: Store, horizon: Horizon) -> dict[str, int]:
    """Delete data before the horizon, of connected and of watched accounts; return the deleted documents by collection.

    Raises:
        MongoUnavailable: MongoDB does not answer; apply again.
    """
    gone: Counter[str] = Counter()
    for workspace_id, days in horizon.own.items():
        if days.observations is not None:
            first = horizon.observations_from(workspace_id)
            store.retention.deleting(workspace_id, first)
            nets = {"workspaceId": workspace_id, "day": {"$lt": first}}
            gone["hourly_nets"] += store.deletion.delete("hourly_nets", nets)
        if days.rollups is not None:
            gone.update(_delete_statements(store, workspace_id, horizon.rollups_from(workspace_id)))
    for each in (store, store.public):
        gone.update(_delete_of_workspaces(each, horizon))
        gone.update(limited.delete_expired(each, horizon.now))
        oldest = {"$lt": horizon.first_day(horizon.observations)}
        names = each.names
        # Collection records have no expiry of their own; they are kept as long as the observations that they describe.
        gone[names.collections] = each.deletion.delete(names.collections, {"slot": oldest})
        # Days that the log no longer holds are not exported again. Without an export, nothing else deletes their marks.
        gone[names.export_marks] = each.deletion.delete(names.export_marks, {"day": oldest})
    oldest_day = {"$lt": horizon.first_day(horizon.observations)}
    gone[WAREHOUSE_MARKS] = store.deletion.delete(WAREHOUSE_MARKS, {"day": oldest_day})
    limited.forget_names(store, horizon.now)
    return dict(gone)


def _delete_of_workspaces(store: Store, horizon: Horizon) -> Counter[str]:
    """Delete the observations and rollups that workspaces keep for a shorter time than the database does."""
    gone: Counter[str] = Counter()
    names = store.names
    delete_observations = _by_time if store.server_version() >= (7,) else _silent_series
    for workspace_id, days in horizon.own.items():
        if days.observations is not None:
            first = horizon.observations_from(workspace_id)
            gone[names.log] += delete_observations(store, workspace_id, first)
        if days.rollups is not None:
            old = {"workspaceId": workspace_id, "periodEnd": {"$lte": horizon.rollups_from(workspace_id)}}
            for name in names.rollups:
                gone[name] += store.deletion.delete(name, old)
    return gone


def _delete_statements(store: Store, workspace_id: str, first: datetime) -> Counter[str]:
    """Delete the statements about a workspace that are of an instant before `first`."""
    fields = {
        "forecasts": "day",
        "workspace_forecasts": "day",
        "hourly_forecasts": "window",
        "workspace_hourly_forecasts": "window",
        "anomalies": "to",
        **{name: field for name, (field, _) in OF_POSTS.items()},
    }
    return Counter(
        {
            name: store.deletion.delete(name, {"workspaceId": workspace_id, field: {"$lt": first}})
            for name, field in fields.items()
        }
    )


def _by_time(store: Store, workspace_id: str, first: datetime) -> int:
    old = {"metadata.workspaceId": workspace_id, "timestamp": {"$lt": first}}
    return store.deletion.delete(store.names.log, old)


def _silent_series(store: Store, workspace_id: str, first: datetime) -> int:
    """Delete the series of posts whose newest observation is before an instant."""
    gone = 0
    for batch in batched(store.observations.silent_posts(workspace_id, first), _BATCH):
        series = {"metadata.workspaceId": workspace_id, "metadata.postId": {"$in": batch}}
        gone += store.deletion.delete(store.names.log, series)
    return gone
