"""Convert errors of redis-py into Tidemark's errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    ClusterError,
    ConnectionError,  # noqa: A004
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
    TimeoutError,  # noqa: A004
    TryAgainError,
)

from metrics.errors import RedisFull, RedisUnavailable

_AWAY = (
    ConnectionError,
    TimeoutError,
    BusyLoadingError,
    ReadOnlyError,
    ClusterDownError,
    ClusterError,
    RedisClusterException,
    TryAgainError,
    OSError,
)
_REFUSES_WRITES = ("MISCONF", "NOREPLICAS")


@contextmanager
def redis_errors() -> Iterator[None]:
    """Raise temporary failures as `RedisUnavailable`, and rejected writes as its subclass `RedisFull`."""
    try:
        yield
    except OutOfMemoryError as error:
        raise RedisFull("Redis is full; give it more memory (maxmemory)") from error
    except _AWAY as error:
        raise RedisUnavailable("Redis does not answer; try again when it is back") from error
    except ResponseError as error:
        text = str(error)
        if "OOM command not allowed" in text:
            raise RedisFull("Redis is full; give it more memory (maxmemory)") from error
        if text.startswith(_REFUSES_WRITES):
            raise RedisFull("Redis accepts no writes: its disk or its replicas have failed") from error
        raise
