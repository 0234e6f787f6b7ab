"""The collections `erasures` and `erasure_names`: unfinished and finished erasures.

An unfinished erasure has a document in `erasures`, in the state `begun`, which holds the id in the clear. The ids of
accounts and posts that it has to find in Redis, logs and Dagster's storage are in `erasure_names`, some thousands per
document. When the erasure is finished, all of these are deleted, and a document with a digest in place of the id stays.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from pymongo.database import Database

from metrics.batches import batched
from metrics.clock import utcnow
from metrics.documents import Document, Platform
from metrics.store.errors import mongo_errors

Kind = Literal["account", "workspace"]
_BATCH = 5000


def digest(kind: str, name: str) -> str:
    """Return the digest that is kept of an erased id: with the id at hand, one can check whether it was erased."""
    return hashlib.sha256(f"{kind}:{name}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ErasureIds:
    """The ids that name an account or a workspace, and have to be erased outside of MongoDB.

    `platform_accounts` are pairs of a platform and its id of an account.
    """

    workspace_id: str | None
    account_ids: tuple[str, ...]
    post_ids: tuple[str, ...]
    platform_post_ids: tuple[str, ...]
    platform_accounts: tuple[tuple[Platform, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Erasure:
    """An unfinished erasure."""

    kind: Kind
    name: str
    at: datetime
    by: str
    token: str
    counts: Mapping[str, int]

    @property
    def key(self) -> str:
        """The `_id` of its document."""
        return f"begun:{digest(self.kind, self.name)}"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Erasures:
    """Reads and writes of erasures."""

    def __init__(self, db: Database[Document]) -> None:
        self._erasures = db["erasures"]
        self._names = db["erasure_names"]

    def begin(self, kind: Kind, name: str, by: str) -> Erasure:
        """Store that an account or a workspace is to be erased; return the erasure, which may have begun before."""
        document: Document = {
            "kind": kind, "state": "begun", "name": name, "at": utcnow(), "by": by, "token": uuid4().hex, "counts": {},
        }  # fmt: skip
        key = f"begun:{digest(kind, name)}"
        with mongo_errors():
            self._erasures.update_one({"_id": key}, {"$setOnInsert": document}, upsert=True)
            return _erasure(self._erasures.find_one({"_id": key}) or {"_id": key, **document})

    def unfinished(self) -> list[Erasure]:
        """Return the unfinished erasures, the oldest first."""
        with mongo_errors():
            return [_erasure(row) for row in self._erasures.find({"state": "begun"}).sort("at", 1)]

    def write_down_ids(self, erasure: Erasure, ids: ErasureIds) -> ErasureIds:
        """Write down further ids that an erasure has to find outside of MongoDB; return all that are written down."""
        known = self.ids_of(erasure)
        accounts = {*ids.account_ids} - {*known.account_ids}
        platform_accounts = {*ids.platform_accounts} - {*known.platform_accounts}
        posts = {*ids.post_ids} - {*known.post_ids}
        platform_posts = {*ids.platform_post_ids} - {*known.platform_post_ids}
        documents = [
            *_documents(erasure, "accounts", sorted(accounts)),
            *_documents(erasure, "platformAccounts", [list(pair) for pair in sorted(platform_accounts)]),
            *_documents(erasure, "posts", sorted(posts)),
            *_documents(erasure, "platformPosts", sorted(platform_posts)),
        ]
        if known.workspace_id is None and ids.workspace_id is not None:
            documents.append(_document(erasure, "workspace", [ids.workspace_id]))
        with mongo_errors():
            if documents:
                self._names.insert_many(documents)
        return self.ids_of(erasure)

    def ids_of(self, erasure: Erasure) -> ErasureIds:
        """Return the ids that an erasure has to find."""
        found: dict[str, list[Any]] = {}
        with mongo_errors():
            for row in self._names.find({"erasureId": erasure.key}).sort("_id", 1):
                found.setdefault(row["what"], []).extend(row["ids"])
        workspaces = found.get("workspace", [None])
        return ErasureIds(
            workspaces[0],
            tuple(found.get("accounts", ())),
            tuple(found.get("posts", ())),
            tuple(found.get("platformPosts", ())),
            tuple((platform, account_id) for platform, account_id in found.get("platformAccounts", ())),
        )

    def count(self, erasure: Erasure, collection: str, documents: int) -> None:
        """Add to the number of documents that were deleted from a collection."""
        with mongo_errors():
            self._erasures.update_one({"_id": erasure.key}, {"$inc": {f"counts.{collection}": documents}})

    def finish(self, erasure: Erasure, account_ids: Sequence[str] = ()) -> None:
        """Replace an erasure by its record, and by one for each account of a workspace, without ids in the clear."""
        at = utcnow()
        with mongo_errors():
            counts = (self._erasures.find_one({"_id": erasure.key}) or {}).get("counts", {})
            for account_id in account_ids if erasure.kind == "workspace" else ():
                done = _done("account", account_id, at, erasure.by, {})
                self._erasures.replace_one({"_id": f"{erasure.token}:{done['subject']}"}, done, upsert=True)
            done = _done(erasure.kind, erasure.name, at, erasure.by, counts)
            self._erasures.replace_one({"_id": erasure.token}, done, upsert=True)
            self._names.delete_many({"erasureId": erasure.key})
            self._erasures.delete_one({"_id": erasure.key})

    def put_finished(self, kind: Kind, subject: str, at: datetime, by: str) -> None:
        """Store the record of a finished erasure; `subject` is the digest of the erased id."""
        record = {"kind": kind, "subject": subject, "at": at, "by": by, "counts": {}}
        with mongo_errors():
            self._erasures.replace_one({"_id": f"{kind}:{subject}"}, record, upsert=True)

    def on_record(self, kind: Kind, name: str) -> bool:
        """Tell whether an account or a workspace was erased, or is being erased."""
        query = {"kind": kind, "$or": [{"subject": digest(kind, name)}, {"state": "begun", "name": name}]}
        with mongo_errors():
            return self._erasures.find_one(query, {"_id": 1}) is not None


def _documents(erasure: Erasure, what: str, ids: Sequence[Any]) -> Iterator[Document]:
    for batch in batched(ids, _BATCH):
        yield _document(erasure, what, batch)


def _document(erasure: Erasure, what: str, ids: Sequence[Any]) -> Document:
    return {"_id": uuid4().hex, "erasureId": erasure.key, "what": what, "ids": list(ids)}


def _done(kind: Kind, name: str, at: datetime, by: str, counts: Mapping[str, int]) -> Document:
    return {"kind": kind, "subject": digest(kind, name), "at": at, "by": by, "counts": dict(counts)}


def _erasure(row: Document) -> Erasure:
    return Erasure(row["kind"], row["name"], row["at"], row["by"], row["token"], dict(row["counts"]))
