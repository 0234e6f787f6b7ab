"""A rate limiter for platforms that limit the calls of the app per minute to each endpoint; all workers share it."""

import threading
import time
from collections import deque

from redis import Redis

from metrics.documents import Platform
from metrics.errors import RedisUnavailable
from metrics.redis.errors import redis_errors
from metrics.redis.keys import pace_key

_MICROSECONDS = 1_000_000
_MINUTE = 60
USED_SHARE = 0.95
"""This share of a minute's calls is used. The rest is for other programs of the same app."""
DELAY_SECONDS = 5
"""A call may take this long on its way to the platform, while later ones take no time. The window in which calls are
counted here is therefore longer than the platform's by this time."""
WINDOW_SECONDS = _MINUTE + DELAY_SECONDS
STEADY_SHARE = 0.85
"""Calls that keep to a steady rate use this share of a minute's calls."""

_RESERVE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local calls, apart, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local due = math.max(now, tonumber(redis.call('LINDEX', KEYS[1], 0) or '0') + apart)
local oldest = redis.call('LINDEX', KEYS[1], calls - 1)
if oldest then due = math.max(due, tonumber(oldest) + window) end
redis.call('LPUSH', KEYS[1], string.format('%.0f', due))
redis.call('LTRIM', KEYS[1], 0, calls - 1)
redis.call('PEXPIRE', KEYS[1], math.ceil((due - now + window) / 1000))
return math.floor(due - now)
"""
"""Reserves the next call in a sliding window. The key has the instants of the newest calls, the newest first, in
microseconds of Redis's clock; a call is due once the oldest of them has left the window. ARGV has how many calls a
window may have, and the microseconds between two calls and of a window. Returns how many microseconds the caller has to
wait."""


class SharedPace:
    """The pace of one platform, whose app may make `per_minute` calls to each endpoint in any 60 seconds; thread-safe.

    Calls are sent at once until the window of an endpoint is full. Each call reserves its instant before it waits, so
    workers cannot exceed the limit together. When Redis does not answer, a run paces its own calls only, and does not
    ask Redis again.
    """

    def __init__(self, redis: Redis, platform: Platform, per_minute: int) -> None:
        self._redis, self._platform = redis, platform
        self._calls = max(int(USED_SHARE * per_minute), 1)
        self._apart = _MINUTE / (STEADY_SHARE * per_minute)
        self._lock = threading.Lock()
        self._own: dict[str, deque[float]] = {}
        self._shared = True

    def wait(self, endpoint: str, *, burst: bool = True) -> float:
        """Wait until a call to an endpoint may be sent; return how many seconds that took.

        Without `burst`, calls keep to a steady rate from the first one on, for a platform that limits calls per second
        as well.
        """
        seconds = self._reserve(endpoint, 0.0 if burst else self._apart)
        if seconds > 0:
            # The call has its place in the window: it is sent at this instant, and no event could come earlier.
            time.sleep(seconds)
        return seconds

    def _reserve(self, endpoint: str, apart: float) -> float:
        """Reserve the next call to an endpoint; return in how many seconds it is due."""
        if not self._shared:
            return self._reserve_own(endpoint, apart)
        key = pace_key(self._platform, endpoint)
        lengths = (int(seconds * _MICROSECONDS) for seconds in (apart, WINDOW_SECONDS))
        try:
            with redis_errors():
                return int(self._redis.eval(_RESERVE, 1, key, self._calls, *lengths)) / _MICROSECONDS
        except RedisUnavailable:
            self._shared = False
            return self._reserve_own(endpoint, apart)

    def _reserve_own(self, endpoint: str, apart: float) -> float:
        with self._lock:
            now, calls = time.monotonic(), self._own.setdefault(endpoint, deque(maxlen=self._calls))
            due = max(now, calls[-1] + apart) if calls else now
            if len(calls) == self._calls:
                due = max(due, calls[0] + WINDOW_SECONDS)
            calls.append(due)
            return due - now
