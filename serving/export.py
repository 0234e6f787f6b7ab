"""Exports: rows as they are read, in flat memory."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from metrics.clock import isoformat
from metrics.periods import period_start
from metrics.store import Store
from serving.access import workspace
from serving.answers import encode, observation
from serving.problems import Problem
from serving.query import ExportQuery, parse
from serving.services import services

_CHUNK = 500
_COLUMNS = {
    "metrics": ("accountId", "platform", "metricType", "postId", "contentType", "timestamp", "collectedAt", "metrics",
                "unavailable"),
    "aggregated": ("accountId", "platform", "period", "periodStart", "periodEnd", "status", "aggregatedMetrics",
                   "unavailable", "coverage"),
}  # fmt: skip


async def export(request: Request) -> Response:
    """Stream the rows of a range."""
    workspace_id = await workspace(request, "read")
    query, parts = parse(request, ExportQuery), services(request)
    query.days()
    if query.format == "parquet":
        raise Problem(422, "format: this server writes csv and ndjson.", errors=[("format", "csv or ndjson")])
    rows = _rows(parts.store, workspace_id, query)
    chunks = _csv(rows, _COLUMNS[query.dataset]) if query.format == "csv" else _ndjson(rows)
    media_type = "text/csv; charset=utf-8" if query.format == "csv" else "application/x-ndjson"
    name = f"{query.dataset}.{query.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(iterate_in_threadpool(chunks), media_type=media_type, headers=headers)


def _rows(store: Store, workspace_id: str, query: ExportQuery) -> Iterator[dict[str, Any]]:
    start, end = query.bounds()
    if query.dataset == "metrics":
        for document in store.observations.stream({"workspaceId": workspace_id}, start, end):
            row = observation(document)
            yield {**row, **row["metadata"]}
        return
    found = store.rollups.aggregated(workspace_id, "daily", period_start("daily", start), end)
    for rollup in found:
        yield {name: value for name, value in rollup.items() if name != "_id"}


def _ndjson(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    lines: list[bytes] = []
    for row in rows:
        lines.append(encode(row) + b"\n")
        if len(lines) >= _CHUNK:
            yield b"".join(lines)
            lines = []
    yield b"".join(lines)


def _csv(rows: Iterable[dict[str, Any]], columns: tuple[str, ...]) -> Iterator[bytes]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(columns)
    for number, row in enumerate(rows, 1):
        writer.writerow([_cell(row.get(name)) for name in columns])
        if number % _CHUNK == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return encode(value).decode()
    text = isoformat(value) if hasattr(value, "tzinfo") else str(value)
    # A spreadsheet runs what begins so.
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
