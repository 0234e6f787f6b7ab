"""The one resource: typed clients of this process, made when first used and shared by every asset and sensor."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from logging import getLogger

import dagster as dg
from redis import Redis

from metrics.documents import AggregatedDocument
from metrics.errors import RedisUnavailable, TidemarkError
from metrics.redis import client as redisdb
from metrics.redis.events import Announcer, Event, aggregated, operation_status
from metrics.settings import Settings, load_settings
from metrics.store import Store
from metrics.store.setup.lifetimes import setting_differences
from metrics.upkeep import other_retention
from metrics.vault import Vault
from pipelines.collect.collector import Collector
from pipelines.collect.history import HistoryReader

log = getLogger(__name__)

PATIENCE_MS = 20_000
"""A run waits that long for a new primary: an election takes up to 12 seconds."""


@dataclass(frozen=True)
class Clients:
    """The stores of this process."""

    settings: Settings
    store: Store
    redis: Redis
    announcer: Announcer

    def announce(self, workspace_id: str, events: Sequence[Event]) -> None:
        """Announce what was written."""
        self.announcer.announce(workspace_id, events)

    def announce_rollups(self, workspace_id: str, documents: Sequence[AggregatedDocument]) -> None:
        """Announce rollups that were written."""
        self.announcer.announce(workspace_id, [aggregated(document) for document in documents])

    def announce_operation(self, operation_id: str) -> None:
        """Announce where an operation stands."""
        operation = self.store.operations.get(operation_id)
        self.announce(operation["workspaceId"], [operation_status(operation)])

    def history_reader(self) -> HistoryReader:
        """Return what reads histories; credentials are opened in its memory alone."""
        return HistoryReader(self.store, self.redis, self.announcer, Vault(self.settings.secret_keys), self.settings)

    def collector(self) -> Collector:
        """Return a collector; credentials are opened in its memory alone."""
        return Collector(self.store, self.redis, self.announcer, Vault(self.settings.secret_keys), self.settings)


@lru_cache(maxsize=4)
def clients(settings: Settings) -> Clients:
    """Return the clients for these settings; the first call creates what is missing in MongoDB."""
    store = Store.connect(settings, server_selection_ms=PATIENCE_MS)
    try:
        store.ensure(settings)
        differing = setting_differences(store.db, settings)
        for difference in differing:
            log.warning("%s: the database decides (`tidemark retention sync` changes it)", difference)
        redis = redisdb.connect(settings)
    except TidemarkError:
        # Sensors come again every few seconds: what they leave behind adds up.
        store.close()
        raise
    with suppress(RedisUnavailable):
        other_retention.note(redis, "Dagster", differing)
    return Clients(settings, store, redis, Announcer(redis, settings.events_max, settings.events_days))


class Tidemark(dg.ConfigurableResource[Clients]):
    """Settings from the environment (docs/settings.md), read when a run or an evaluation begins."""

    def clients(self) -> Clients:
        """Return this process's clients.

        Raises:
            SettingsError: a setting is wrong or missing.
            MongoUnavailable: MongoDB does not answer.
        """
        return clients(self.settings())

    def settings(self) -> Settings:
        """Return the settings alone.

        Raises:
            SettingsError: one is wrong.
        """
        return load_settings()
