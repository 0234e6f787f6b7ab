"""Expiry of documents (TTL): what the database has, and what the settings and this version want.

MongoDB itself deletes expired documents, so a shorter expiry deletes data within minutes. Therefore existing expiries
have precedence over settings: only `apply` changes them, and its caller has to pass each change, also one that shortens
an expiry. `metrics.store.setup.schema` creates expiries together with their collections and never changes one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo.database import Database

from metrics.documents import Document
from metrics.settings import Settings
from metrics.store.errors import mongo_errors
from metrics.store.insights import OF_POSTS
from metrics.store.setup.namespaces import NAMESPACES, OWN

_DAY_SECONDS = 86_400
_ROLLUPS = tuple(name for names in NAMESPACES for name in names.rollups)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A wanted expiry: documents of `collection` are deleted `seconds` after the time in `field`.

    `index` is the name of the TTL index; it is None for the time series, whose expiry is an option of the collection.
    `setting` is the environment variable that determines `seconds`; None if the version of Tidemark does.
    """

    collection: str
    field: str
    index: str | None
    seconds: int
    setting: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """An expiry that differs in the database; `present` is in seconds, None if documents never expire."""

    wanted: Lifetime
    present: int | None

    @property
    def shortens(self) -> bool:
        """Tell whether the wanted expiry would delete documents that are kept at present."""
        return self.present is None or self.wanted.seconds < self.present

    def __str__(self) -> str:
        source = self.wanted.setting or "this version of Tidemark"
        return (
            f"the database keeps {self.wanted.collection} for {_days(self.present)}, "
            f"{source} says {_days(self.wanted.seconds)}"
        )


@dataclass(frozen=True, slots=True)
class ExpiringDocuments:
    """The documents that a shorter expiry deletes: their number, and the days that they span."""

    documents: int
    days: int


@dataclass(frozen=True, slots=True)
class KeptDays:
    """Days that the database keeps observations and rollups; None if it has no expiry."""

    observations: int | None
    rollups: int | None


def lifetimes(settings: Settings) -> list[Lifetime]:
    """Return all expiries that the settings and this version want."""
    log, rollups = settings.retention_days * _DAY_SECONDS, settings.rollup_retention_days * _DAY_SECONDS
    # Ninety days of record of what came due, for the longest horizon.
    forecasts = 120 * _DAY_SECONDS
    # Four weeks of record of what came due, and the longest horizon.
    of_hours = 35 * _DAY_SECONDS
    # A year and a month: what happened on the same days of the last year can be read.
    anomalies = 400 * _DAY_SECONDS
    # Thirteen weeks are read, from a Monday on.
    nets = 100 * _DAY_SECONDS
    return [
        *(Lifetime(names.log, "timestamp", None, log, "TIDEMARK_RETENTION_DAYS") for names in NAMESPACES),
        *(Lifetime(name, "periodEnd", "expire", rollups, "TIDEMARK_ROLLUP_RETENTION_DAYS") for name in _ROLLUPS),
        *(
            Lifetime(name, "day", "expire", min(rollups, forecasts), "TIDEMARK_ROLLUP_RETENTION_DAYS")
            for name in ("forecasts", "workspace_forecasts")
        ),
        # The oldest origin of a back-test is 196 days old, and asks a model that may be four weeks older.
        Lifetime("forecast_models", "knownUntil", "expire", 260 * _DAY_SECONDS),
        *(
            Lifetime(name, "window", "expire", min(rollups, of_hours), "TIDEMARK_ROLLUP_RETENTION_DAYS")
            for name in ("hourly_forecasts", "workspace_hourly_forecasts")
        ),
        Lifetime("anomalies", "to", "expire", min(rollups, anomalies), "TIDEMARK_ROLLUP_RETENTION_DAYS"),
        Lifetime("hourly_nets", "day", "expire", min(log, nets), "TIDEMARK_RETENTION_DAYS"),
        Lifetime("watched_series", "at", "expire", 30 * _DAY_SECONDS),
        *(
            Lifetime(name, field, "expire", min(rollups, days * _DAY_SECONDS), "TIDEMARK_ROLLUP_RETENTION_DAYS")
            for name, (field, days) in OF_POSTS.items()
        ),
        Lifetime("operations", "finishedAt", "expire", 90 * _DAY_SECONDS),
        # A metric leaves quarantine if it was not tried for a month, because no post of its kind was read.
        Lifetime("quarantine", "triedAt", "forget", 30 * _DAY_SECONDS),
        # Longer than anybody waits to execute a failed run again.
        Lifetime("shard_reports", "at", "expire", 7 * _DAY_SECONDS),
        # Openings of roll-ups that were killed before they deleted them.
        *(Lifetime(names.roll_openings, "at", "expire", _DAY_SECONDS) for names in NAMESPACES),
        Lifetime("store_sizes", "at", "expire", 90 * _DAY_SECONDS),
    ]


