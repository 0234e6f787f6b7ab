"""Back up and restore all collections as compressed BSON, as of one instant, with a manifest of counts and hashes.

    manifest.json           collections, their options and indexes, documents, SHA-256 of the files
    <collection>.bson.gz    concatenated documents, as `mongodump` writes them

MongoDB keeps the instant for five minutes (`minSnapshotHistoryWindowInSeconds`). A backup that takes longer fails;
`mongodump --oplog` or disk snapshots are then the alternative (docs/operations.md).
"""

import gzip
import hashlib
import json
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, TypedDict, cast

import bson
from bson import json_util
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from metrics.batches import batched
from metrics.clock import isoformat, utcnow
from metrics.errors import InvalidInput, TidemarkError
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.namespaces import OWN, PUBLIC
from metrics.upkeep.ledger import Entry
from metrics.upkeep.withheld import Withheld

FORMAT = 1
MANIFEST = "manifest.json"
_BATCH = 1000
_SNAPSHOT_TOO_OLD = 239
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)


class Saved(TypedDict):
    """A collection of a backup; `options` and `indexes` are those of MongoDB, as extended JSON."""

    name: str
    documents: int
    sha256: str
    options: str
    indexes: str


class Manifest(TypedDict):
    """The manifest of a backup; `at` is the instant that it shows, in RFC 3339."""

    format: int
    database: str
    at: str
    collections: list[Saved]


@dataclass(frozen=True, slots=True)
class Restored:
    """The result of a restore.

    `collections` are those of the backup. `withheld` counts the documents of erased accounts and workspaces that were
    left out, by collection. `revoked` is the number of keys that were restored as revoked, `withdrawn` that of consents
    that were withdrawn after the backup; what was stored with them is among the withheld documents.
    """

    collections: list[Saved]
    withheld: dict[str, int]
    revoked: int
    withdrawn: int


def backup(store: Store, folder: Path) -> list[Saved]:
    """Write a backup into a new folder that only its owner may read.

    Raises:
        InvalidInput: the folder exists and is not empty, or it cannot be created.
        MongoUnavailable: MongoDB does not answer; remove the folder, which has no manifest.
        TidemarkError: MongoDB no longer holds the instant at which the backup began.
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            raise InvalidInput(f"{folder} is not empty: name a new folder")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be created ({error.strerror}): name a folder that you may write") from None
    saved: list[Saved] = []
    instant = utcnow()
    try:
        with store.raw.snapshot() as session:
            ours = [one for one in store.raw.described() if not one["name"].startswith("check_")]
            saved.extend(_save(store, session, folder, one) for one in ours)
    except OperationFailure as error:
        if error.code != _SNAPSHOT_TOO_OLD:
            raise
        raise TidemarkError(
            "the backup took longer than MongoDB keeps its instant: raise minSnapshotHistoryWindowInSeconds, or use "
            "mongodump --oplog"
        ) from None
    body = {"format": FORMAT, "database": store.db.name, "at": isoformat(instant), "collections": saved}
    _private(folder / MANIFEST).write_text(json.dumps(body, indent=1))
    return saved


def restore(store: Store, settings: Settings, folder: Path, ledger: Iterable[Entry] = ()) -> Restored:
    """Restore a backup into an empty database. All files are checked before anything is written.

    According to the ledger, accounts and workspaces that were erased after the backup are not written, nor are consents
    that were withdrawn after it and what was stored with them; revoked keys are written as revoked. So nothing of that
    is present at any moment.

    Raises:
        InvalidInput: the folder has no backup, a file is damaged, or the database is not empty.
        MongoUnavailable: MongoDB does not answer; drop the database and restore again.
    """
    manifest = _checked(folder)
    saved = manifest["collections"]
    accounts, watched = (_saved_documents(folder, names.accounts) for names in (OWN, PUBLIC))
    withheld = Withheld(ledger, datetime.fromisoformat(manifest["at"]), accounts, watched)
    if (filled := store.raw.first_with_documents()) is not None:
        raise InvalidInput(
            f"the database {store.db.name} holds {filled}: drop it, or restore into another by TIDEMARK_MONGO_DB"
        )
    store.ensure(settings)
    for one in saved:
        store.raw.create_if_missing(one["name"], json_util.loads(one["options"]))
        for batch in _documents(_file(folder, one["name"])):
            store.raw.insert(one["name"], withheld.admit(one["name"], batch))
    # A backup of an older version holds ids as they were typed.
    store.accounts.normalise_ids()
    withheld.record(store)
    return Restored(saved, dict(withheld.dropped), withheld.revoked, withheld.withdrawn)


def _save(store: Store, session: ClientSession, folder: Path, found: Any) -> Saved:
    name = found["name"]
    path, count = _private(_file(folder, name)), 0
    with path.open("wb") as file, gzip.GzipFile(fileobj=file, mode="wb", compresslevel=3, mtime=0) as packed:
        for piece in store.raw.batches(name, session, _BATCH):
            packed.write(piece)
            count += _count(piece)
    return {
        "name": name,
        "documents": count,
        "sha256": _digest(path),
        "options": json_util.dumps(found.get("options", {})),
        "indexes": json_util.dumps(store.raw.indexes(name)),
    }


def _count(piece: bytes) -> int:
    """Count concatenated BSON documents; each begins with its length."""
    at = count = 0
    while at < len(piece):
        at += struct.unpack_from("<i", piece, at)[0]
        count += 1
    return count


def _documents(path: Path) -> Iterator[list[RawBSONDocument]]:
    with gzip.open(path, "rb") as file:
        documents = bson.decode_file_iter(cast("IO[bytes]", file), _RAW)
        yield from batched(documents, _BATCH)


def _saved_documents(folder: Path, collection: str) -> Iterator[RawBSONDocument]:
    """Yield the documents of a collection; none if the backup is of a version that did not have it."""
    path = _file(folder, collection)
    for batch in _documents(path) if path.exists() else ():
        yield from batch


def _file(folder: Path, collection: str) -> Path:
    return folder / f"{collection}.bson.gz"


def _checked(folder: Path) -> Manifest:
    try:
        manifest: Manifest = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        raise InvalidInput(f"{folder} holds no backup: there is no readable {MANIFEST}") from None
    if manifest["format"] != FORMAT:
        raise InvalidInput(f"{folder} was written by another version of Tidemark (format {manifest['format']})")
    for one in manifest["collections"]:
        path = _file(folder, one["name"])
        if not path.is_file() or _digest(path) != one["sha256"]:
            raise InvalidInput(f"{path} is missing or damaged: nothing was restored")
    return manifest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _private(path: Path) -> Path:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return path
