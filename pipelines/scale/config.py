"""What workers and those who submit steps to them have to agree on."""

from typing import Any

from redis import Redis

from metrics.errors import SettingsError
from metrics.redis import client as redisdb
from metrics.settings import Settings

PREFIX = "tm:celery:"
"""Leads every key of Celery's, so that it can share a Redis with caches and streams."""

RESULT_SECONDS = 3600
"""A result is read within seconds of its step's end; one that nobody reads goes after that."""

TASKS_PER_CHILD = 200
"""A process of a worker is replaced after so many steps: what one of them leaked goes with it."""


def broker_url(settings: Settings) -> str:
    """Return the URL of the Redis that is Celery's broker and keeps results and leases.

    Raises:
        SettingsError: there is none, or Celery cannot use it.
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
    """Return a client of that Redis.

    Raises:
        SettingsError: there is none, or Celery cannot use it.
    """
    return redisdb.connect(settings.model_copy(update={"redis_url": broker_url(settings)}))


def config_source() -> dict[str, Any]:
    """Return the settings of the Celery app.

    A step is acknowledged when it begins (Celery's default), and a worker takes no more steps than it can begin: a
    waiting step is in Redis, where any worker finds it. What became of a step under way, its lease tells.
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
    """Return the key that a worker renews as long as it lives."""
    return f"{PREFIX}worker:{worker}"
