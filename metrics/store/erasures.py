"""The collections `erasures` and `erasure_names`: what is being erased, and that something was.

An erasure under way has a document of its own in `erasures`, in the state `begun`, which holds the id in the clear; the
ids of accounts and posts that it has to find in Redis, logs and Dagster's storage stand in `erasure_names`, some
thousands to a document. When it is finished both go, and a document stays that holds a digest in place of the id.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from pymongo.database import Database

from metrics.clock import utcnow
from metrics.documents import Document, Platform
from metrics.store.errors import mongo_errors

Kind = Literal["account", "workspace"]
_CHUNK = 5000


def digest(kind: str, name: str) -> str:
    """Return what is kept of an id that was erased: it answers "was this one erased?" to whoever knows the id."""
    return hashlib.sha256(f"{kind}:{name}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Named:
    """The ids under which an account or a workspace appears outside of MongoDB.

    `platform_accounts` are pairs of platform and the platform's id of an account.
    """

    workspace_id: str | None
    account_ids: tuple[str, ...]
    post_ids: tuple[str, ...]
    platform_post_ids: tuple[str, ...]
    platform_accounts: tuple[tuple[Platform, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure that was begun and is not finished."""

    kind: Kind
    name: str
    at: datetime
    by: str
    token: str
    counts: Mapping[str, int]

    @property
    def key(self) -> str:
        """The id of its document."""
        return f"begun:{digest(self.kind, self.name)}"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Erasures:
    """Reads and writes of erasures."""

    def __init__(self, db: Database[Document]) -> None:
        self._erasures = db["erasures"]
        self._names = db["erasure_names"]

    def begin(self, kind: Kind, name: str, by: str) -> Erasure:
        """Write down that something is to be erased; return the erasure, the one under way if there is one."""
        document: Document = {
            "kind": kind, "state": "begun", "name": name, "at": utcnow(), "by": by, "token": uuid4().hex, "counts": {},
        }  # fmt: skip
        key = f"begun:{digest(kind, name)}"
        with mongo_errors():
            self._erasures.update_one({"_id": key}, {"$setOnInsert": document}, upsert=True)
            return _erasure(self._erasures.find_one({"_id": key}) or {"_id": key, **document})

    def unfinished(self) -> list[Erasure]:
        """Return the erasures that were begun and are not finished, the oldest first."""
        with mongo_errors():
            return [_erasure(row) for row in self._erasures.find({"state": "begun"}).sort("at", 1)]

    def write_down(self, erasure: Erasure, named: Named) -> Named:
        """Add ids to those that an erasure has to find; return all of them."""
        known = self.named(erasure)
        accounts = {*named.account_ids} - {*known.account_ids}
        platform_accounts = {*named.platform_accounts} - {*known.platform_accounts}
        posts = {*named.post_ids} - {*known.post_ids}
        theirs = {*named.platform_post_ids} - {*known.platform_post_ids}
        documents = [
            *_documents(erasure, "accounts", sorted(accounts)),
            *_documents(erasure, "platformAccounts", [list(one) for one in sorted(platform_accounts)]),
            *_documents(erasure, "posts", sorted(posts)),
            *_documents(erasure, "platformPosts", sorted(theirs)),
        ]
        if known.workspace_id is None and named.workspace_id is not None:
            documents.append(_document(erasure, "workspace", [named.workspace_id]))
        with mongo_errors():
            if documents:
                self._names.insert_many(documents)
        return self.named(erasure)

    def named(self, erasure: Erasure) -> Named:
        """Return the ids that were written down of an erasure."""
        found: dict[str, list[Any]] = {}
        with mongo_errors():
            for row in self._names.find({"erasureId": erasure.key}).sort("_id", 1):
                found.setdefault(row["what"], []).extend(row["ids"])
        workspaces = found.get("workspace", [None])
        return Named(
            workspaces[0],
            tuple(found.get("accounts", ())),
            tuple(found.get("posts", ())),
            tuple(found.get("platformPosts", ())),
            tuple((platform, theirs) for platform, theirs in found.get("platformAccounts", ())),
        )

    def count(self, erasure: Erasure, collection: str, documents: int) -> None:
        """Note how many documents of a collection are gone."""
        with mongo_errors():
            self._erasures.update_one({"_id": erasure.key}, {"$inc": {f"counts.{collection}": documents}})

    def finish(self, erasure: Erasure, account_ids: Sequence[str] = ()) -> None:
        """Keep that the erasure is done, also of each account of a workspace, without any id in the clear."""
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

    def on_record(self, kind: Kind, name: str) -> bool:
        """Tell whether something was erased, or is being erased."""
        query = {"kind": kind, "$or": [{"subject": digest(kind, name)}, {"state": "begun", "name": name}]}
        with mongo_errors():
            return self._erasures.find_one(query, {"_id": 1}) is not None


def _documents(erasure: Erasure, what: str, ids: Sequence[Any]) -> Iterator[Document]:
    for begin in range(0, len(ids), _CHUNK):
        yield _document(erasure, what, ids[begin : begin + _CHUNK])


def _document(erasure: Erasure, what: str, ids: Sequence[Any]) -> Document:
    return {"_id": uuid4().hex, "erasureId": erasure.key, "what": what, "ids": list(ids)}


def _done(kind: Kind, name: str, at: datetime, by: str, counts: Mapping[str, int]) -> Document:
    return {"kind": kind, "subject": digest(kind, name), "at": at, "by": by, "counts": dict(counts)}


def _erasure(row: Document) -> Erasure:
    return Erasure(row["kind"], row["name"], row["at"], row["by"], row["token"], dict(row["counts"]))
