"""Prometheus gauges of the deployment as a whole: missing hours, late rollups, hanging runs, quotas, sizes, disks.

Scrapes query MongoDB and Redis at most once every two minutes. An unknown value is left out, so no gauge has a made-up
value while a store is away, before the first nightly job has measured the stores, or while Dagster's daemon, which
counts the hanging runs, is down.
"""

import logging
import threading
import time
from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis import Redis

from metrics.clock import utcnow
from metrics.collection.hours import holes, hours_to_look_at, missing_accounts
from metrics.documents import PLATFORMS
from metrics.errors import TidemarkError
from metrics.redis.client import connect
from metrics.redis.quotas import used_quotas
from metrics.settings import Settings
from metrics.store import Store
from metrics.upkeep import hanging_runs, sizes
from metrics.upkeep.retention import Horizon

log = logging.getLogger(__name__)

SECONDS = 120.0
"""How long the values of a scrape are served again."""

_REDIS_SECONDS = 2.0

_MISSING = (
    "tidemark_missing_accounts",
    "Accounts without a record of an hour that ended yesterday or today, by platform; counted once for each such hour.",
)
_MARK = (
    "tidemark_roll_mark_age_seconds",
    "Seconds that the longest-waiting period has been waiting to be rolled up; 0 if no period waits.",
)
_HANGING = (
    "tidemark_hanging_runs",
    "Runs of Dagster that no process works on, or that exceed their time limit; absent if nothing counted them lately.",
)
_QUOTA = (
    "tidemark_quota_used",
    "Used part of a daily quota of calls that a platform grants to the app, between 0 and 1; it may be a little above.",
)
_SIZES = {
    name: (f"tidemark_{name}_bytes", f"Bytes of {title}, as measured by the last maintain_daily.")
    for name, title in {
        sizes.MONGODB: "MongoDB's collections and indexes",
        sizes.REDIS: "Redis's memory",
        sizes.DAGSTER: "Dagster's storage",
        sizes.LOGS: "the logs below TIDEMARK_HOME",
    }.items()
}
_FREE = ("tidemark_disk_free_bytes", "Free bytes of MongoDB's disk or of TIDEMARK_HOME's, whichever has fewer.")
_LEFT = (
    "tidemark_disk_days_left",
    "Days until the first disk is full at the present growth of the stores; absent if no disk fills up.",
)


class DeploymentCollector(Collector):
    """Reads the gauges from MongoDB. Thread-safe."""

    def __init__(self, settings: Settings, seconds: float = SECONDS) -> None:
        self._settings = settings
        self._seconds = seconds
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._redis: Redis | None = None
        self._gauges: list[GaugeMetricFamily] = []
        self._fresh_until = 0.0

    def describe(self) -> list[GaugeMetricFamily]:
        """Return the gauges without values, so that registering this collector queries nothing."""
        missing = GaugeMetricFamily(*_MISSING, labels=["platform"])
        used = GaugeMetricFamily(*_QUOTA, labels=["platform", "quota"])
        return [
            missing,
            used,
            *(GaugeMetricFamily(*gauge) for gauge in (_MARK, _HANGING, *_SIZES.values(), _FREE, _LEFT)),
        ]

    def collect(self) -> list[GaugeMetricFamily]:
        """Return the gauges, or none while MongoDB does not answer."""
        with self._lock:
            if time.monotonic() >= self._fresh_until:
                self._fresh_until = time.monotonic() + self._seconds
                try:
                    self._gauges = list(self._read())
                except TidemarkError as error:
                    log.warning("the gauges of the deployment could not be read: %s", error)
                    self._gauges = []
            return self._gauges

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None
            if self._redis is not None:
                self._redis.close()
                self._redis = None

    def _read(self) -> Iterator[GaugeMetricFamily]:
        if self._store is None:
            self._store = Store.connect(self._settings)
        store, now = self._store, utcnow()
        counts = missing_accounts(holes(store, hours_to_look_at(now), Horizon.of(store, self._settings, now)))
        missing = GaugeMetricFamily(*_MISSING, labels=["platform"])
        for platform in PLATFORMS:
            missing.add_metric([platform], counts.get(platform, 0))
        yield missing
        oldest = store.marks.oldest()
        yield GaugeMetricFamily(*_MARK, value=(now - oldest).total_seconds() if oldest else 0.0)
        yield from self._of_redis(now)
        sample = sizes.newest(store, now)
        if sample is None:
            return
        for name, size in sample.stores.items():
            yield GaugeMetricFamily(*_SIZES[name], value=size)
        yield GaugeMetricFamily(*_FREE, value=min(sample.free.values()))
        grown = sizes.growth(store, sample)
        left = sizes.days_left(sample, grown) if grown else {}
        if left:
            yield GaugeMetricFamily(*_LEFT, value=min(left.values()))

    def _of_redis(self, now: datetime) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges whose values are in Redis; none while it does not answer."""
        units = {name: self._settings.units_per_day(name) for name in PLATFORMS}
        try:
            if self._redis is None:
                self._redis = connect(self._settings, timeout=_REDIS_SECONDS, retries=1)
            hanging = hanging_runs.newest(self._redis)
            quotas = used_quotas(self._redis, units, now)
        except TidemarkError as error:
            log.warning("no gauges of hanging runs and of quotas: %s", error)
            return
        if hanging is not None:
            yield GaugeMetricFamily(*_HANGING, value=hanging)
        used = GaugeMetricFamily(*_QUOTA, labels=["platform", "quota"])
        for one in quotas:
            if one.units:
                used.add_metric([one.platform, one.quota], one.used / one.units)
        yield used
