"""A rate limiter for platforms that limit the calls of the app per minute to each endpoint; all workers share it."""

import threading
import time
from dataclasses import dataclass

from redis import Redis

from metrics.documents import Platform
from metrics.errors import RedisUnavailable
from metrics.redis.errors import redis_errors
from metrics.redis.keys import pace_key

_MICROSECONDS = 1_000_000
_MINUTE = 60
BURST_SHARE = 0.10
"""This share of a minute's calls may be sent at once, after a time without calls."""
STEADY_SHARE = 0.85
"""This share of a minute's calls is sent per minute at a steady pace. Together with a burst, no 60 seconds have more
than 95 % of the calls. The rest is for calls that took longer on their way than later ones."""

_RESERVE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local expiry = math.floor((due - now) / 1000) + tonumber(ARGV[3])
redis.call('SET', KEYS[1], string.format('%.0f', due + tonumber(ARGV[1])), 'PX', expiry)
return math.floor(math.max(due - now - tonumber(ARGV[2]), 0))
"""
"""Reserves the next call (GCRA, a leaky bucket). The key has the instant at which the bucket would be empty again, in
microseconds of Redis's clock. ARGV has the microseconds between calls, those of a burst, and how many milliseconds the
key outlives that instant. Returns how many microseconds the caller has to wait."""


@dataclass(frozen=True, slots=True)
class _Bucket:
    """The rate of one endpoint: microseconds between two calls, and those by which a burst may be ahead."""

    apart: int
    ahead: int

    @classmethod
    def of(cls, per_minute: int) -> "_Bucket":
        apart = _MINUTE * _MICROSECONDS / (STEADY_SHARE * per_minute)
        # The first call of a burst waits for no other, so one less may be ahead.
        return cls(int(apart), int(apart * max(BURST_SHARE * per_minute - 1, 0)))


class SharedPace:
    """The pace of one platform, whose app may make `per_minute` calls to each endpoint in any 60 seconds; thread-safe.

    Each call reserves its instant before it waits, so workers cannot exceed the limit together. When Redis does not
    answer, a run paces its own calls only, and does not ask Redis again.
    """

    def __init__(self, redis: Redis, platform: Platform, per_minute: int) -> None:
        self._redis, self._platform = redis, platform
        self._bucket = _Bucket.of(per_minute)
        self._lock = threading.Lock()
        self._own: dict[str, float] = {}
        self._shared = True

    def wait(self, endpoint: str, *, burst: bool = True) -> float:
        """Wait until a call to an endpoint may be sent; return how many seconds that took.

        Without `burst`, calls keep to the steady rate from the first one on, for a platform that limits calls per
        second as well.
        """
        seconds = self._reserve(endpoint, self._bucket.ahead if burst else 0)
        if seconds > 0:
            # The call has its place in the bucket: it is sent at this instant, and no event could come earlier.
            time.sleep(seconds)
        return seconds

    def _reserve(self, endpoint: str, ahead: int) -> float:
        """Reserve the next call to an endpoint; return in how many seconds it is due."""
        if not self._shared:
            return self._reserve_own(endpoint, ahead)
        key, bucket = pace_key(self._platform, endpoint), self._bucket
        try:
            with redis_errors():
                waits = int(self._redis.eval(_RESERVE, 1, key, bucket.apart, ahead, _MINUTE * 1000))
                return waits / _MICROSECONDS
        except RedisUnavailable:
            self._shared = False
            return self._reserve_own(endpoint, ahead)

    def _reserve_own(self, endpoint: str, ahead: int) -> float:
        with self._lock:
            now = time.monotonic()
            due = max(self._own.get(endpoint, 0.0), now)
            self._own[endpoint] = due + self._bucket.apart / _MICROSECONDS
        return max(due - now - ahead / _MICROSECONDS, 0.0)
