"""The bytes of server-sent events, made once and shared by all clients."""

import re
from dataclasses import dataclass

import orjson

RETRY = b"retry: 3000\n"
"""Goes before the first event, in one block with it: some clients take a block of its own for an event."""
HEARTBEAT = b": heartbeat\n\n"
_ID = re.compile(r"\d{1,20}-\d{1,20}")


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a workspace: its place, what it is about, and its bytes."""

    position: tuple[int, int]
    event: str
    account_id: str
    post_id: str
    data: bytes


def parse_id(text: str) -> tuple[int, int] | None:
    """Return the place that an id names, or None where it is not one."""
    if not _ID.fullmatch(text):
        return None
    milliseconds, sequence = map(int, text.split("-"))
    if max(milliseconds, sequence) >= 2**64:
        return None
    return milliseconds, sequence


def frame(entry_id: bytes, fields: dict[bytes, bytes]) -> Frame:
    """Return the frame of an entry of a Redis Stream."""
    milliseconds, _, sequence = entry_id.partition(b"-")
    event = fields[b"event"]
    data = b"id: %s\nevent: %s\ndata: %s\n\n" % (entry_id, event, fields[b"data"])
    return Frame(
        (int(milliseconds), int(sequence)), event.decode(), fields[b"account"].decode(), fields[b"post"].decode(), data
    )


def named(event: str, data: object, event_id: str | None = None) -> bytes:
    """Return a frame that no stream keeps: `ping`, `reset`."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    return f"{head}event: {event}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"
