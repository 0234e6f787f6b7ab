"""Processes whose settings ask for another retention than the database has: each notes it, for `tidemark doctor`.

The database decides, so such a process deletes nothing. But two processes with different settings mean that somebody
changed one and forgot the other, and neither the database nor the shell in which `tidemark doctor` runs shows that.
"""

import socket
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from metrics.redis.errors import redis_errors
from metrics.redis.keys import other_retention_key

if TYPE_CHECKING:
    from redis import Redis

Role = Literal["Dagster", "API"]

COMPARED_SECONDS = 3600
"""How often a process that goes on for long compares its settings; Dagster's runs do it at their beginning."""

_KEPT_SECONDS = 3 * COMPARED_SECONDS


def note(redis: "Redis", role: Role, differing: Sequence[str]) -> None:
    """Note what differs for a process of this machine; nothing differs any more where `differing` is empty.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    key = other_retention_key(f"{role} on {socket.gethostname()}")
    with redis_errors():
        if differing:
            redis.set(key, "; ".join(differing), ex=_KEPT_SECONDS)
        else:
            redis.delete(key)


def noted(redis: "Redis") -> list[str]:
    """Return a line for each process that differs: its role, its machine, and both values.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        return sorted(_lines(redis))


def _lines(redis: "Redis") -> Iterator[str]:
    prefix = other_retention_key("")
    keys: Iterator[Any] = redis.scan_iter(match=f"{prefix}*", count=1000)
    for key in keys:
        value = redis.get(key)
        if isinstance(value, bytes):
            yield f"{key.decode().removeprefix(prefix)}: {value.decode()}"
