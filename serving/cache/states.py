"""The state of a workspace's data: its version, its newest event, and how often its cache was cleared."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class State:
    """A workspace's `dataVersion`, the id of its newest event, and a count that moves when its cache is cleared.

    Version and cursor are None while Redis is away.
    """

    version: str | None
    cursor: str | None
    cleared: bytes = b""


AWAY = State(None, None)
