"""What Prometheus reads of the deployment as a whole: missing hours, late rollups, sizes of stores, disks.

MongoDB is asked when Prometheus scrapes, every few minutes at the most. An unknown value is left out: nothing has a
made-up value while MongoDB is away, or before the first night has measured the stores.
"""

import logging
import threading
import time
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from metrics import sizes
from metrics.clock import utcnow
from metrics.documents import PLATFORMS
from metrics.errors import TidemarkError
from metrics.hours import holes, hours_to_look_at, missing_accounts
from metrics.retention import Horizon
from metrics.settings import Settings
from metrics.store import Store

log = logging.getLogger(__name__)

SECONDS = 120.0
"""How long an answer is kept."""

_MISSING = (
    "tidemark_missing_accounts",
    "Accounts without a record of an hour that ended yesterday or today, by platform; once for each such hour.",
)
_MARK = ("tidemark_roll_mark_age_seconds", "Seconds that the oldest period has been waiting to be rolled up.")
_SIZES = {
    name: (f"tidemark_{name}_bytes", f"Bytes of {title}, as measured by the last maintain_daily.")
    for name, title in {
        sizes.MONGODB: "MongoDB's collections and indexes",
        sizes.REDIS: "Redis's memory",
        sizes.DAGSTER: "Dagster's storage",
        sizes.LOGS: "the logs below TIDEMARK_HOME",
    }.items()
}
_FREE = ("tidemark_disk_free_bytes", "Free bytes of the fuller disk, MongoDB's or that of TIDEMARK_HOME.")
_LEFT = ("tidemark_disk_days_left", "Days until a disk is full as the stores grow; absent where none fills up.")


class DeploymentCollector(Collector):
    """Collects the gauges; thread-safe."""

    def __init__(self, settings: Settings, seconds: float = SECONDS) -> None:
        self._settings = settings
        self._seconds = seconds
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._known: list[GaugeMetricFamily] = []
        self._known_until = 0.0

    def describe(self) -> list[GaugeMetricFamily]:
        """Return the names alone: registering asks nobody."""
        missing = GaugeMetricFamily(*_MISSING, labels=["platform"])
        return [missing, *(GaugeMetricFamily(*one) for one in (_MARK, *_SIZES.values(), _FREE, _LEFT))]

    def collect(self) -> list[GaugeMetricFamily]:
        """Return the gauges, none while MongoDB does not answer."""
        with self._lock:
            if time.monotonic() >= self._known_until:
                self._known_until = time.monotonic() + self._seconds
                try:
                    self._known = list(self._look())
                except TidemarkError as error:
                    log.warning("no gauges of the deployment: %s", error)
                    self._known = []
            return self._known

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None

    def _look(self) -> Iterator[GaugeMetricFamily]:
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
