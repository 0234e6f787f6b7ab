"""Redis: connections, alone or as a cluster, and the names of keys.

Every key carries a hash tag. What belongs to a workspace has `{workspaceId}`, so that it lives in one slot of a cluster
and scripts over several of its keys are allowed there; what belongs to a platform or to all has a tag of its own.

`redis://host:6379/0` is one server, `redis+cluster://host1:6379,host2:6379` a cluster, found through any of the named
nodes; `rediss` in place of `redis` is TLS.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from redis import Redis, RedisCluster
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio import RedisCluster as AsyncRedisCluster
from redis.asyncio.cluster import ClusterNode as AsyncClusterNode
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff
from redis.cluster import ClusterNode
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
from redis.retry import Retry

from metrics.errors import RedisFull, RedisUnavailable, SettingsError
from metrics.settings import Settings

RETRIES = 3
SOCKET_TIMEOUT = 5.0
CONNECT_TIMEOUT = 2.0
POOL = 64
_CLUSTER = "+cluster"
_DEFAULT_PORT = 6379

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


def backoff() -> ExponentialWithJitterBackoff:
    """Return the waits between tries of a command: up to 50, 100, 200 ms."""
    return ExponentialWithJitterBackoff(base=0.05, cap=0.5)


def connect(settings: Settings, *, timeout: float = SOCKET_TIMEOUT, retries: int = RETRIES) -> "Redis":
    """Return a synchronous client; nothing is asked of a single server yet.

    The client of a cluster takes the same commands, hence the one type.

    Raises:
        SettingsError: TIDEMARK_REDIS_URL is not set.
        RedisUnavailable: no node of the cluster answers.
    """
    retry = Retry(backoff(), retries)
    timeouts = _timeouts(timeout)
    url = redis_url(settings)
    if not is_cluster(settings):
        return Redis.from_url(url, **timeouts, retry=retry)
    nodes = cluster_nodes(url)
    with redis_errors():
        opened: Any = RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in nodes.addresses],  # type: ignore[no-untyped-call]
            retry=retry,
            **timeouts,
            **nodes.options,
        )
    return cast("Redis", opened)


def connect_async(
    settings: Settings, *, timeout: float | None = SOCKET_TIMEOUT, connect_timeout: float = CONNECT_TIMEOUT,
    retries: int = RETRIES, connections: int | None = POOL,
) -> "AsyncRedis":  # fmt: skip
    """Return an asynchronous client; nothing is asked of the servers yet.

    Who finds all `connections` busy waits, which has a price at each command; without a number of them there is no
    bound, and the caller keeps one.

    Raises:
        SettingsError: TIDEMARK_REDIS_URL is not set.
    """
    retry = AsyncRetry(backoff(), retries)
    timeouts = _timeouts(timeout, connect_timeout)
    url = redis_url(settings)
    if not is_cluster(settings):
        if connections is None:
            return AsyncRedis.from_url(url, max_connections=2**31, retry=retry, **timeouts)
        pool = BlockingConnectionPool.from_url(
            url, max_connections=connections, timeout=timeout or SOCKET_TIMEOUT, retry=retry, **timeouts
        )
        return AsyncRedis.from_pool(pool)
    nodes = cluster_nodes(url)
    opened: Any = AsyncRedisCluster(
        startup_nodes=[AsyncClusterNode(host, port) for host, port in nodes.addresses],
        retry=retry,
        max_connections=2**31,
        **timeouts,
        **nodes.options,
    )
    return cast("AsyncRedis", opened)


def redis_url(settings: Settings) -> str:
    """Return the URL of Redis.

    Raises:
        SettingsError: TIDEMARK_REDIS_URL is not set.
    """
    if settings.redis_url is None:
        raise SettingsError("TIDEMARK_REDIS_URL: set it, or run `tidemark up`, which starts a Redis of its own")
    return settings.redis_url


def is_cluster(settings: Settings) -> bool:
    """Tell whether the URL names a cluster."""
    return _CLUSTER in redis_url(settings).partition("://")[0]


@dataclass(frozen=True, slots=True)
class ClusterNodes:
    """What a URL says of a cluster: addresses, and options of clients."""

    addresses: list[tuple[str, int]]
    options: dict[str, Any]


def cluster_nodes(url: str) -> ClusterNodes:
    """Return what a URL of a cluster says: `rediss+cluster://user:password@host1:6379,host2:6379`.

    Raises:
        SettingsError: it names no host, a port that is none, or a database: a cluster has only the one.
    """
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    addresses = []
    for one in hosts.split(","):
        host, _, port = one.strip().partition(":")
        if not host or not (port or str(_DEFAULT_PORT)).isdecimal():
            raise SettingsError("TIDEMARK_REDIS_URL: name the nodes of the cluster as host:port, separated by commas")
        addresses.append((host, int(port or _DEFAULT_PORT)))
    if parts.path.strip("/") not in ("", "0"):
        raise SettingsError("TIDEMARK_REDIS_URL: a cluster has database 0 only; leave the path out")
    options: dict[str, Any] = {"ssl": parts.scheme.startswith("rediss")}
    options |= {"username": unquote(user)} if user else {}
    options |= {"password": unquote(password)} if password else {}
    return ClusterNodes(addresses, options)


def _timeouts(timeout: float | None, connect_timeout: float = CONNECT_TIMEOUT) -> dict[str, Any]:
    return {"socket_timeout": timeout, "socket_connect_timeout": connect_timeout, "decode_responses": False}


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turn what means «not now» into `RedisUnavailable`, and «no room» into `RedisFull`, which is one of them."""
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
            raise RedisFull("Redis takes no writes: its disk or its replicas fail") from error
        raise


def version_key(workspace_id: str) -> str:
    """Return the key of a workspace's `dataVersion`."""
    return f"tm:{{{workspace_id}}}:version"


def events_key(workspace_id: str) -> str:
    """Return the key of a workspace's stream of events."""
    return f"tm:{{{workspace_id}}}:events"


def announced_key(workspace_id: str, token: str) -> str:
    """Return the key that remembers an announcement for as long as its command may be repeated."""
    return f"tm:{{{workspace_id}}}:announced:{token}"


def platform_pause_key(platform: str) -> str:
    """Return the key of the pause of a whole platform."""
    return f"tm:{{{platform}}}:paused"


def account_pause_key(platform: str, platform_account_id: str) -> str:
    """Return the key of the pause of one account of a platform, whichever workspaces it is connected in."""
    return f"{platform_pause_key(platform)}:{platform_account_id}"


def renewal_key(platform: str, platform_account_id: str) -> str:
    """Return the key of the lock under which the token of an account of a platform is renewed."""
    return f"tm:{{{platform}}}:renewing:{platform_account_id}"


def export_lease_key(root: str) -> str:
    """Return the key of the lease on the folders of an export."""
    return f"tm:{{export}}:lease:{root}"


def hanging_runs_key() -> str:
    """Return the key of the number of Dagster's runs that hang."""
    return "tm:{dagster}:hanging_runs"


def other_retention_key(process: str) -> str:
    """Return the key under which a process says that its settings ask for another retention than the database has."""
    return f"tm:{{retention}}:{process}"


def cache_prefix(workspace_id: str, pattern: str = "") -> str:
    """Return what the keys of a workspace's cached answers begin with."""
    return f"tm:{{{workspace_id}}}:cache:{pattern}"


def cache_key(workspace_id: str, kind: str, digest: str, version: str) -> str:
    """Return the key of one cached answer."""
    return f"{cache_prefix(workspace_id)}{kind}:{digest}:{version}"
