"""Clients of Redis, synchronous and asynchronous, for one server or a cluster.

`redis://host:6379/0` is one server; `redis+cluster://host1:6379,host2:6379` is a cluster, which is discovered through
any of the named nodes. `rediss` in place of `redis` means TLS.
"""

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
from redis.retry import Retry

from metrics.errors import SettingsError
from metrics.redis.errors import redis_errors
from metrics.settings import Settings

RETRIES = 3
SOCKET_TIMEOUT = 5.0
CONNECT_TIMEOUT = 2.0
POOL = 64
_CLUSTER = "+cluster"
_DEFAULT_PORT = 6379


def backoff() -> ExponentialWithJitterBackoff:
    """Return the back-off between attempts of a command: up to 50, 100, 200 ms."""
    return ExponentialWithJitterBackoff(base=0.05, cap=0.5)


def connect(settings: Settings, *, timeout: float = SOCKET_TIMEOUT, retries: int = RETRIES) -> "Redis":
    """Return a synchronous client. The client of a single server connects with its first command only.

    The client of a cluster accepts the same commands, so both have the same type.

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
    """Return an asynchronous client, which connects with its first command.

    With `connections`, callers wait for a free one (slower per command). Without it the pool is unbounded, and the
    caller must limit how many commands run at once.

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
        raise SettingsError("TIDEMARK_REDIS_URL: set it, or run `tidemark up`, which starts its own Redis")
    return settings.redis_url


def is_cluster(settings: Settings) -> bool:
    """Tell whether the URL names a cluster."""
    return _CLUSTER in redis_url(settings).partition("://")[0]


@dataclass(frozen=True, slots=True)
class ClusterNodes:
    """The addresses of a cluster's nodes, and options for its clients."""

    addresses: list[tuple[str, int]]
    options: dict[str, Any]


def cluster_nodes(url: str) -> ClusterNodes:
    """Parse the URL of a cluster: `rediss+cluster://user:password@host1:6379,host2:6379`.

    Raises:
        SettingsError: the URL lacks a host, has an invalid port, or names a database other than 0.
    """
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    addresses = []
    for node in hosts.split(","):
        host, _, port = node.strip().partition(":")
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
