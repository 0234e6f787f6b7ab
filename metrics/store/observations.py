"""The log of observations, an append-only time series, and reads of its effective values.

For each (subject, slot, metric) the value with the newest `collectedAt` is effective; a metric that the newer
observation lacks keeps the older value (docs/metrics.md, 2).
"""

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from itertools import groupby
from typing import Any

from pymongo.command_cursor import CommandCursor
from pymongo.database import Database

from metrics.batches import batched
from metrics.catalog import metrics_of
from metrics.documents import Document, Observation
from metrics.expected import Span
from metrics.periods import DAY, HOUR, midnight
from metrics.store.errors import mongo_errors
from metrics.store.setup.namespaces import Namespace

BATCH = 2000
"""Observations per insert; beyond 1,000 the time per observation no longer decreases."""

LEVELS = tuple(metric.name for metric in metrics_of("account", "gauge"))
"""Gauges of accounts: a slot with any of them counts as observed for the account."""

_READ = 500
"""Observations of a stream that are in memory at once."""

EFFECTIVE: list[Document] = [
    # `_id` breaks ties, so that the same log always gives the same answer.
    {"$sort": {"collectedAt": 1, "_id": 1}},
    {
        "$group": {
            "_id": {"slot": "$timestamp", "account": "$metadata.accountId", "post": "$metadata.postId"},
            "timestamp": {"$last": "$timestamp"},
            "metadata": {"$last": "$metadata"},
            "collectedAt": {"$last": "$collectedAt"},
            "metrics": {"$mergeObjects": "$metrics"},
            "unavailable": {"$mergeObjects": "$unavailable"},
            "runId": {"$last": "$runId"},
            "apiVersion": {"$last": "$apiVersion"},
        }
    },
]
"""Stages that merge the observations of a (subject, slot) into the effective one."""

_ORDER = {"timestamp": 1, "metadata.accountId": 1, "metadata.postId": 1}


@dataclass(frozen=True, slots=True)
class Position:
    """The sort position of an observation: slot, then account, then post (an account before its posts)."""

    slot: datetime
    account_id: str
    post_id: str


