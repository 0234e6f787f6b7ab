"""Group commit: what several threads ask of a server at the same time is one command."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

from metrics.errors import MongoUnavailable

T = TypeVar("T")
R = TypeVar("R")


class Grouped(Generic[T, R]):
    """A function that is called by many threads, and works on the arguments of all that wait at once; thread-safe.

    `work` takes a list of arguments and returns their results in the same order. The first caller works at once, on its
    own argument alone. The arguments of callers that come meanwhile are the next group, so groups grow with the load,
    and nobody waits when there is none. Each call is worked on after it was made: a read is as fresh as one of its own,
    and a write is acknowledged when the call returns.

    If `work` fails for a group, it is called for each argument alone, so that an argument that cannot be worked on
    fails only its own caller. `work` must therefore be repeatable. Where MongoDB does not answer, it would not answer
    the others either, and the whole group fails.
    """

    def __init__(self, work: Callable[[list[T]], Sequence[R]]) -> None:
        self._work = work
        self._lock = Lock()
        self._waiting: list[_Call[T, R]] = []
        self._busy = False

    def __call__(self, argument: T) -> R:
        """Return the result of one argument; raises what `work` raises."""
        call = _Call[T, R](argument)
        with self._lock:
            self._waiting.append(call)
            leads = not self._busy
            self._busy = True
        if not leads:
            # Released when the call was worked on, or when it is this thread's turn to work on the next group.
            call.turn.acquire()
        if not call.done:
            self._lead()
        if call.error is not None:
            raise call.error
        return call.results[0]

    def _lead(self) -> None:
        """Work on all waiting calls, this thread's among them; hand the next group to the first of its callers."""
        with self._lock:
            group, self._waiting = self._waiting, []
        try:
            self._answer(group)
        finally:
            for call in group:
                if not call.done:  # The leading thread was interrupted, which is no fault of those that wait for it.
                    call.done, call.error = True, MongoUnavailable("the command was interrupted; try again")
            with self._lock:
                following = self._waiting[:1]
                self._busy = bool(following)
            for call in (*group, *following):
                call.turn.release()

    def _answer(self, group: list["_Call[T, R]"]) -> None:
        try:
            found = self._work([call.argument for call in group])
        except Exception as error:  # noqa: BLE001
            # It is raised to each caller whom it concerns.
            if len(group) == 1 or isinstance(error, MongoUnavailable):
                for call in group:
                    call.done, call.error = True, error
                return
            for call in group:
                self._answer([call])
            return
        for call, result in zip(group, found, strict=True):
            call.done, call.results = True, [result]


def _taken() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(eq=False, slots=True)
class _Call(Generic[T, R]):
    """A call that waits; `results` has its result once it was worked on without an error."""

    argument: T
    turn: Lock = field(default_factory=_taken)
    done: bool = False
    error: Exception | None = None
    results: list[R] = field(default_factory=list)
