"""A budget of calls for each account within 24 hours, for platforms that count the calls of each account.

Facts: docs/platform-facts.md#threads-limits-and-errors.
"""

from dataclasses import dataclass
from datetime import timedelta

from redis import Redis

from metrics.clock import utcnow
from metrics.documents import AccountDocument, Platform
from metrics.errors import RedisUnavailable
from metrics.periods import HOUR
from metrics.redis.errors import redis_errors
from metrics.redis.keys import calls_key
from pipelines.platforms.errors import CallsUsed

_WINDOW_HOURS = 24
_KEPT_FOR = timedelta(hours=_WINDOW_HOURS + 1)
KEPT_SHARE = 24
"""Calls for single posts leave this part of the budget, one in 24, to the account, its lists and its days."""

_SPEND = """
local hour, used = tonumber(ARGV[1]), 0
local counts = redis.call('HGETALL', KEYS[1])
for place = 1, #counts, 2 do
  if tonumber(counts[place]) < hour - tonumber(ARGV[2]) then
    redis.call('HDEL', KEYS[1], counts[place])
  else
    used = used + tonumber(counts[place + 1])
  end
end
if used >= tonumber(ARGV[3]) then return -1 end
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
redis.call('EXPIRE', KEYS[1], ARGV[4])
return used + 1
"""
"""Adds one call to the count of the present hour, unless the calls of the window come to the limit. ARGV has the hour,
the hours of the window, the limit and the expiry in seconds."""


class CallBudget:
    """Counts the calls for one platform account, in all workspaces; all workers share it through Redis.

    The calls are counted by hour: those of the present hour and of the 24 hours before it. That is up to an hour more
    than the window of the platform, so the budget is not exceeded. A call is counted before it is sent, in one script,
    so workers cannot exceed the budget together. When Redis does not answer, nothing is limited, because a number that
    is missed is worse than a call that the platform refuses.
    """

    def __init__(self, redis: Redis, key: str, limit: int) -> None:
        self._redis, self._key, self._limit = redis, key, limit

    def spend(self, *, for_posts: bool = False) -> float:
        """Count one call that is about to be sent; return the used share of the budget in percent.

        Raises:
            CallsUsed: the budget is used, or, if `for_posts` is set, only what is kept for other calls is left.
        """
        limit = self._limit - self._limit // KEPT_SHARE if for_posts else self._limit
        hour, expiry = int(utcnow().timestamp() // HOUR.total_seconds()), int(_KEPT_FOR.total_seconds())
        try:
            with redis_errors():
                used = int(self._redis.eval(_SPEND, 1, self._key, hour, _WINDOW_HOURS, limit, expiry))
        except RedisUnavailable:
            return 0.0
        if used < 0:
            raise CallsUsed
        return 100 * used / self._limit

    def left(self) -> int:
        """Return how many calls are left.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        since = int(utcnow().timestamp() // HOUR.total_seconds()) - _WINDOW_HOURS
        with redis_errors():
            counts = self._redis.hgetall(self._key)
        return max(self._limit - sum(int(n) for hour, n in counts.items() if int(hour) >= since), 0)


@dataclass(frozen=True, slots=True)
class CallBudgets:
    """The budgets of calls of the accounts of one platform; `per_day` is None if nothing limits them."""

    redis: Redis
    platform: Platform
    per_day: int | None

    def of(self, account: AccountDocument) -> CallBudget | None:
        """Return the budget of an account, or None if nothing limits its calls."""
        if self.per_day is None:
            return None
        return CallBudget(self.redis, calls_key(self.platform, account["platformAccountId"]), self.per_day)
