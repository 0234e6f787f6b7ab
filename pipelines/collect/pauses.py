"""Who may not be asked before when: one answer «too many calls» stops every worker, not only the one that got it."""

from datetime import UTC, datetime
from math import ceil

from redis import Redis

from metrics.clock import utcnow
from metrics.documents import AccountDocument, Platform
from metrics.errors import RedisUnavailable
from metrics.redis.client import account_pause_key, platform_pause_key, redis_errors
from pipelines.platforms.errors import BudgetUsed, RateLimited


class Pauses:
    """Pauses of one platform and of its accounts, kept in Redis until they end.

    Without Redis a run still obeys what it met itself; it asks Redis no more, so that no account pays for the outage.
    """

    def __init__(self, redis: Redis, platform: Platform) -> None:
        self._redis = redis
        self._platform_key = platform_pause_key(platform)
        self._own: dict[str, int] = {}
        self._shared = True

    def check(self, account: AccountDocument) -> None:
        """Raise if the platform or the account is paused.

        Raises:
            RateLimited: says until when.
        """
        until = self._known(account)
        if until > utcnow().timestamp():
            raise RateLimited("not asked: too many calls before", datetime.fromtimestamp(until, UTC), "account")

    def check_platform(self) -> None:
        """Raise if this run met a pause of the whole platform: accounts under way stop too.

        Raises:
            RateLimited: says until when.
        """
        until = self._own.get(self._platform_key, 0)
        if until > utcnow().timestamp():
            raise RateLimited("not asked: too many calls before", datetime.fromtimestamp(until, UTC), "account")

    def note(self, account: AccountDocument, limit: RateLimited) -> None:
        """Keep a limit that was met, unless a longer one is known. A budget of ours is no limit of the platform's."""
        if isinstance(limit, BudgetUsed):
            return
        until, now = ceil(limit.until.timestamp()), utcnow().timestamp()
        if until <= max(now, self._known(account)):
            return
        key = self._platform_key if limit.scope == "app" else _account_key(account)
        self._own[key] = until
        if self._shared:
            try:
                with redis_errors():
                    # For so many seconds, and not until an instant: the clock of Redis may show another time than ours.
                    self._redis.set(key, until, ex=ceil(until - now))
            except RedisUnavailable:
                self._shared = False

    def _known(self, account: AccountDocument) -> int:
        keys = (self._platform_key, _account_key(account))
        own = max(self._own.get(key, 0) for key in keys)
        if not self._shared:
            return own
        try:
            with redis_errors():
                # Both keys are in one slot of a cluster.
                return max(own, *(int(until or 0) for until in self._redis.mget(keys)))
        except RedisUnavailable:
            self._shared = False
            return own


def _account_key(account: AccountDocument) -> str:
    """Return the key of an account's pause: the platform counts by its own account, whatever workspace it is in."""
    return account_pause_key(account["platform"], account["platformAccountId"])
