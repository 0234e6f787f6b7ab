"""Checks of store sizes: how large the stores are, how fast they grow, and whether a disk will be full soon."""

import os
from collections.abc import Iterator
from pathlib import Path

from metrics.clock import utcnow
from metrics.errors import TidemarkError
from metrics.redis.client import connect as connect_redis
from metrics.settings import Settings
from metrics.store import Store
from metrics.upkeep import sizes
from metrics.upkeep.sizes import HERE, Growth, Sizes
from tidemark.checkup.finding import Finding, Trouble, look
from tidemark.home import Home

SOON_DAYS = 14
VERY_SOON_DAYS = 3
_SHOWN = 5
_REMEDY = {
    sizes.MONGODB: "keep less (TIDEMARK_RETENTION_DAYS), or give MongoDB a larger disk: docs/runbook.md, 8",
    HERE: "free some space, or set TIDEMARK_HOME to another disk: docs/runbook.md, 8",
}
_NAMES = {
    sizes.MONGODB: "MongoDB's size",
    sizes.REDIS: "Redis's size",
    sizes.DAGSTER: "Dagster's size",
    sizes.LOGS: "size of logs",
}


def store_sizes(store: Store, settings: Settings, home: Home) -> Iterator[Finding]:
    """Yield the size and growth of each store, and the check of when a disk will be full."""
    try:
        with connect_redis(settings) as redis:
            now = sizes.measure(store, redis, home.path, _dagster_bytes(home), utcnow())
        grown = sizes.growth(store, now)
    except (TidemarkError, ValueError):
        return  # An earlier finding reports that the store cannot be reached.
    for name, size in now.stores.items():
        yield Finding(
            _NAMES[name], True, _size(size, grown.stores.get(name) if grown else None) + _parts(name, now, grown)
        )
    yield look("disk ahead", lambda: _ahead(now, grown))


def _ahead(now: Sizes, grown: Growth | None) -> str:
    if grown is None:
        return "growth is known a day after the first run of maintain_daily"
    left = sizes.days_left(now, grown)
    if not left:
        return "no disk fills up"
    disk = min(left, key=left.__getitem__)
    where = "MongoDB's disk" if disk == sizes.MONGODB else "the disk of TIDEMARK_HOME"
    detail = f"{where} is full in {left[disk]:.0f} days: {_bytes(now.free[disk])} are free"
    if left[disk] < SOON_DAYS:
        raise Trouble(detail, _REMEDY[disk], warning=left[disk] >= VERY_SOON_DAYS)
    return detail


def _parts(name: str, now: Sizes, grown: Growth | None) -> str:
    if name != sizes.MONGODB:
        return ""
    largest = sorted(now.collections, key=now.collections.__getitem__, reverse=True)[:_SHOWN]
    rates = grown.collections if grown else {}
    return ": " + ", ".join(f"{part} {_size(now.collections[part], rates.get(part))}" for part in largest)


def _size(size: int, rate: float | None) -> str:
    return _bytes(size) + (f" ({'-' if rate < 0 else '+'}{_bytes(abs(rate))} a day)" if rate is not None else "")


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _dagster_bytes(home: Home) -> int | None:
    folder = Path(os.environ.get("DAGSTER_HOME", home.dagster))
    if not (folder / "dagster.yaml").is_file():
        return None
    # Imported late: Dagster takes two seconds to import.
    from dagster import DagsterInstance

    from pipelines.runs.storage import storage_bytes

    try:
        with DagsterInstance.from_config(str(folder)) as instance:
            return storage_bytes(instance)
    except Exception:  # noqa: BLE001  `checkup.dagster` reports that the storage cannot be read.
        return None
