"""The open streaming connections of this process: at most so many per key, and only while the key is valid."""

import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from metrics.clock import utcnow
from metrics.errors import MongoUnavailable
from metrics.store.api_keys import ApiKey
from serving.process.measures import STREAMS
from serving.wire.problems import Problem

log = logging.getLogger(__name__)

RETRY_AFTER = "30"


@dataclass(eq=False, slots=True)
class Client:
    """One open connection and its key; `end` asks the connection to close.

    `ticket` is the Redis key of the ticket with which the client may reconnect, if it has one.
    """

    key: ApiKey
    end: Callable[[], None]
    ticket: str | None = None


class OpenStreams:
    """The open connections of this process, by key."""

    def __init__(self, per_key: int, still_valid: Callable[[Collection[ApiKey]], Awaitable[set[ApiKey]]]) -> None:
        self._per_key = per_key
        self._still_valid = still_valid
        self._by_key: dict[str, set[Client]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))

    def refuse_above_limit(self, key: ApiKey) -> None:
        """Refuse another connection if the key already has the most that it may have.

        Raises:
            Problem: 429, the key has too many connections.
        """
        if len(self._by_key.get(key.key_id, ())) >= self._per_key:
            detail = (
                f"This key has {self._per_key} open streams, the most allowed (TIDEMARK_STREAMS_PER_KEY); close one."
            )
            raise Problem(429, detail, headers={"Retry-After": RETRY_AFTER})

    def enter(self, key: ApiKey, end: Callable[[], None], ticket: str | None = None) -> Client:
        """Register a connection; the caller must call `leave` when it ends."""
        client = Client(key, end, ticket)
        self._by_key.setdefault(key.key_id, set()).add(client)
        STREAMS.inc()
        return client

    def leave(self, client: Client) -> None:
        """Remove a connection; a second call does nothing."""
        held = self._by_key.get(client.key.key_id)
        if held is not None and client in held:
            STREAMS.dec()
            held.discard(client)
            if not held:
                del self._by_key[client.key.key_id]

    async def end_invalid(self) -> None:
        """End the connections of keys that were revoked, expired or lost a right; one query checks all keys.

        All tokens of one subject share one key id and one limit, but each token's connections end when it expires.
        """
        clients = [client for held in self._by_key.values() for client in held]
        keys = {client.key for client in clients}
        try:
            valid = await self._still_valid(keys) if keys else set()
        except MongoUnavailable:
            valid = {key for key in keys if key.valid(utcnow())}
        invalid = [client for client in clients if client.key not in valid]
        if invalid:
            log.info("ending %d streams whose keys are no longer valid", len(invalid))
        for client in invalid:
            client.end()

    def tickets(self) -> set[str]:
        """Return the Redis keys of the tickets with which open connections may reconnect."""
        return {client.ticket for held in self._by_key.values() for client in held if client.ticket is not None}

    def end_all(self) -> None:
        """End every connection."""
        for held in list(self._by_key.values()):
            for client in list(held):
                client.end()
