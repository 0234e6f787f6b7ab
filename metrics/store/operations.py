"""The collection `operations`: a durable queue of requested work, which survives restarts."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, cast
from uuid import uuid4

from pymongo import ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from metrics.clock import isoformat, utcnow
from metrics.documents import Counted, Document, OperationDocument, OperationKind, OperationState, Platform
from metrics.errors import NotFound, QueueFull
from metrics.periods import Period
from metrics.store.errors import mongo_errors

IDEMPOTENCY_WINDOW = timedelta(hours=24)
MAX_IDEMPOTENCY_KEYS = 100
"""Idempotency keys of one operation. A further request is refused; if an older key were forgotten instead, it would no
longer prevent a second operation."""
FINISHED: tuple[OperationState, ...] = ("succeeded", "partial", "failed")


def scope_key(kind: OperationKind, workspace_id: str, *parts: object, posts: str | None = None) -> str:
    """Return a key that is equal for requests for the same work; `posts` is that of the operation."""
    words = [isoformat(p) if isinstance(p, datetime) else str(p) for p in parts if p is not None]
    # No id contains `=`, so an account of this name has another key.
    words += [f"posts={posts}"] if posts is not None else []
    return "|".join([kind, workspace_id, *words])


def new_operation_id() -> str:
    """Return the id for a new operation."""
    return f"op_{uuid4().hex}"


class Operations:
    """Reads and writes of operations."""

    def __init__(self, db: Database[Document]) -> None:
        self._operations = db["operations"]

    def request(
        self,
        kind: OperationKind,
        workspace_id: str,
        *,
        account_id: str | None = None,
        post_id: str | None = None,
        period: Period | None = None,
        period_start: datetime | None = None,
        posts: Literal["all"] | None = None,
        idempotency_key: str | None = None,
        operation_id: str | None = None,
    ) -> OperationDocument:
        """Queue an operation; return it, or the existing operation that this request repeats.

        It is durable when this returns. A request repeats an operation with the same scope that is still queued, or one
        with the same idempotency key within 24 hours. With `operation_id`, which is already stored with the accounts,
        the operation is always new.

        Raises:
            QueueFull: the queued operation has as many idempotency keys as it may, and this is another one.
        """
        now = utcnow()
        key = scope_key(kind, workspace_id, account_id, post_id, period, period_start, operation_id, posts=posts)
        if idempotency_key is not None:
            idempotency_key = f"{workspace_id}|{idempotency_key}"
        document: Document = {
            "_id": operation_id or new_operation_id(),
            "workspaceId": workspace_id,
            "kind": kind,
            "state": "queued",
            "createdAt": now,
            "updatedAt": now,
            "scopeKey": key,
        }
        optional = {
            "accountId": account_id,
            "postId": post_id,
            "period": period,
            "periodStart": period_start,
            "posts": posts,
            "idempotencyKey": [idempotency_key] if idempotency_key is not None else None,
        }
        document |= {name: value for name, value in optional.items() if value is not None}
        with mongo_errors():
            if idempotency_key is not None:
                self._forget_idempotency(idempotency_key, now - IDEMPOTENCY_WINDOW)
            for _ in range(3):
                try:
                    self._operations.insert_one(document)
                except DuplicateKeyError:
                    found = self._keyed(idempotency_key) or self._queued(key, idempotency_key)
                    if found is not None:
                        return cast("OperationDocument", found)
                    # The operation with the same scope has just left the queue: the next insert succeeds.
                else:
                    return cast("OperationDocument", document)
        raise RuntimeError(f"operation {key} could not be queued")

    def repeated(self, workspace_id: str, idempotency_key: str) -> OperationDocument | None:
        """Return the operation that was requested with an idempotency key within the last 24 hours, or None."""
        query = {"idempotencyKey": f"{workspace_id}|{idempotency_key}"}
        with mongo_errors():
            found = self._operations.find_one(query | {"createdAt": {"$gte": utcnow() - IDEMPOTENCY_WINDOW}})
        return cast("OperationDocument | None", found)

    def queued(self, key: str) -> OperationDocument | None:
        """Return the operation with this scope (`scope_key`) that is still queued, or None."""
        with mongo_errors():
            return cast("OperationDocument | None", self._queued(key, None))

    def _forget_idempotency(self, idempotency_key: str, before: datetime) -> None:
        query = {"idempotencyKey": idempotency_key, "createdAt": {"$lt": before}}
        self._operations.update_one(query, {"$unset": {"idempotencyKey": ""}})

    def _keyed(self, idempotency_key: str | None) -> Document | None:
        return self._operations.find_one({"idempotencyKey": idempotency_key}) if idempotency_key is not None else None

    def _queued(self, key: str, idempotency_key: str | None) -> Document | None:
        """Return the queued operation of a scope, after adding the idempotency key to it.

        Raises:
            QueueFull: it has as many keys as it may.
        """
        query = {"scopeKey": key, "state": "queued"}
        if idempotency_key is None:
            return self._operations.find_one(query)
        has_room = {f"idempotencyKey.{MAX_IDEMPOTENCY_KEYS - 1}": {"$exists": False}}
        added = {"$addToSet": {"idempotencyKey": idempotency_key}}
        try:
            found = self._operations.find_one_and_update(query | has_room, added)
        except DuplicateKeyError:
            return self._keyed(idempotency_key)
        if found is None and (full := self._operations.find_one(query)) is not None:
            keys = full.get("idempotencyKey", ())
            if idempotency_key in keys:
                return full
            if len(keys) < MAX_IDEMPOTENCY_KEYS:
                return None  # It was queued just now.
            raise QueueFull(
                f"The queued operation was requested with {MAX_IDEMPOTENCY_KEYS} idempotency keys, the most at once; "
                "repeat an earlier key, or try again when the operation has begun."
            )
        return found

    def get(self, operation_id: str) -> OperationDocument:
        """Return one operation.

        Raises:
            NotFound: there is no such operation.
        """
        with mongo_errors():
            found = self._operations.find_one({"_id": operation_id})
        if found is None:
            raise NotFound(f"no operation {operation_id}")
        return cast("OperationDocument", found)

    def find(
        self, states: Sequence[OperationState], limit: int = 1000, kinds: Sequence[OperationKind] | None = None
    ) -> list[OperationDocument]:
        """Return operations in given states, of given kinds or all, oldest first."""
        query: Document = {"state": {"$in": list(states)}}
        if kinds is not None:
            query["kind"] = {"$in": list(kinds)}
        with mongo_errors():
            found = self._operations.find(query).sort("createdAt", 1).limit(limit)
            return cast("list[OperationDocument]", list(found))

    def start(self, operation_id: str, run_id: str) -> bool:
        """Record that a run works on an operation; return False if the operation is finished."""
        query = {"_id": operation_id, "state": {"$nin": list(FINISHED)}}
        change = {"$set": {"state": "running", "runId": run_id, "updatedAt": utcnow()}}
        with mongo_errors():
            return self._operations.update_one(query, change).matched_count == 1

    def report(self, operation_id: str, part: str, accounts: Mapping[str, int], parts: int) -> OperationDocument | None:
        """Record the result of one of `parts` parts of the work, as counts of accounts: `{"ok": 3, "failed": 1}`.

        Return the finished operation if this was the last part, else None.
        """
        query = {"_id": operation_id, "state": {"$nin": list(FINISHED)}}
        change = {"$set": {f"parts.{part}": dict(accounts), "updatedAt": utcnow()}}
        with mongo_errors():
            found = self._operations.find_one_and_update(query, change, return_document=ReturnDocument.AFTER)
        if found is None or len(found["parts"]) < parts:
            return None
        total = {name: sum(p.get(name, 0) for p in found["parts"].values()) for name in ("ok", "failed", "skipped")}
        if not total["failed"]:
            return self.finish(operation_id, "succeeded", accounts=total)
        return self.finish(operation_id, "partial" if total["ok"] else "failed", accounts=total)

    def progress(self, operation_id: str, progress: Counted) -> OperationDocument | None:
        """Record the progress of an operation; return it, or None if the progress is unchanged or it is finished."""
        query = {"_id": operation_id, "state": {"$nin": list(FINISHED)}, "progress": {"$ne": dict(progress)}}
        change = {"$set": {"progress": dict(progress), "updatedAt": utcnow()}}
        with mongo_errors():
            found = self._operations.find_one_and_update(query, change, return_document=ReturnDocument.AFTER)
        return cast("OperationDocument | None", found)

    def expect(self, operation_id: str, accounts: Mapping[Platform, int]) -> None:
        """Record how many accounts of each platform a collection has to read, unless that is recorded already."""
        counted = {platform: {"done": 0, "expected": number} for platform, number in accounts.items()}
        query = {"_id": operation_id, "platforms": {"$exists": False}}
        with mongo_errors():
            self._operations.update_one(query, {"$set": {"platforms": counted}})

    def count(self, operation_id: str, platform: Platform, step: str, done: int) -> OperationDocument | None:
        """Record how many accounts of a platform one step of a collection is done with; return the operation.

        The count replaces the step's earlier one, so a step that is repeated counts no account twice. Return None if
        the operation is finished.
        """
        counted, of_steps = f"platforms.{platform}", {"$objectToArray": f"$steps.{platform}"}
        change: list[Document] = [
            {"$set": {f"steps.{platform}.{step}": done, "updatedAt": utcnow()}},
            {"$set": {f"{counted}.done": {"$sum": {"$map": {"input": of_steps, "in": "$$this.v"}}}}},
            {"$set": {f"{counted}.expected": {"$max": [f"${counted}.expected", f"${counted}.done"]}}},
        ]
        query = {"_id": operation_id, "state": {"$nin": list(FINISHED)}}
        with mongo_errors():
            found = self._operations.find_one_and_update(query, change, return_document=ReturnDocument.AFTER)
        return cast("OperationDocument | None", found)

    def finish(self, operation_id: str, state: OperationState, **facts: Any) -> OperationDocument | None:
        """Record the outcome of an operation, once; return it, or None if it was finished before."""
        now = utcnow()
        query = {"_id": operation_id, "state": {"$nin": list(FINISHED)}}
        change = {"$set": {"state": state, "updatedAt": now, "finishedAt": now, **facts}}
        with mongo_errors():
            found = self._operations.find_one_and_update(query, change, return_document=ReturnDocument.AFTER)
        return cast("OperationDocument | None", found)
