"""How many runs of Dagster hang: counted where Dagster is, read where it is not.

The count is kept for some minutes only. When nobody counts any more, because Dagster's daemon or code server is down,
it is unknown, and not the last number.
"""

from typing import TYPE_CHECKING

from metrics.redis.client import hanging_runs_key, redis_errors

if TYPE_CHECKING:
    from redis import Redis

KEPT_SECONDS = 600


def keep(redis: "Redis", count: int) -> None:
    """Keep the count for `KEPT_SECONDS`.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        redis.set(hanging_runs_key(), count, ex=KEPT_SECONDS)


def newest(redis: "Redis") -> int | None:
    """Return the count, None where nobody counted within `KEPT_SECONDS`.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        found = redis.get(hanging_runs_key())
    return int(found) if isinstance(found, bytes) else None
