"""The command that each piece of work has in progress on MongoDB, which is killed if nobody waits for the work."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent


@dataclass(eq=False, slots=True)
class Work:
    """Calls of the store that run one after the other in one thread, until `ended`."""

    ended: Event = field(default_factory=Event)
    command: tuple[int, int] | None = None
    """Request id and the server's connection id of the command in progress."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the commands of this context and thread as those of this work."""
        token = _WORK.set(self)
        try:
            yield
        finally:
            _WORK.reset(token)


_WORK: ContextVar[Work | None] = ContextVar("work", default=None)


class RunningCommands(CommandListener):
    """Notes which command each piece of work has in progress. Give it to the client of MongoDB."""

    def started(self, event: CommandStartedEvent) -> None:
        """Note a command that is being sent."""
        work = _WORK.get()
        if work is not None and event.server_connection_id is not None:
            work.command = event.request_id, event.server_connection_id

    def succeeded(self, _event: CommandSucceededEvent) -> None:
        """Forget a command that was answered."""
        _forget()

    def failed(self, _event: CommandFailedEvent) -> None:
        """Forget a command that failed."""
        _forget()


def _forget() -> None:
    work = _WORK.get()
    if work is not None:
        work.command = None


def kill(client: MongoClient[Any], work: Work) -> None:
    """Kill the command that a piece of work has in progress, if any; do nothing if MongoDB does not answer.

    A user of MongoDB may kill their own operations without a further right. Behind a mongos nothing is found, because
    the shards have other connections; there the command ends with its time limit.
    """
    command = work.command
    if command is None:
        return
    try:
        admin = client.admin
        found = list(admin.aggregate([{"$currentOp": {}}, {"$match": {"connectionId": command[1], "active": True}}]))
        # A connection carries one command at a time. So the operation that was found is the noted command if that
        # command was in progress before and still is.
        for operation in found if work.command == command else ():
            admin.command("killOp", op=operation["opid"])
    except PyMongoError:
        return
