"""Events as server-sent events: their bytes are encoded once and shared by all clients."""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from metrics.clock import isoformat, utcnow
from metrics.periods import PERIODS
from serving.process.measures import MALFORMED
from serving.schemas.events import ResetReason

log = logging.getLogger(__name__)

RETRY = b"retry: 3000\n"
"""Sent in one block with the first event, because some clients take a separate block for an event."""
HEARTBEAT = b": heartbeat\n"
"""A comment without the empty line that ends a block, because some clients take a block without data for an event."""
RESET = "reset"
PING = "ping"
START = (0, 0)
"""The position before the first event."""
Position = tuple[int, int]
_ID = re.compile(r"[0-9]{1,20}-[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a workspace: its position, name, account and post, its data as JSON, and its bytes in a stream.

    `at` is given for a `reset` after which the events begin at another position than the client's.
    """

    position: Position
    event: str
    account_id: str
    post_id: str
    json: bytes
    data: bytes
    at: Position | None = None


def parse_id(text: str) -> Position | None:
    """Return the position that an event id names, or None if the text is not an event id."""
    if not _ID.fullmatch(text):
        return None
    milliseconds, sequence = map(int, text.split("-"))
    if max(milliseconds, sequence) >= 2**64:
        return None
    return milliseconds, sequence


def frame(workspace_id: str, entry_id: bytes, fields: Mapping[bytes, bytes]) -> Frame:
    """Return the frame of an entry of a Redis Stream."""
    milliseconds, _, sequence = entry_id.partition(b"-")
    event, json = fields[b"event"], fields[b"data"]
    if event == b"reset":
        json = orjson.dumps(_reset(workspace_id, "events_restarted"))
    data = b"id: %s\nevent: %s\ndata: %s\n\n" % (entry_id, event, json)
    position = (int(milliseconds), int(sequence))
    return Frame(position, event.decode(), fields[b"account"].decode(), fields[b"post"].decode(), json, data)


def frames(workspace_id: str, entries: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> Iterator[Frame]:
    """Yield the frames of the entries of a Redis Stream; entries that are no events are counted and skipped."""
    for entry_id, fields in entries:
        try:
            yield frame(workspace_id, entry_id, fields)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            MALFORMED.inc()
            log.warning("entry %r of the events of %s is skipped: %s", entry_id, workspace_id, type(error).__name__)


def reset(workspace_id: str, reason: ResetReason, *, at: Position | None = None) -> Frame:
    """Return a `reset` event, which tells a client to read everything again.

    With `at`, the client's position is lost and the events begin at this one. The last event id in the client is then
    cleared, because the stream no longer has it.
    """
    json = orjson.dumps(_reset(workspace_id, reason))
    head = b"" if at is None else b"id: \n"
    return Frame(START, RESET, "", "", json, b"%sevent: reset\ndata: %s\n\n" % (head, json), at)


def _reset(workspace_id: str, reason: ResetReason) -> dict[str, Any]:
    base = f"/analytics/workspace/{workspace_id}"
    rollups = [f"{base}/aggregated?period={period}" for period in PERIODS]
    refetch = [f"{base}/metrics", *rollups, f"{base}/posts", f"{base}/accounts"]
    return {"workspaceId": workspace_id, "reason": reason, "refetch": refetch}


def ping(*, away: bool = False) -> Frame:
    """Return a `ping` event with the server's time; `away` adds that events are unavailable at present."""
    json = orjson.dumps({"time": isoformat(utcnow())} | ({"events": "unavailable"} if away else {}))
    return Frame(START, PING, "", "", json, b"event: ping\ndata: %s\n\n" % json)


def says_away(item: Frame) -> bool:
    """Tell whether a frame is a `ping` that says that events are unavailable."""
    return item.event == PING and b'"unavailable"' in item.json


BEAT = Frame(START, "", "", "", b"", HEARTBEAT)
"""The heartbeat comment, which keeps a connection open."""