class ObservationLog:
    """Reads and appends of the time series `metrics`, or of that of watched accounts."""

    def __init__(self, db: Database[Document], names: Namespace) -> None:
        self._log = db[names.log]

    def append(self, observations: Iterable[Observation]) -> int:
        """Append observations, sorted by series and time; return how many.

        They are on disk at a majority of the servers when this returns.

        Raises:
            MongoUnavailable: MongoDB does not answer. Some may have been appended; appending all again is harmless.
        """
        ordered = sorted(observations, key=lambda o: (o.workspace_id, o.account_id, o.post_id or "", o.slot))
        documents = (o.document() for o in ordered)
        written = 0
        with mongo_errors():
            for batch in batched(documents, BATCH):
                self._log.insert_many(batch, ordered=False)
                written += len(batch)
        return written

    def page(
        self, scope: Mapping[str, Any], start: datetime, end: datetime, *, limit: int, after: Position | None = None
    ) -> list[Document]:
        """Return up to `limit` effective observations of slots in `[start, end)`, oldest first.

        `scope` selects subjects by fields of `metadata`, `{"workspaceId": "w1", "platform": "instagram"}`; it must have
        the workspace, the account or the post. With `after`, the page starts after that position.
        """
        found: list[Document] = []
        low = max(start, after.slot) if after else start
        # The result is sorted by time, but the log by series. Reading hours in growing steps keeps the cost of a page
        # proportional to the page.
        step = HOUR
        while low < end and len(found) < limit:
            high = min(low + step, end)
            rows = self._window(scope, low, high, limit - len(found), after)
            if len(rows) < limit - len(found):
                step = min(step * 2, timedelta(days=31))
            found += rows
            low, after = high, None
        return found

    def _window(
        self, scope: Mapping[str, Any], low: datetime, high: datetime, limit: int, after: Position | None
    ) -> list[Document]:
        match = {f"metadata.{name}": value for name, value in scope.items()}
        pipeline: list[Document] = [{"$match": {**match, "timestamp": {"$gte": low, "$lt": high}}}, *EFFECTIVE]
        if after is not None:
            order = ["$timestamp", "$metadata.accountId", {"$ifNull": ["$metadata.postId", ""]}]
            last = [after.slot, after.account_id, after.post_id]
            pipeline.append({"$match": {"$expr": {"$gt": [order, last]}}})
        pipeline += [
            {"$sort": _ORDER},
            {"$limit": limit},
            {"$unset": "_id"},
        ]
        with mongo_errors():
            return [_without_obsolete_reasons(row) for row in self._log.aggregate(pipeline, allowDiskUse=True)]

    def stream(self, scope: Mapping[str, Any], start: datetime, end: datetime) -> Generator[Document, None, None]:
        """Yield all effective observations of slots in `[start, end)`, oldest first, in flat memory.

        Each UTC day is one query, as of one instant. A caller that stops reading closes the generator, which ends the
        query.
        """
        match = {f"metadata.{name}": value for name, value in scope.items()}
        low = start
        while low < end:
            high = min(midnight(low.date()) + DAY, end)
            pipeline: list[Document] = [
                {"$match": {**match, "timestamp": {"$gte": low, "$lt": high}}},
                # One sort takes half the time of `EFFECTIVE`, which needs two sorts with a group between them.
                {"$sort": {**_ORDER, "collectedAt": 1, "_id": 1}},
                {"$unset": "_id"},
            ]
            with (
                mongo_errors(),
                self._log.database.client.start_session(snapshot=True) as session,
                self._log.aggregate(pipeline, session=session, allowDiskUse=True, batchSize=_READ) as cursor,
            ):
                yield from _effective(cursor)
            low = high

    def latest(self, post_ids: Sequence[str]) -> dict[str, Document]:
        """Return the last known value of every metric of posts: `{postId: {metrics, timestamp, collectedAt}}`.

        A metric that the newest slot lacks keeps the value of the slot before; `timestamp` is the newest slot.
        """
        pipeline: list[Document] = [
            {"$match": {"metadata.postId": {"$in": list(post_ids)}}},
            {"$sort": {"timestamp": 1, "collectedAt": 1, "_id": 1}},
            {
                "$group": {
                    "_id": "$metadata.postId",
                    "timestamp": {"$last": "$timestamp"},
                    "collectedAt": {"$last": "$collectedAt"},
                    "metrics": {"$mergeObjects": "$metrics"},
                    "unavailable": {"$last": "$unavailable"},
                }
            },
        ]
        with mongo_errors():
            return {row.pop("_id"): row for row in self._log.aggregate(pipeline, allowDiskUse=True)}

    def levels(self, places: Collection[tuple[str, datetime]], name: str) -> dict[tuple[str, datetime], int | float]:
        """Return a level of accounts, for pairs of an account and a slot; pairs without a value are left out."""
        if not places:
            return {}
        pipeline: list[Document] = [
            {
                "$match": {
                    "metadata.accountId": {"$in": sorted({account_id for account_id, _ in places})},
                    "metadata.metricType": "account",
                    "timestamp": {"$in": sorted({slot for _, slot in places})},
                }
            },
            {"$match": {"$expr": {"$isNumber": f"$metrics.{name}"}}},
            {"$sort": {"collectedAt": 1, "_id": 1}},
            {
                "$group": {
                    "_id": {"account": "$metadata.accountId", "slot": "$timestamp"},
                    "level": {"$last": f"$metrics.{name}"},
                }
            },
        ]
        with mongo_errors():
            rows = list(self._log.aggregate(pipeline, allowDiskUse=True))
        found = {(row["_id"]["account"], row["_id"]["slot"]): row["level"] for row in rows}
        return {place: level for place, level in found.items() if place in places}

    def last_levels(self, account_id: str, start: datetime, end: datetime) -> Document:
        """Return the last known value of every level of an account in the slots of `[start, end)`, by metric."""
        subject = {"metadata.accountId": account_id, "metadata.metricType": "account"}
        pipeline: list[Document] = [
            {"$match": {**subject, "timestamp": {"$gte": start, "$lt": end}}},
            {"$sort": {"timestamp": 1, "collectedAt": 1, "_id": 1}},
            {"$group": {"_id": None, "metrics": {"$mergeObjects": "$metrics"}}},
        ]
        with mongo_errors():
            found: Document = next((row["metrics"] for row in self._log.aggregate(pipeline)), {})
        return {name: value for name, value in found.items() if name in LEVELS}

    def ever_observed(self, post_ids: Sequence[str]) -> set[str]:
        """Return which of these posts have any observation."""
        if not post_ids:
            return set()
        pipeline: list[Document] = [
            {"$match": {"metadata.postId": {"$in": list(post_ids)}}},
            {"$group": {"_id": "$metadata.postId"}},
        ]
        with mongo_errors():
            return {row["_id"] for row in self._log.aggregate(pipeline)}

    def silent_posts(self, workspace_id: str, before: datetime) -> list[str]:
        """Return the posts of a workspace whose newest observation is of a slot before an instant."""
        pipeline: list[Document] = [
            {"$match": {"metadata.workspaceId": workspace_id, "metadata.postId": {"$exists": True}}},
            {"$group": {"_id": "$metadata.postId", "newest": {"$max": "$timestamp"}}},
            {"$match": {"newest": {"$lt": before}}},
        ]
        with mongo_errors():
            return [row["_id"] for row in self._log.aggregate(pipeline, allowDiskUse=True)]

    def of_account(self, account_id: str, slots: Sequence[datetime]) -> dict[datetime, Mapping[str, Any]]:
        """Return the effective metrics of an account itself in some slots, by slot; slots without any are left out."""
        if not slots:
            return {}
        # MongoDB needs the bounds to select buckets; the list alone is not enough.
        within = {"$in": list(slots), "$gte": min(slots), "$lte": max(slots)}
        match = {"metadata.accountId": account_id, "metadata.metricType": "account", "timestamp": within}
        with mongo_errors():
            rows = self._log.aggregate([{"$match": match}, *EFFECTIVE, {"$project": {"timestamp": 1, "metrics": 1}}])
            return {row["timestamp"]: row["metrics"] for row in rows}

    def of_posts(
        self, account_id: str, slots: Sequence[datetime]
    ) -> dict[str, dict[datetime, Mapping[str, int | float]]]:
        """Return the effective metrics of an account's posts in some slots, by post and slot."""
        within = {"$in": list(slots), "$gte": min(slots), "$lte": max(slots)}
        match = {"metadata.accountId": account_id, "metadata.postId": {"$exists": True}, "timestamp": within}
        shown = {"timestamp": 1, "metrics": 1, "metadata.postId": 1}
        found: dict[str, dict[datetime, Mapping[str, int | float]]] = {}
        with mongo_errors():
            for row in self._log.aggregate([{"$match": match}, *EFFECTIVE, {"$project": shown}]):
                found.setdefault(row["metadata"]["postId"], {})[row["timestamp"]] = row["metrics"]
        return found

    def observed_slots(
        self, scope: Mapping[str, Any], start: datetime, end: datetime, cut: Mapping[str, tuple[Span, ...]]
    ) -> dict[str, int]:
        """Count, per account, the slots in `[start, end)` in which the account itself was observed.

        A slot that has only the provider's numbers of a day does not count. `cut` limits the slots of some accounts to
        their spans.
        """
        match = {f"metadata.{name}": value for name, value in scope.items()}
        pipeline: list[Document] = [
            {"$match": {**match, "metadata.metricType": "account", "timestamp": {"$gte": start, "$lt": end}}},
            {"$match": {"$expr": {"$or": [{"$isNumber": f"$metrics.{name}"} for name in LEVELS]}}},
            {"$group": {"_id": {"a": "$metadata.accountId", "s": "$timestamp"}}},
            *_within(cut),
            {"$group": {"_id": "$_id.a", "slots": {"$sum": 1}}},
        ]
        with mongo_errors():
            return {row["_id"]: row["slots"] for row in self._log.aggregate(pipeline)}

    def aggregate(self, stages: Sequence[Document]) -> CommandCursor[Document]:
        """Run an aggregation over all stored observations, of which several may be of one (subject, slot).

        Errors that occur while the caller reads the cursor are PyMongo's: use `mongo_errors` around the reading.
        """
        with mongo_errors():
            return self._log.aggregate(stages, allowDiskUse=True)

    def oldest_slot(self, workspace_id: str) -> datetime | None:
        """Return the oldest slot with an observation of a workspace, or None if there is none."""
        with mongo_errors():
            row = self._log.find_one({"metadata.workspaceId": workspace_id}, {"timestamp": 1}, sort=[("timestamp", 1)])
        return row["timestamp"] if row else None

    def newest_slot(self, scope: Mapping[str, Any]) -> datetime | None:
        """Return the newest slot with an observation within `scope`, or None if there is none."""
        match = {f"metadata.{name}": value for name, value in scope.items()}
        with mongo_errors():
            row = self._log.find_one(match, {"timestamp": 1}, sort=[("timestamp", -1)])
        return row["timestamp"] if row else None


