"""List and lift the pauses of platforms and of their accounts; collection sets them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis import Redis

from metrics.documents import PLATFORMS, Platform
from metrics.redis.errors import redis_errors
from metrics.redis.keys import account_pause_key, platform_pause_key


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause of a platform, or of one of its accounts: no calls are made before `until`."""

    platform: Platform
    platform_account_id: str | None
    until: datetime


def pauses(redis: Redis) -> list[Pause]:
    """Return the current pauses, the one that ends last first.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    with redis_errors():
        found = [pause for platform in PLATFORMS for pause in _of(redis, platform)]
    return sorted(found, key=lambda pause: pause.until, reverse=True)


def _of(redis: Redis, platform: Platform) -> Iterator[Pause]:
    whole = platform_pause_key(platform)
    scan: Iterator[Any] = redis.scan_iter(match=f"{whole}*", count=1000)
    for key in scan:
        value = redis.get(key)
        name = key.decode().removeprefix(whole).removeprefix(":")
        if isinstance(value, bytes) and value.isdigit():
            yield Pause(platform, name or None, datetime.fromtimestamp(int(value), UTC))


def lift(redis: Redis, platform: Platform, platform_account_id: str | None = None) -> bool:
    """End the pause of a platform or of one of its accounts; tell whether there was one.

    A run that is under way keeps the pauses that it has met; the next run no longer sees this one.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    whole = platform_account_id is None
    key = platform_pause_key(platform) if whole else account_pause_key(platform, str(platform_account_id))
    with redis_errors():
        return bool(redis.delete(key))
