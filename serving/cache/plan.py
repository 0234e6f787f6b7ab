"""Read plans: the key of a read's answer in the cache, and the function that computes the answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from serving.cache.states import State

Kind = Literal["metrics", "aggregated", "posts", "accounts"]


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
