"""Read plans: the key of an answer in the cache, the state of its workspace, and the function that computes it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "metrics",
    "aggregated",
    "series",
    "forecasts",
    "anomalies",
    "decay",
    "best-times",
    "outlooks",
    "posts",
    "accounts",
    "benchmarks",
]


@dataclass(frozen=True, slots=True)
class State:
    """A workspace's `dataVersion`, the id of its newest event, and a count that moves when its cache is cleared.

    Version and cursor are None while Redis is away.
    """

    version: str | None
    cursor: str | None
    cleared: bytes = b""


AWAY = State(None, None)


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """The key of an answer: the workspace, the kind of read, and a digest of its path and parameters."""

    workspace_id: str
    kind: Kind
    digest: str


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """A read that can be answered: `read` computes the body, as JSON, from the data at a state."""

    key: AnswerKey
    read: Callable[[State], Awaitable[bytes]]
