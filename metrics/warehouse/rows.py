"""Read the rows of a day from MongoDB, with the keys that `table.Field.source` names."""

from collections.abc import Collection, Generator, Iterator, Mapping
from datetime import date
from typing import Any

import orjson

from metrics.calendars import UTC_CALENDAR
from metrics.documents import Document
from metrics.export.rows import Row, to_row
from metrics.store import Store
from metrics.warehouse.table import FactSource, Table

_OF_POST = ("workspaceId", "accountId", "postId", "platform", "metricType", "contentType", "observedSlots",
            "definitionVersion", "computedAt", "runId")  # fmt: skip
_ENTRY = ("open", "close", "net")


def read_rows(
    store: Store, table: Table, workspace_id: str, day: date, left_out: Collection[str] = ()
) -> Iterator[Row]:
    """Yield the rows of a day, as of one instant, in flat memory; without those of the accounts in `left_out`.

    The day is one in UTC for observations, and one of the workspace's calendar for rollups.

    Raises:
        ValueError: the table is no table of facts.
        MongoUnavailable: MongoDB does not answer.
    """
    source = table.source
    if source is None:
        raise ValueError(f"{table.name} has no days")
    documents = _documents(store, source, workspace_id, day)
    counters = frozenset(field.source.split("|")[0] for field in table.fields if "|" in field.source)
    try:
        for document in documents:
            if left_out and document.get("metadata", document)["accountId"] in left_out:
                continue
            row = _post_row(document, counters) if source == "posts" else _row(source, document)
            row["date"] = day
            yield row
    finally:
        documents.close()


def _documents(store: Store, source: FactSource, workspace_id: str, day: date) -> Generator[Any, None, None]:
    if source == "observations":
        return store.observations.stream({"workspaceId": workspace_id}, *UTC_CALENDAR.span("daily", day).bounds)
    calendar = store.calendars.get(workspace_id).current
    read = store.rollups.stream if source == "accounts" else store.rollups.stream_posts
    return read(workspace_id, "daily", *calendar.span("daily", day).bounds, calendar.version)


def _row(source: FactSource, document: Document) -> Row:
    if source == "accounts":
        return to_row("aggregated")(document)
    row = to_row("metrics")(document)
    row["subjectId"] = row.get("postId") or row["accountId"]
    return row


def _post_row(document: Document, counters: Collection[str]) -> Row:
    row: Row = {name: document[name] for name in _OF_POST if document.get(name) is not None}
    row.setdefault("postId", document["subjectId"])
    other: dict[str, Any] = {}
    for name, entry in document["metrics"].items():
        if name in counters and _fits(entry):
            row |= {f"{name}|{part}": int(entry[part]) for part in _ENTRY if entry.get(part) is not None}
            row[f"{name}|baseline"] = bool(entry.get("baseline"))
        else:
            other[name] = entry
    if other:
        row["otherMetrics"] = orjson.dumps(other, default=str, option=orjson.OPT_SORT_KEYS).decode()
    return row


def _fits(entry: Mapping[str, Any]) -> bool:
    """Tell whether all values of an entry are whole numbers of 64 bits."""
    values = [entry.get(part) for part in _ENTRY]
    return all(
        value is None
        or (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and value == int(value)
            and abs(value) < 2**63
        )
        for value in values
    )
