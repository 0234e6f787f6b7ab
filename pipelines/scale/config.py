"""Configuration that workers and the executor share: the broker, Celery's settings and the names of keys."""

from typing import Any

from redis import Redis

from metrics.errors import SettingsError
from metrics.redis.client import connect as connect_redis
from metrics.redis.keys import CELERY_PREFIX
from metrics.settings import Settings

PREFIX = CELERY_PREFIX
"""Prefix of all of Celery's keys, so that Celery can share a Redis with caches and streams."""

RESULT_SECONDS = 3600
"""Expiry of results. A result is read within seconds of its step's end; one that nobody reads expires after that."""

TASKS_PER_CHILD = 200
"""Steps after which a worker's process is replaced, so that leaked memory is freed."""


def broker_url(settings: Settings) -> str:
    """Return the URL of the Redis that is Celery's broker and keeps results and leases.

    Raises:
        SettingsError: there is no such Redis, or Celery cannot use it.
    """
    url = settings.celery_url or settings.redis_url
    if url is None:
        raise SettingsError("TIDEMARK_CELERY_URL: set it, or TIDEMARK_REDIS_URL, for TIDEMARK_EXECUTOR=celery")
    if not url.startswith(("redis://", "rediss://")):
        raise SettingsError("TIDEMARK_CELERY_URL: workers need one server, redis:// or rediss://, no cluster or socket")
    if url.startswith("rediss:") and "ssl_cert_reqs=" not in url:
        url += ("&" if "?" in url else "?") + "ssl_cert_reqs=required"
    return url


def broker(settings: Settings) -> Redis:
    """Return a client of the broker's Redis.

    Raises:
        SettingsError: there is no such Redis, or Celery cannot use it.
    """
    return connect_redis(settings.model_copy(update={"redis_url": broker_url(settings)}))


def config_source() -> dict[str, Any]:
    """Return the settings of the Celery app.

    A step is acknowledged when it begins (Celery's default), and a worker takes no more steps than it can begin, so a
    waiting step stays in Redis, where any worker can take it. The lease on a running step shows if its worker lives.
    """
    return {
        "task_track_started": True,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        "worker_max_tasks_per_child": TASKS_PER_CHILD,
        "worker_hijack_root_logger": False,
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": {"global_keyprefix": PREFIX, "socket_timeout": 10, "socket_connect_timeout": 5},
        "result_backend_transport_options": {"global_keyprefix": PREFIX},
        "result_expires": RESULT_SECONDS,
    }


def lease_key(task_id: str) -> str:
    """Return the key of the lease on a step, by the id of its Celery task."""
    return f"{PREFIX}lease:{task_id}"


def worker_key(worker: str) -> str:
    """Return the key of the lease that a worker renews as long as it lives."""
    return f"{PREFIX}worker:{worker}"
