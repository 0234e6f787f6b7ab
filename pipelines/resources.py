"""The Dagster resource `tidemark`: this process's clients, opened at first use and shared by all assets and sensors."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from logging import getLogger
from typing import cast

import dagster as dg
from redis import Redis

from metrics.documents import AggregatedDocument
from metrics.errors import RedisUnavailable, TidemarkError
from metrics.periods import Period
from metrics.redis.client import connect as connect_redis
from metrics.redis.events import Announcer, Event, operation_status, rollup_event
from metrics.settings import Settings, load_settings
from metrics.store import Store
from metrics.store.setup.lifetimes import setting_differences
from metrics.upkeep import other_retention
from metrics.vault import Vault
from pipelines.collect.collector import Collector
from pipelines.collect.history import HistoryReader
from pipelines.watching.read import WatchedReader

log = getLogger(__name__)

PATIENCE_MS = 20_000
"""How long a run waits for a new primary of MongoDB: an election takes up to 12 seconds."""


@dataclass(frozen=True)
class Clients:
    """The settings and the clients of this process."""

    settings: Settings
    store: Store
    redis: Redis
    announcer: Announcer

    def announce(self, workspace_id: str, events: Sequence[Event]) -> None:
        """Announce changes of a workspace's data."""
        self.announcer.announce(workspace_id, events)

    def announce_rollups(self, workspace_id: str, documents: Sequence[AggregatedDocument]) -> None:
        """Announce account rollups that were written, and mark the alerts over their periods that have closed."""
        closed = {cast("Period", one["period"]) for one in documents if one["status"] != "open"}
        if closed:
            self.store.alerts.mark_due(workspace_id, closed)
        self.announcer.announce(workspace_id, [rollup_event(document) for document in documents])

    def announce_operation(self, operation_id: str) -> None:
        """Announce the present state of an operation."""
        operation = self.store.operations.get(operation_id)
        self.announce(operation["workspaceId"], [operation_status(operation)])

    def history_reader(self) -> HistoryReader:
        """Return a reader of histories; it decrypts credentials in memory only."""
        return HistoryReader(self.store, self.redis, self.announcer, Vault(self.settings.secret_keys), self.settings)

    def watched_reader(self) -> WatchedReader:
        """Return a reader of watched accounts; it decrypts credentials in memory only."""
        return WatchedReader(self.store, self.redis, Vault(self.settings.secret_keys), self.settings)

    def collector(self) -> Collector:
        """Return a collector; it decrypts credentials in memory only."""
        return Collector(self.store, self.redis, self.announcer, Vault(self.settings.secret_keys), self.settings)


@lru_cache(maxsize=4)
def clients(settings: Settings) -> Clients:
    """Return the clients for these settings; the first call creates missing collections and indexes in MongoDB."""
    store = Store.connect(settings, server_selection_ms=PATIENCE_MS)
    try:
        store.ensure(settings)
        differing = setting_differences(store.db, settings)
        for difference in differing:
            log.warning("%s: the database decides (`tidemark retention sync` changes it)", difference)
        redis = connect_redis(settings)
    except TidemarkError:
        # Sensors call this every few seconds: clients that are left open would add up.
        store.close()
        raise
    with suppress(RedisUnavailable):
        other_retention.note(redis, "Dagster", differing)
    return Clients(settings, store, redis, Announcer(redis, settings.events_max, settings.events_days))


class Tidemark(dg.ConfigurableResource[Clients]):
    """Settings from the environment (docs/settings.md), read when a run or a sensor's evaluation begins."""

    def clients(self) -> Clients:
        """Return this process's clients.

        Raises:
            SettingsError: a setting is wrong or missing.
            MongoUnavailable: MongoDB does not answer.
        """
        return clients(self.settings())

    def settings(self) -> Settings:
        """Return the settings, without connecting to any store.

        Raises:
            SettingsError: a setting is wrong.
        """
        return load_settings()