def kept_days(db: Database[Document]) -> KeptDays:
    """Return the retention of the database. A database that was never set up has none.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    with mongo_errors():
        log = _present(db, OWN.log, None)
        rollups = [seconds for one in OWN.rollups if (seconds := _present(db, one, "expire")) is not None]
    return KeptDays(None if log is None else log // _DAY_SECONDS, min(rollups) // _DAY_SECONDS if rollups else None)


def differences(db: Database[Document], wanted: Iterable[Lifetime]) -> list[Difference]:
    """Return the expiries that differ in the database; collections that do not exist are left out.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    with mongo_errors():
        existing = set(db.list_collection_names())
        found = [
            Difference(one, _present(db, one.collection, one.index)) for one in wanted if one.collection in existing
        ]
    return [one for one in found if one.present != one.wanted.seconds]


def setting_differences(db: Database[Document], settings: Settings) -> list[str]:
    """Return one line with both values for each setting that differs in the database.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    found = differences(db, [one for one in lifetimes(settings) if one.setting is not None])
    return list({one.wanted.setting: str(one) for one in reversed(found)}.values())


def count_expiring(db: Database[Document], difference: Difference, now: datetime) -> ExpiringDocuments:
    """Count the documents that applying a difference deletes.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    wanted = difference.wanted
    collection, last = db[wanted.collection], now - timedelta(seconds=wanted.seconds)
    query = {wanted.field: {"$lt": last}}
    with mongo_errors():
        oldest = collection.find_one(query, {wanted.field: 1}, sort=[(wanted.field, 1)])
        if oldest is None:
            return ExpiringDocuments(0, 0)
        return ExpiringDocuments(collection.count_documents(query), max(1, (last - oldest[wanted.field]).days))


def apply(db: Database[Document], changes: Sequence[Difference]) -> None:
    """Change expiries of the database to the wanted ones, also to shorter ones: the caller has asked the operator.

    Raises:
        MongoUnavailable: MongoDB does not answer; apply again.
    """
    with mongo_errors():
        for change in changes:
            wanted = change.wanted
            if wanted.index is None:
                db.command("collMod", wanted.collection, expireAfterSeconds=wanted.seconds)
            elif wanted.index in db[wanted.collection].index_information():
                index = {"name": wanted.index, "expireAfterSeconds": wanted.seconds}
                db.command("collMod", wanted.collection, index=index)
            else:
                create(db, wanted)


def create(db: Database[Document], wanted: Lifetime) -> None:
    """Create the TTL index of a lifetime."""
    db[wanted.collection].create_index([(wanted.field, 1)], name=wanted.index, expireAfterSeconds=wanted.seconds)


def _present(db: Database[Document], collection: str, index: str | None) -> int | None:
    """Return an expiry of the database in seconds; None if documents never expire."""
    found: Any = None
    if index is not None:
        found = db[collection].index_information().get(index, {}).get("expireAfterSeconds")
    else:
        for one in db.list_collections(filter={"name": collection}):
            found = one.get("options", {}).get("expireAfterSeconds")
    return None if found is None else int(found)


def _days(seconds: int | None) -> str:
    if seconds is None:
        return "ever"
    days = seconds / _DAY_SECONDS
    return f"{days:g} days"
