"""The number of Dagster's runs that hang: a sensor counts them, and processes without Dagster read the number.

The number is kept for some minutes only. When it is no longer counted, because Dagster's daemon or code server is down,
it is unknown instead of being the last one.
"""

from typing import TYPE_CHECKING

from metrics.redis.errors import redis_errors
from metrics.redis.keys import hanging_runs_key

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
