"""The daily quotas of calls that platforms grant to the app: how much of each is used, and when it begins anew.

Collection counts the calls (`pipelines.platforms.quotas`). The quota of a day begins at midnight in the platform's time
zone, so that its length changes with daylight saving time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from redis import Redis

from metrics.documents import Platform
from metrics.periods import next_midnight
from metrics.platforms.registry import FACTS
from metrics.redis.errors import redis_errors
from metrics.redis.keys import quota_key


@dataclass(frozen=True, slots=True)
class UsedQuota:
    """A quota of today: `used` of `units` calls; it begins anew at `resets_at` (UTC)."""

    platform: Platform
    quota: str
    used: int
    units: int
    resets_at: datetime


def quota_day(platform: Platform, instant: datetime) -> date:
    """Return the day by which a platform counts an instant."""
    return instant.astimezone(ZoneInfo(FACTS[platform].quota_zone)).date()


def used_quotas(redis: Redis, units: Mapping[Platform, Mapping[str, int]], now: datetime) -> list[UsedQuota]:
    """Return all quotas; `units` are their sizes by platform and name.

    Raises:
        RedisUnavailable: Redis does not answer.
    """
    found = []
    for platform, sizes in units.items():
        resets_at = next_midnight(now, FACTS[platform].quota_zone)
        for quota, size in sizes.items():
            with redis_errors():
                counted: Any = redis.get(quota_key(platform, quota, quota_day(platform, now)))
            found.append(UsedQuota(platform, quota, int(counted or 0), size, resets_at))
    return found
