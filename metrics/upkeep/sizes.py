"""The sizes of the stores, their growth, and the time until a disk is full.

`maintain_daily` takes a sample every night (`measure`, `keep`). Growth is the difference to a sample of some days
before, so it is known a day after the first sample.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from shutil import disk_usage
from typing import TYPE_CHECKING, Any

from metrics.periods import DAY
from metrics.redis import info
from metrics.redis.errors import redis_errors
from metrics.store import Store

if TYPE_CHECKING:
    from redis import Redis

MONGODB, REDIS, DAGSTER, LOGS = "mongodb", "redis", "dagster", "logs"
STORES = (MONGODB, REDIS, DAGSTER, LOGS)
HERE = "here"
"""The name of this machine's disk, which has the home folder; `MONGODB` is the name of MongoDB's disk."""

_SHORTEST = timedelta(hours=20)
_LONGEST = 14 * DAY


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of each store and of each MongoDB collection, and free bytes of disks, at one instant.

    A store that could not be measured is left out.
    """

    at: datetime
    stores: Mapping[str, int] = field(default_factory=dict)
    collections: Mapping[str, int] = field(default_factory=dict)
    free: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth in bytes per day, by the names of `Sizes`; that of a disk is the decrease of its free bytes."""

    stores: Mapping[str, float]
    collections: Mapping[str, float]
    disks: Mapping[str, float]


def measure(store: Store, redis: "Redis", home: Path, dagster: int | None, now: datetime) -> Sizes:
    """Measure all stores; `home` is the folder with `logs`, `dagster` the size of Dagster's storage if it is known.

    Raises:
        MongoUnavailable: MongoDB does not answer.
        RedisUnavailable: Redis does not answer.
    """
    collections = store.sizes.of_collections()
    stores = {MONGODB: sum(collections.values()), REDIS: _redis_bytes(redis)}
    if dagster is not None:
        stores[DAGSTER] = dagster
    if (home / "logs").is_dir():
        stores[LOGS] = folder_bytes(home / "logs")
    free = {HERE: disk_usage(next(p for p in (home, *home.parents) if p.exists())).free}
    mongodb_free = store.sizes.free_bytes()
    return Sizes(now, stores, collections, free if mongodb_free is None else {**free, MONGODB: mongodb_free})


def keep(store: Store, sizes: Sizes) -> None:
    """Store a sample.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    fields = {"stores": sizes.stores, "collections": sizes.collections, "free": sizes.free}
    store.sizes.put(sizes.at, {name: dict(values) for name, values in fields.items()})


def newest(store: Store, now: datetime) -> Sizes | None:
    """Return the newest sample that is not older than two days.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    found = store.sizes.between(now - 2 * DAY, now)
    return _sample(found[0]) if found else None


def growth(store: Store, now: Sizes) -> Growth | None:
    """Return how fast the stores have grown until `now`; None if no sample is old enough.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    found = store.sizes.between(now.at - _LONGEST, now.at - _SHORTEST)
    if not found:
        return None
    then = _sample(found[-1])
    days = (now.at - then.at) / DAY
    return Growth(
        _rates(then.stores, now.stores, days),
        _rates(then.collections, now.collections, days),
        _rates(now.free, then.free, days),
    )


def days_left(now: Sizes, grown: Growth) -> dict[str, float]:
    """Return the days until each disk is full; disks that do not fill up are left out.

    A disk fills as fast as its free bytes decrease or as the stores on it grow, whichever is faster: other data that
    was deleted once does not slow the growth of the stores.
    """
    stores_on = {MONGODB: (MONGODB,), HERE: (DAGSTER, LOGS)}
    left = {}
    for disk, free in now.free.items():
        stores = sum(max(0.0, grown.stores.get(name, 0.0)) for name in stores_on[disk])
        rate = max(grown.disks.get(disk, 0.0), stores)
        if rate > 0:
            left[disk] = free / rate
    return left


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder, except files that are deleted meanwhile."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(root, name).lstat().st_size
    return total


def _redis_bytes(redis: "Redis") -> int:
    with redis_errors():
        return sum(int(node["used_memory"]) for node in info.nodes(redis.info("memory")))


def _sample(document: Mapping[str, Any]) -> Sizes:
    return Sizes(document["at"], document["stores"], document["collections"], document["free"])


def _rates(then: Mapping[str, int], now: Mapping[str, int], days: float) -> dict[str, float]:
    return {name: (now[name] - then[name]) / days for name in now if name in then}
