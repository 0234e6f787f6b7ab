"""Redis: connections and the names of keys.

Every key carries the hash tag `{workspaceId}`, so that a workspace lives in one slot of a cluster and scripts over
several of its keys are allowed there.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, ReadOnlyError, TimeoutError  # noqa: A004
from redis.retry import Retry

from metrics.errors import RedisUnavailable, SettingsError
from metrics.settings import Settings

RETRIES = 3
SOCKET_TIMEOUT = 5.0


def backoff() -> ExponentialWithJitterBackoff:
    """Return the waits between tries of a command: up to 50, 100, 200 ms."""
    return ExponentialWithJitterBackoff(base=0.05, cap=0.5)


def connect(settings: Settings) -> "Redis":
    """Return a synchronous client; nothing is asked of the server yet.

    Raises:
        SettingsError: TIDEMARK_REDIS_URL is not set.
    """
    return Redis.from_url(redis_url(settings), **client_options(), retry=Retry(backoff(), RETRIES))


def redis_url(settings: Settings) -> str:
    """Return the URL of Redis.

    Raises:
        SettingsError: TIDEMARK_REDIS_URL is not set.
    """
    if settings.redis_url is None:
        raise SettingsError("TIDEMARK_REDIS_URL: set it, or run `tidemark up`, which starts a Redis of its own")
    return settings.redis_url


def client_options() -> dict[str, float | bool]:
    """Return what synchronous and asynchronous clients have in common."""
    return {"socket_timeout": SOCKET_TIMEOUT, "socket_connect_timeout": 2.0, "decode_responses": False}


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turn what means «not now» into `RedisUnavailable`."""
    try:
        yield
    except (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, OSError) as error:
        raise RedisUnavailable("Redis does not answer; try again when it is back") from error


def version_key(workspace_id: str) -> str:
    """Return the key of a workspace's `dataVersion`."""
    return f"tm:{{{workspace_id}}}:version"


def events_key(workspace_id: str) -> str:
    """Return the key of a workspace's stream of events."""
    return f"tm:{{{workspace_id}}}:events"


def cache_prefix(workspace_id: str, pattern: str = "") -> str:
    """Return what the keys of a workspace's cached answers begin with."""
    return f"tm:{{{workspace_id}}}:cache:{pattern}"


def cache_key(workspace_id: str, kind: str, digest: str, version: str) -> str:
    """Return the key of one cached answer."""
    return f"{cache_prefix(workspace_id)}{kind}:{digest}:{version}"
