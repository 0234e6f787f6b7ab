"""The schema: collections, validators and indexes, which `Store.ensure` creates on MongoDB 6.0 and later."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pymongo.database import Database
from pymongo.errors import CollectionInvalid, OperationFailure

from metrics.documents import Document
from metrics.settings import Settings
from metrics.store.setup import lifetimes
from metrics.store.setup.disconnections import note_disconnections
from metrics.store.setup.identities import normalise_accounts
from metrics.store.setup.indexes import INDEXES, ONE_PER_PLATFORM_ACCOUNT
from metrics.store.setup.namespaces import NAMESPACES, OWN
from metrics.store.setup.shapes import REQUIRED

BUCKET_SECONDS = 86_400
_NAMESPACE_EXISTS = 48
_INDEX_EXISTS = (85, 86)
"""MongoDB's error codes for an index that exists with other options, or with the same name and other fields."""

_FORMER_INDEXES = (("quarantine", "expire"),)
"""Harmful indexes of older versions, which are dropped: this one ended quarantine after a week."""


def ensure(db: Database[Document], settings: Settings) -> None:
    """Create collections, validators and indexes that are missing; safe to run from several processes at once.

    A validator of another version of Tidemark is replaced. Expiries are taken from the settings only if a collection is
    new or empty: for existing documents, only `metrics.store.setup.lifetimes.apply` changes them.
    """
    existing = {one["name"]: one.get("options", {}) for one in db.list_collections()}
    wanted = lifetimes.lifetimes(settings)
    logs = [names.log for names in NAMESPACES]
    for log in logs:
        if log not in existing:
            _create_log(db, log, next(one.seconds for one in wanted if one.collection == log))
    for name, properties in REQUIRED.items():
        _ensure_collection(db, name, existing, properties)
    indexes: Mapping[str, Collection[str]] = {name: db[name].index_information().keys() for name in {*REQUIRED, *logs}}
    _convert_documents_of_older_versions(db, indexes)
    _ensure_indexes(db, indexes)
    for lifetime in wanted:
        if lifetime.index is not None and lifetime.index not in indexes[lifetime.collection]:
            _create_expiry_of_empty(db, lifetime)


def _convert_documents_of_older_versions(db: Database[Document], indexes: Mapping[str, Collection[str]]) -> None:
    """Make documents of older versions of Tidemark fit the indexes that are created next."""
    normalise_accounts(db[OWN.accounts])
    if ONE_PER_PLATFORM_ACCOUNT not in indexes[OWN.accounts]:
        note_disconnections(db)
    if "expire" not in indexes[OWN.roll_marks]:
        # Marks of older versions lack the time of settling.
        db[OWN.roll_marks].update_many(
            {"dirty": False, "settledAt": {"$exists": False}}, {"$currentDate": {"settledAt": True}}
        )


def _ensure_indexes(db: Database[Document], indexes: Mapping[str, Collection[str]]) -> None:
    """Create the indexes that are missing, except expiries, and drop those of `_FORMER_INDEXES`."""
    for name, models in INDEXES.items():
        if missing := [one for one in models if one.document["name"] not in indexes[name]]:
            db[name].create_indexes(missing)
    for name, index in _FORMER_INDEXES:
        if index in indexes[name]:
            db[name].drop_index(index)


def bucketing(version: Sequence[int]) -> dict[str, Any]:
    """Return the options for buckets of 24 hours: a named granularity up to MongoDB 6.2, seconds from 6.3 on."""
    if tuple(version[:2]) >= (6, 3):
        return {"bucketMaxSpanSeconds": BUCKET_SECONDS, "bucketRoundingSeconds": BUCKET_SECONDS}
    return {"granularity": "minutes"}


def _create_log(db: Database[Document], name: str, retention_seconds: int) -> None:
    version = db.client.server_info()["versionArray"]
    options = {"timeField": "timestamp", "metaField": "metadata", **bucketing(version)}
    try:
        db.create_collection(name, timeseries=options, expireAfterSeconds=retention_seconds)
    except (CollectionInvalid, OperationFailure) as error:
        if isinstance(error, OperationFailure) and error.code != _NAMESPACE_EXISTS:
            raise


def _ensure_collection(
    db: Database[Document],
    name: str,
    existing: Mapping[str, Mapping[str, Any]],
    properties: Mapping[str, Mapping[str, Any]],
) -> None:
    validator = {"$jsonSchema": {"bsonType": "object", "required": list(properties), "properties": dict(properties)}}
    if name not in existing:
        try:
            db.create_collection(name, validator=validator)
        except (CollectionInvalid, OperationFailure) as error:
            if isinstance(error, OperationFailure) and error.code != _NAMESPACE_EXISTS:
                raise
        else:
            return
    elif existing[name].get("validator") == validator:
        return
    db.command("collMod", name, validator=validator)


def _create_expiry_of_empty(db: Database[Document], lifetime: lifetimes.Lifetime) -> None:
    """Create the TTL index of an empty collection, unless another process with other settings has just done so."""
    if db[lifetime.collection].find_one({}, {"_id": 1}) is not None:
        return
    try:
        lifetimes.create(db, lifetime)
    except OperationFailure as error:
        if error.code not in _INDEX_EXISTS:
            raise