def _within(cut: Mapping[str, tuple[Span, ...]]) -> list[Document]:
    """Return a stage that drops slots outside the spans of the accounts in `cut`, of which there are few."""
    if not cut:
        return []
    accounts: dict[tuple[Span, ...], list[str]] = {}
    for account_id, spans in cut.items():
        accounts.setdefault(spans, []).append(account_id)
    inside = [
        {"_id.a": {"$in": ids}, "_id.s": {"$gte": first, "$lt": last}}
        for spans, ids in accounts.items()
        for first, last in spans
    ]
    return [{"$match": {"$or": [{"_id.a": {"$nin": list(cut)}}, *inside]}}]


def _effective(rows: Iterable[Document]) -> Iterator[Document]:
    """Merge rows as `EFFECTIVE` does; the rows are sorted by position and `collectedAt`."""
    for _, observations in groupby(rows, _subject_and_slot):
        yield _without_obsolete_reasons(reduce(_merge, observations))


def _subject_and_slot(row: Document) -> tuple[Any, ...]:
    metadata = row["metadata"]
    return row["timestamp"], metadata["accountId"], metadata.get("postId")


def _merge(older: Document, newer: Document) -> Document:
    return {**newer, **{name: {**older.get(name, {}), **newer.get(name, {})} for name in ("metrics", "unavailable")}}


def _without_obsolete_reasons(row: Document) -> Document:
    """Drop reasons for metrics whose value another observation of the slot has."""
    unavailable = row.pop("unavailable", None) or {}
    reasons = {name: reason for name, reason in unavailable.items() if name not in row["metrics"]}
    return {**row, "unavailable": reasons} if reasons else row


def position(document: Document) -> Position:
    """Return the sort position of an observation."""
    metadata = document["metadata"]
    return Position(document["timestamp"], metadata["accountId"], metadata.get("postId", ""))
