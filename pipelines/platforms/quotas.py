"""Counts the calls of the daily quotas that a platform grants to the app; all workers share them through Redis."""

import threading
from collections.abc import Mapping
from datetime import date, timedelta

from redis import Redis

from metrics.clock import utcnow
from metrics.documents import Platform
from metrics.errors import RedisUnavailable
from metrics.periods import next_midnight
from metrics.platforms.registry import FACTS
from metrics.redis.errors import redis_errors
from metrics.redis.keys import quota_key
from metrics.redis.quotas import quota_day
from pipelines.platforms.errors import QuotaUsed

_KEPT = timedelta(days=2)

_SPEND = """
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
if used >= tonumber(ARGV[1]) then return -1 end
redis.call('SET', KEYS[1], used + 1, 'EX', ARGV[2])
return used + 1
"""


class SharedQuotas:
    """The quotas of one platform.

    Every call is counted before it is sent, because the platform counts invalid requests and failures as well. When the
    platform says that a quota is used although fewer calls were counted (another program uses the same project), the
    quota counts as used until it begins anew.

    When Redis does not answer, a run obeys only what it counted itself, and does not ask Redis again.
    """

    def __init__(self, redis: Redis, platform: Platform, units: Mapping[str, int]) -> None:
        self._redis, self._platform, self._units = redis, platform, units
        self._lock = threading.Lock()
        self._own: dict[tuple[str, date], int] = {}
        self._shared = True

    def spend(self, quota: str) -> float:
        """Count one call before it is sent; return how much of the quota is then used, in percent.

        Raises:
            QuotaUsed: nothing is left of the quota today; the call must not be sent.
        """
        units, used = self._units[quota], self._count(quota)
        if used is None:
            raise self._error(quota)
        return 100 * used / units

    def exhausted(self, quota: str) -> QuotaUsed:
        """Note that the platform says that a quota is used, whatever was counted; return the error to raise."""
        day, units = quota_day(self._platform, utcnow()), self._units[quota]
        with self._lock:
            self._own[quota, day] = units
        if self._shared:
            try:
                with redis_errors():
                    self._redis.set(quota_key(self._platform, quota, day), units, ex=_KEPT)
            except RedisUnavailable:
                self._shared = False
        return self._error(quota)

    def _error(self, quota: str) -> QuotaUsed:
        return QuotaUsed(quota, next_midnight(utcnow(), FACTS[self._platform].quota_zone))

    def _count(self, quota: str) -> int | None:
        """Count one call; return how many were counted, or None if the quota is used."""
        day, units = quota_day(self._platform, utcnow()), self._units[quota]
        with self._lock:
            own = self._own.get((quota, day), 0)
            if own >= units:
                return None
            self._own[quota, day] = own + 1
        if not self._shared:
            return own + 1
        try:
            with redis_errors():
                key, kept = quota_key(self._platform, quota, day), int(_KEPT.total_seconds())
                counted = int(self._redis.eval(_SPEND, 1, key, units, kept))
        except RedisUnavailable:
            self._shared = False
            return own + 1
        return counted if counted >= 0 else None
