"""Rate limit pauses, shared by all workers: after one answer «too many calls», every worker waits for its end."""

from datetime import UTC, datetime
from math import ceil

from redis import Redis

from metrics.clock import utcnow
from metrics.documents import AccountDocument, Platform
from metrics.errors import RedisUnavailable
from metrics.redis.errors import redis_errors
from metrics.redis.keys import account_pause_key, platform_pause_key, public_route
from pipelines.platforms.errors import BudgetUsed, QuotaUsed, RateLimited


class Pauses:
    """Pauses of one platform and of its accounts, kept in Redis until they end.

    With `public`, they are those of reading the accounts of others: a limit that this reading meets does not pause the
    collection of own accounts, which have other limits in part, and meet a common one by themselves.

    Once Redis did not answer, a run obeys only the limits that it met itself, and does not ask Redis again, so that its
    accounts do not wait for the timeout each.
    """

    def __init__(self, redis: Redis, platform: Platform, *, public: bool = False) -> None:
        self._redis = redis
        self._route = public_route(platform) if public else platform
        self._platform_key = platform_pause_key(self._route)
        self._own: dict[str, int] = {}
        self._shared = True

    def check(self, account: AccountDocument) -> None:
        """Raise if the platform or the account is paused.

        Raises:
            RateLimited: it is; `until` is the end of the pause.
        """
        until = self._known(account)
        if until > utcnow().timestamp():
            raise RateLimited(
                "not requested: the rate limit was met before", datetime.fromtimestamp(until, UTC), "account"
            )

    def check_platform(self) -> None:
        """Raise if this run met a limit of the whole platform, so that accounts that are being read stop too.

        Raises:
            RateLimited: it did; `until` is the end of the pause.
        """
        until = self._own.get(self._platform_key, 0)
        if until > utcnow().timestamp():
            raise RateLimited(
                "not requested: the rate limit was met before", datetime.fromtimestamp(until, UTC), "account"
            )

    def note(self, account: AccountDocument, limit: RateLimited) -> None:
        """Store a limit that was met, unless a longer one is known.

        Our own budget is no limit of the platform, and a used quota stops only the calls that it counts.
        """
        if isinstance(limit, BudgetUsed | QuotaUsed):
            return
        until, now = ceil(limit.until.timestamp()), utcnow().timestamp()
        if until <= max(now, self._known(account)):
            return
        key = self._platform_key if limit.scope == "app" else self._account_key(account)
        self._own[key] = until
        if self._shared:
            try:
                with redis_errors():
                    # The expiry is a duration and not an instant, because the clock of Redis may differ from ours.
                    self._redis.set(key, until, ex=ceil(until - now))
            except RedisUnavailable:
                self._shared = False

    def _known(self, account: AccountDocument) -> int:
        keys = (self._platform_key, self._account_key(account))
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

    def _account_key(self, account: AccountDocument) -> str:
        """Return the key of an account's pause, which all workspaces share: the platform counts by its own account."""
        return account_pause_key(self._route, account["platformAccountId"])
