"""How long MongoDB keeps documents: the expiries that the database has, and those that the settings ask for.

MongoDB deletes by itself what is older than an expiry says, so a shorter expiry deletes data within minutes. Therefore
the database has the last word: an expiry that exists is changed by `apply` alone, and shortened only where the caller
says so explicitly. `metrics.store.setup.schema` creates expiries together with their collections and never changes one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo.database import Database

from metrics.documents import Document
from metrics.settings import Settings
from metrics.store.errors import mongo_errors

METRICS = "metrics"
_DAY_SECONDS = 86_400
_ROLLUPS = ("subject_rollups", "aggregated_metrics")


@dataclass(frozen=True, slots=True)
class Lifetime:
    """An expiry as it should be: documents of `collection` go `seconds` after the time in `field`.

    `index` names the TTL index; it is None for the time series, whose expiry is an option of the collection. `setting`
    is the environment variable that decides; None where the version of Tidemark does.
    """

    collection: str
    field: str
    index: str | None
    seconds: int
    setting: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """An expiry that the database has otherwise; `present` is in seconds, None where documents never go."""

    wanted: Lifetime
    present: int | None

    @property
    def shortens(self) -> bool:
        """Tell whether the expiry that is wanted deletes documents that are kept at present."""
        return self.present is None or self.wanted.seconds < self.present

    def __str__(self) -> str:
        source = self.wanted.setting or "this version of Tidemark"
        return (
            f"the database keeps {self.wanted.collection} for {_days(self.present)}, "
            f"{source} says {_days(self.wanted.seconds)}"
        )


@dataclass(frozen=True, slots=True)
class Doomed:
    """What a shorter expiry deletes: how many documents, and how many days of them."""

    documents: int
    days: int


@dataclass(frozen=True, slots=True)
class KeptDays:
    """Days that the database keeps observations and rollups; None where it has no expiry."""

    observations: int | None
    rollups: int | None


def lifetimes(settings: Settings) -> list[Lifetime]:
    """Return every expiry that the settings and this version ask for."""
    log, rollups = settings.retention_days * _DAY_SECONDS, settings.rollup_retention_days * _DAY_SECONDS
    return [
        Lifetime(METRICS, "timestamp", None, log, "TIDEMARK_RETENTION_DAYS"),
        *(Lifetime(one, "periodEnd", "expire", rollups, "TIDEMARK_ROLLUP_RETENTION_DAYS") for one in _ROLLUPS),
        Lifetime("operations", "finishedAt", "expire", 90 * _DAY_SECONDS),
        # A refusal that nobody met again for a month, because no post of its kind was read, is forgotten.
        Lifetime("quarantine", "triedAt", "forget", 30 * _DAY_SECONDS),
        # Longer than anybody executes a failed run again.
        Lifetime("shard_reports", "at", "expire", 7 * _DAY_SECONDS),
        # Openings of rolls that were killed before they took them away.
        Lifetime("roll_openings", "at", "expire", _DAY_SECONDS),
        Lifetime("store_sizes", "at", "expire", 90 * _DAY_SECONDS),
    ]


def kept_days(db: Database[Document]) -> KeptDays:
    """Return the retention that the database has. A database that was never set up has none.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    with mongo_errors():
        log = _present(db, METRICS, None)
        rollups = [seconds for one in _ROLLUPS if (seconds := _present(db, one, "expire")) is not None]
    return KeptDays(None if log is None else log // _DAY_SECONDS, min(rollups) // _DAY_SECONDS if rollups else None)


def differences(db: Database[Document], wanted: Iterable[Lifetime]) -> list[Difference]:
    """Return those expiries that the database has otherwise; collections that do not exist are left out.

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
    """Return one line for each setting that the database has otherwise; it names both values.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    found = differences(db, [one for one in lifetimes(settings) if one.setting is not None])
    return list({one.wanted.setting: str(one) for one in reversed(found)}.values())


def doomed(db: Database[Document], difference: Difference, now: datetime) -> Doomed:
    """Count what a difference deletes once it is applied.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    wanted = difference.wanted
    collection, last = db[wanted.collection], now - timedelta(seconds=wanted.seconds)
    query = {wanted.field: {"$lt": last}}
    with mongo_errors():
        oldest = collection.find_one(query, {wanted.field: 1}, sort=[(wanted.field, 1)])
        if oldest is None:
            return Doomed(0, 0)
        return Doomed(collection.count_documents(query), max(1, (last - oldest[wanted.field]).days))


def apply(db: Database[Document], changes: Sequence[Difference]) -> None:
    """Make the expiries of the database what was wanted, the shorter ones as well: the caller has asked before.

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
    """Return an expiry of the database in seconds; None where documents never go."""
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
