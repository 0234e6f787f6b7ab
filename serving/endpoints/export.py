"""`GET …/export`: a file of rows, streamed while it is read, in constant memory.

If the query fails midway, the connection is cut without HTTP's final chunk, so no client takes the partial file for a
whole one.
"""

import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack

import anyio
from pymongo.errors import PyMongoError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from metrics.calendars import Calendar
from metrics.clock import utcnow
from metrics.definitions.language.forms import Form
from metrics.documents import Document
from metrics.errors import InvalidInput, TidemarkError
from metrics.export import MEDIA_TYPES, encode, read
from metrics.export.benchmarks import benchmark_rows
from metrics.export.own import with_own
from metrics.store import Store
from serving.auth import tickets
from serving.endpoints.access import download_ticket, existing_workspace, key_of
from serving.endpoints.query import ExportQuery, parse
from serving.endpoints.rollups.names import find_own
from serving.process.threads import Threads
from serving.services import services

log = logging.getLogger(__name__)

STALL_SECONDS = 120
"""How long a client may read nothing before its export is ended, because the export holds a query open."""


async def export(request: Request) -> Response:
    """Stream the observations, the daily rollups or the benchmarks of a range as a file."""
    ticket = await download_ticket(request)
    workspace_id = await existing_workspace(request, "read", ticket)
    query, parts = parse(request, ExportQuery), services(request)
    key_id = key_of(request).key_id
    calendar = (await parts.threads.run_for(key_id, parts.store.calendars.get, workspace_id)).current
    forms = await parts.threads.run_for(key_id, _forms, parts.store, workspace_id, query)
    query = query.dated(calendar)
    with ExitStack() as running:
        running.enter_context(parts.exports.running(key_of(request).key_id))
        # HEAD, and a request that is refused, leave the ticket as it is.
        if ticket and request.method != "HEAD":
            await tickets.use(parts.redis, ticket)
        documents = _documents(parts.store, workspace_id, query, calendar)
        rows, own = documents, tuple(forms)
        if own:
            accounts = await parts.threads.run_for(key_id, parts.store.accounts.connections, [workspace_id])
            rows = with_own(parts.store, workspace_id, forms, accounts, documents)
        pieces = _Pieces(parts.threads, documents, encode(query.dataset, query.format, rows, own))
        # The first piece is read before the response begins, so that an unavailable store gives a 503, not a partial
        # file.
        first_piece = await pieces.next()
        # The export counts as running until its file was sent.
        ended = running.pop_all().close
    headers = _headers(workspace_id, query)
    return _File(first_piece, pieces, ended, headers=headers, media_type=MEDIA_TYPES[query.format])


def _documents(
    store: Store, workspace_id: str, query: ExportQuery, calendar: Calendar
) -> Generator[Document, None, None]:
    """Return the documents of an export.

    Raises:
        InvalidInput: a dataset has no periods.
    """
    if query.dataset == "benchmarks":
        return benchmark_rows(store, workspace_id, query.period or "weekly", *query.days(), utcnow())
    if query.period is not None:
        raise InvalidInput("period: only the dataset benchmarks has one", "period")
    return read(store, query.dataset, workspace_id, *query.bounds(calendar))


def _forms(store: Store, workspace_id: str, query: ExportQuery) -> dict[str, Form]:
    """Return the formulas of the own metrics that an export shall have, by name.

    Raises:
        InvalidInput: there is no such metric or version, or the dataset cannot have any.
        MongoUnavailable: MongoDB does not answer.
    """
    names = query.include.split(",") if query.include else []
    if names and query.dataset != "aggregated":
        raise InvalidInput(
            f"include: the dataset {query.dataset} has no metrics of your own; export aggregated", "include"
        )
    own = find_own(store, workspace_id, names, query.at, "include")
    return {name: one.checked.form for name, one in own.items()}


def _headers(workspace_id: str, query: ExportQuery) -> Mapping[str, str]:
    first, last = query.days()
    name = f"tidemark-{workspace_id}-{query.dataset}-{first}-{last}.{query.format}".replace(":", "_")
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        # Tells proxies not to buffer: a buffering proxy would hide that a file broke off.
        "X-Accel-Buffering": "no",
    }


class _Pieces:
    """The pieces of one file, which are read in threads. `close` ends the query."""

    def __init__(
        self, threads: Threads, documents: Generator[Document, None, None], pieces: Generator[bytes, None, None]
    ) -> None:
        self._threads = threads
        self._documents = documents
        self._pieces = pieces

    async def next(self) -> bytes | None:
        """Return the next piece, or None after the last one."""
        try:
            return await self._threads.step(next, self._pieces, None)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the query; further calls do nothing."""
        with anyio.CancelScope(shield=True):
            await self._threads.step(self._close)

    def _close(self) -> None:
        self._pieces.close()
        self._documents.close()


class _File(StreamingResponse):
    """Sends the pieces of a file as they are read. Starlette cancels it when the client disconnects."""

    def __init__(
        self,
        first: bytes | None,
        pieces: _Pieces,
        ended: Callable[[], None],
        *,
        headers: Mapping[str, str],
        media_type: str,
    ) -> None:
        super().__init__((), headers=headers, media_type=media_type)
        self._first = first
        self._pieces = pieces
        self._ended = ended

    async def stream_response(self, send: Send) -> None:
        """Send the file. After a failure, return without the final chunk, upon which the server cuts the connection."""
        piece = self._first
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while piece is not None:
                with anyio.fail_after(STALL_SECONDS):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await self._pieces.next()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (TidemarkError, PyMongoError, TimeoutError) as error:
            log.warning("an export was broken off: %s", str(error) or "the client read nothing for too long")
        finally:
            self._ended()
            await self._pieces.close()
