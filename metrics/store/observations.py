"""The log: append, and read what counts of it.

Nothing is updated or deleted. For each (subject, slot, metric) the value with the newest `collectedAt` counts; a metric
that the newer observation lacks keeps the older value (docs/metrics.md, 2).
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from itertools import groupby, islice
from typing import Any

from pymongo.database import Database

from metrics.catalog import metrics_of
from metrics.documents import Document, Observation
from metrics.expected import Span
from metrics.periods import DAY, HOUR, midnight
from metrics.store.errors import mongo_errors
from metrics.store.setup.schema import METRICS

BATCH = 2000
"""Observations per insert: beyond 1,000 the time per observation no longer falls."""

LEVELS = tuple(metric.name for metric in metrics_of("account", "gauge"))
"""An account was observed in a slot that has one of these."""

_READ = 500
"""Observations per batch of a stream: what is in memory at once."""

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
"""Stages that merge the observations of a (subject, slot) into the one that counts."""

_ORDER = {"timestamp": 1, "metadata.accountId": 1, "metadata.postId": 1}


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the order of reads is slot, then account, then post (accounts before their posts)."""

    slot: datetime
    account_id: str
    post_id: str


class ObservationLog:
    """Reads and appends of the time series `metrics`."""

    def __init__(self, db: Database[Document]) -> None:
        self._log = db[METRICS]

    def append(self, observations: Iterable[Observation]) -> int:
        """Append observations, sorted by series and time, and return how many; on disk at a majority when it returns.

        Raises:
            MongoUnavailable: MongoDB does not answer; what was appended before stays, appending again changes nothing.
        """
        ordered = sorted(observations, key=lambda o: (o.workspace_id, o.account_id, o.post_id or "", o.slot))
        documents = (o.document() for o in ordered)
        written = 0
        with mongo_errors():
            while batch := list(islice(documents, BATCH)):
                self._log.insert_many(batch, ordered=False)
                written += len(batch)
        return written

    def page(
        self, scope: Mapping[str, Any], start: datetime, end: datetime, *, limit: int, after: Position | None = None
    ) -> list[Document]:
        """Return up to `limit` observations that count, oldest first, of slots in `[start, end)`.

        `scope` names the subjects by fields of `metadata`, `{"workspaceId": "w1", "platform": "instagram"}`; the
        workspace, the account or the post has to be in it. `after` continues behind the last one of a page.
        """
        found: list[Document] = []
        low = max(start, after.slot) if after else start
        # The order is by time, the log by series: hours are read in growing steps, so that a page costs a page.
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
            return [_known(row) for row in self._log.aggregate(pipeline, allowDiskUse=True)]

    def stream(self, scope: Mapping[str, Any], start: datetime, end: datetime) -> Generator[Document, None, None]:
        """Yield all observations that count of slots in `[start, end)`, oldest first, in flat memory.

        A UTC day is one query, as of one instant; who stops reading closes the generator, and the query ends.
        """
        match = {f"metadata.{name}": value for name, value in scope.items()}
        low = start
        while low < end:
            high = min(midnight(low.date()) + DAY, end)
            pipeline: list[Document] = [
                {"$match": {**match, "timestamp": {"$gte": low, "$lt": high}}},
                # One sort instead of two and a group between them: half of the time.
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

    def of_account(self, account_id: str, slots: Sequence[datetime]) -> dict[datetime, Mapping[str, Any]]:
        """Return the values that count of an account itself in some slots, by slot; slots without any are left out."""
        if not slots:
            return {}
        # The bounds let MongoDB choose buckets; the list alone does not.
        within = {"$in": list(slots), "$gte": min(slots), "$lte": max(slots)}
        match = {"metadata.accountId": account_id, "metadata.metricType": "account", "timestamp": within}
        with mongo_errors():
            rows = self._log.aggregate([{"$match": match}, *EFFECTIVE, {"$project": {"timestamp": 1, "metrics": 1}}])
            return {row["timestamp"]: row["metrics"] for row in rows}

    def observed_slots(
        self, scope: Mapping[str, Any], start: datetime, end: datetime, cut: Mapping[str, tuple[Span, ...]]
    ) -> dict[str, int]:
        """Count, per account, the slots in `[start, end)` in which the account itself was observed.

        A slot that holds the provider's numbers of a day alone does not count. Of the accounts in `cut` only slots
        within their spans do.
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

    def newest_slot(self, scope: Mapping[str, Any]) -> datetime | None:
        """Return the newest slot with an observation within `scope`, or None where there is none."""
        match = {f"metadata.{name}": value for name, value in scope.items()}
        with mongo_errors():
            row = self._log.find_one(match, {"timestamp": 1}, sort=[("timestamp", -1)])
        return row["timestamp"] if row else None


def _within(cut: Mapping[str, tuple[Span, ...]]) -> list[Document]:
    """Return a stage that keeps of some accounts the slots within their spans. Few accounts differ in their spans."""
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
    """Merge what `EFFECTIVE` does, of rows in the order of reads and of `collectedAt`."""
    for _, said in groupby(rows, _subject_and_slot):
        yield _known(reduce(_over, said))


def _subject_and_slot(row: Document) -> tuple[Any, ...]:
    metadata = row["metadata"]
    return row["timestamp"], metadata["accountId"], metadata.get("postId")


def _over(older: Document, newer: Document) -> Document:
    return {**newer, **{name: {**older.get(name, {}), **newer.get(name, {})} for name in ("metrics", "unavailable")}}


def _known(row: Document) -> Document:
    """Drop the reasons of what another observation of the slot knew."""
    said = row.pop("unavailable", None) or {}
    reasons = {name: reason for name, reason in said.items() if name not in row["metrics"]}
    return {**row, "unavailable": reasons} if reasons else row


def position(document: Document) -> Position:
    """Return where in the order of reads an observation stands."""
    metadata = document["metadata"]
    return Position(document["timestamp"], metadata["accountId"], metadata.get("postId", ""))
