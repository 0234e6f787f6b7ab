"""Where a workspace's data stand."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class State:
    """The version, the id of the newest event, how often the cache was cleared. Empty while Redis is away."""

    version: str | None
    cursor: str | None
    cleared: bytes = b""


AWAY = State(None, None)
