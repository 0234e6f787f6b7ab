"""Convert errors of redis-py into Tidemark's errors."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    LockError,
    OutOfMemoryError,
    RedisClusterException,
    RedisError,
    ResponseError,
)

from metrics.errors import RedisFull, RedisUnavailable

_REFUSES_WRITES = re.compile(r"\b(MISCONF|NOREPLICAS)\b")
_OUT_OF_MEMORY = "OOM command not allowed"
_CODE = re.compile(r"[A-Z]{2,}\b")


@contextmanager
def redis_errors() -> Iterator[None]:
    """Raise every failure of a command as `RedisUnavailable`, and rejected writes as its subclass `RedisFull`.

    A caller can do the same about a server that is away, one that runs a long script (BUSY), loads its data (LOADING),
    denies the command (NOPERM, NOAUTH) or sends something that is no answer: go on without Redis and try again later.
    The message names the error code of Redis, but not its text, which may hold arguments of the command.

    Raises:
        LockError: a lock of redis-py has expired or belongs to another process; this is an answer, not a failure.
    """
    try:
        yield
    except LockError:
        raise
    except OutOfMemoryError as error:
        raise RedisFull("Redis is full; give it more memory (maxmemory)") from error
    except (AuthenticationError, AuthenticationWrongNumberOfArgsError) as error:
        raise RedisUnavailable("Redis refuses the login: check the password in TIDEMARK_REDIS_URL") from error
    except ResponseError as error:
        raise _refused(error) from error
    except (RedisError, RedisClusterException, OSError) as error:
        raise RedisUnavailable("Redis does not answer; try again when it is back") from error
    except Exception as error:
        if not _raised_by_redis_py(error):
            raise
        raise RedisUnavailable("what listens at TIDEMARK_REDIS_URL sent no answer of a Redis server") from error


def _raised_by_redis_py(error: Exception) -> bool:
    """Tell whether an error comes from redis-py, which parses answers without checking their form."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == "redis"


def _refused(error: ResponseError) -> RedisUnavailable:
    text = str(error)
    if _OUT_OF_MEMORY in text:
        return RedisFull("Redis is full; give it more memory (maxmemory)")
    # Redis 6 puts the error of a command that a script called into the middle of a longer text.
    if _REFUSES_WRITES.search(text):
        return RedisFull("Redis accepts no writes: its disk or its replicas have failed")
    # redis-py removes the codes that it knows from the text, and has a class for each of them.
    code = _CODE.match(text)
    return RedisUnavailable(f"Redis refuses a command ({code.group() if code else type(error).__name__}); try again")
