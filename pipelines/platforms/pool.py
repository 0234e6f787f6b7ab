"""Batching of requests of several threads into common calls, in the way of a data loader.

Threads that read accounts hand in keys (ids of channels, of videos) and wait. As soon as enough keys for a full call
are there, one of the waiting threads sends it for all of them. A call that is not full is sent only if no further
thread can add keys, or after a maximum wait.

Failures stay local. A call is sent with the credentials of one of the waiting accounts; if the platform refuses these,
another account's are used. If it refuses the request, the keys are halved until the refused key is alone.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import (
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    RateLimited,
    RequestRefused,
)

T = TypeVar("T")

IDLE_SECONDS = 0.02
"""How long no key may have been added before a call that is not full is sent, although nobody can add more."""

LONGEST_WAIT_SECONDS = 3.0
"""How long a key waits at most for a full call."""

MOST_LENDERS = 3
"""Maximum number of accounts whose credentials are tried for one call that fails for another reason than these."""

Fetch = Callable[[Sequence[str], Access, Tally], Mapping[str, T | PlatformError]]
"""Sends one call for some keys with the credentials of one account; returns the values that the answer contains, or the
error of a single key."""


class Readers:
    """Counts the threads that may add keys: those within `reading`, and those that will still begin an account."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._inside = self._outside = 0
        self._threads = 1
        self._waiting: dict[object, int] = {}

    def expect(self, accounts: int, threads: int) -> None:
        """Take note that so many accounts are going to be read, in so many threads."""
        with self.changed:
            self._outside, self._threads = accounts, threads

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Count the calling thread while it reads an account."""
        with self.changed:
            self._inside += 1
            self._outside = max(self._outside - 1, 0)
        try:
            yield
        finally:
            with self.changed:
                self._inside -= 1
                self.changed.notify_all()

    @contextmanager
    def waiting(self, pool: object) -> Iterator[None]:
        """Count the calling thread as one that waits in a pool; `changed` must be held."""
        self._waiting[pool] = self._waiting.get(pool, 0) + 1
        try:
            yield
        finally:
            self._waiting[pool] -= 1

    def nobody_adds(self, pool: object, *, patient: bool) -> bool:
        """Tell whether every thread that could add keys waits itself; `changed` must be held.

        A `patient` pool takes account of the threads that wait in other pools: they may add keys to it afterwards.
        """
        waiting = self._waiting.get(pool, 0) if patient else sum(self._waiting.values())
        busy = self._inside + min(self._outside, max(self._threads - self._inside, 0))
        return waiting >= busy


@dataclass
class Loaded(Generic[T]):
    """The result for some keys: the values, and the error of each key that could not be read.

    A key in neither is one that the platform's answer does not contain.
    """

    values: dict[str, T] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)


@dataclass(eq=False)
class _Ticket(Generic[T]):
    """One key in a queue, with the accounts that wait for it."""

    key: str
    lenders: list[Access]
    since: float
    found: list[T] = field(default_factory=list)
    error: Exception | None = None
    done: bool = False

    def take(self, answered: Mapping[str, T | PlatformError]) -> None:
        """Take the value, or the error, that an answer has for the key, if it has any."""
        value = answered.get(self.key)
        if isinstance(value, PlatformError):
            self.error = value
        elif value is not None:
            self.found.append(value)


class Pool(Generic[T]):
    """Collects keys of several threads into calls of at most `size` keys; thread-safe.

    `shared` are credentials that are used before those of the accounts, such as an API key. A `patient` pool waits
    longer for full calls (`Readers.nobody_adds`).
    """

    def __init__(
        self, fetch: Fetch[T], readers: Readers, size: int, *, shared: Access | None = None, patient: bool = False
    ) -> None:
        self._fetch, self._readers, self._size = fetch, readers, size
        self._shared, self._patient = shared, patient
        self._queue: dict[str, _Ticket[T]] = {}
        self._newest = 0.0
        self._refused: set[str] = set()
        """Tokens that were refused: other accounts' calls no longer use them."""

    def load(self, keys: Iterable[str], access: Access, tally: Tally) -> Loaded[T]:
        """Return the values of keys, once they were read together with those of other threads.

        The thread that sends a call counts it in its `tally`.
        """
        changed = self._readers.changed
        with changed:
            tickets = [self._ticket(key, access) for key in dict.fromkeys(keys)]
            changed.notify_all()
        while True:
            with changed:
                batch = self._next_batch(tickets)
            if not batch:
                break
            try:
                self._read(batch, tally)
            finally:
                with changed:
                    changed.notify_all()
        loaded = Loaded[T]()
        for ticket in tickets:
            if ticket.error is not None:
                loaded.errors[ticket.key] = ticket.error
            elif ticket.found:
                loaded.values[ticket.key] = ticket.found[0]
        return loaded

    def _ticket(self, key: str, access: Access) -> _Ticket[T]:
        self._newest = time.monotonic()
        ticket = self._queue.get(key)
        if ticket is None:
            ticket = self._queue[key] = _Ticket(key, [], self._newest)
        ticket.lenders.append(access)
        return ticket

    def _next_batch(self, tickets: Sequence[_Ticket[T]]) -> list[_Ticket[T]]:
        """Wait until a call is due, and return its keys; return none once the given tickets are done."""
        with self._readers.waiting(self):
            # Nobody else may know yet that this thread waits, and that therefore nobody adds keys.
            self._readers.changed.notify_all()
            while not all(ticket.done for ticket in tickets):
                own = any(ticket.key in self._queue for ticket in tickets)
                wait = self._seconds_to_wait() if own else None
                if wait is not None and wait <= 0:
                    batch = list(self._queue.values())[: self._size]
                    for ticket in batch:
                        del self._queue[ticket.key]
                    return batch
                self._readers.changed.wait(wait)
        return []

    def _seconds_to_wait(self) -> float:
        """Return how long to wait for more keys before a call is sent."""
        if len(self._queue) >= self._size:
            return 0.0
        now = time.monotonic()
        longest = next(iter(self._queue.values())).since + LONGEST_WAIT_SECONDS - now
        if self._readers.nobody_adds(self, patient=self._patient):
            return min(self._newest + IDLE_SECONDS - now, longest)
        return longest

    def _read(self, batch: list[_Ticket[T]], tally: Tally) -> None:
        """Read a batch, and mark its tickets as done whatever happens."""
        try:
            self._read_with_lenders(batch, tally)
        except Exception as error:  # noqa: BLE001
            # An error of any class is handed to all waiting threads, which would wait for ever otherwise; each of them
            # raises it for its own account.
            for ticket in batch:
                if not ticket.done:
                    ticket.error = error
        finally:
            for ticket in batch:
                ticket.done = True

    def _read_with_lenders(self, batch: list[_Ticket[T]], tally: Tally) -> None:
        """Send the call with one account's credentials after the other, until the platform answers it.

        Raises:
            RateLimited: a limit of the whole app was met.
            RequestRefused: the platform refuses the only key.
        """
        errors, left = dict[str, PlatformError](), MOST_LENDERS
        for lender in self._lenders(batch):
            try:
                found = self._fetch([ticket.key for ticket in batch], lender, tally)
            except RequestRefused:
                if len(batch) == 1:
                    raise
                self._halve(batch, tally)
                return
            except PlatformError as error:
                left -= self._judge(error, lender)
                errors[_secret(lender)] = error
                if left == 0:
                    break
                continue
            for ticket in batch:
                ticket.take(found)
            return
        last = list(errors.values())[-1]
        for ticket in batch:
            own = (errors[_secret(one)] for one in ticket.lenders if _secret(one) in errors)
            ticket.error = next(own, last)

    def _judge(self, error: PlatformError, lender: Access) -> int:
        """Return 0 if an error concerns the credentials alone, 1 if other credentials may fail in the same way.

        Raises:
            RateLimited: the error is a limit of the whole app.
        """
        if isinstance(error, RateLimited):
            if error.scope == "app":
                raise error
            return 0
        if isinstance(error, NeedsReauth | PermissionMissing):
            self._refused.add(_secret(lender))
            return 0
        return 1

    def _halve(self, batch: list[_Ticket[T]], tally: Tally) -> None:
        """Read the halves of a batch that was refused as a whole, so that a refused key fails alone in the end."""
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            self._read(half, tally)

    def _lenders(self, batch: Iterable[_Ticket[T]]) -> list[Access]:
        """Return the credentials to try: the shared ones, then the accounts', of which refused ones come last."""
        of_accounts = {_secret(access): access for ticket in batch for access in ticket.lenders}
        refused = {name: access for name, access in of_accounts.items() if name in self._refused}
        shared = [self._shared] if self._shared is not None and _secret(self._shared) not in self._refused else []
        return [*shared, *(access for name, access in of_accounts.items() if name not in refused), *refused.values()]


def _secret(access: Access) -> str:
    """Return the token or API key, by which credentials are told apart."""
    return str(access.credentials.get("access_token") or access.credentials.get("api_key"))
