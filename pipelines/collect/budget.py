"""A budget of distinct posts per UTC day, where a platform bills by the post (platforms.md, 4.4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from redis import Redis

from metrics.documents import Platform
from metrics.errors import RedisUnavailable
from metrics.redisdb import redis_errors
from pipelines.platforms.errors import BudgetUnknown

_KEPT = timedelta(days=2)


class PostBudget:
    """Posts of one platform that were read on a day, shared by all workers through Redis.

    A post is billed once per UTC day: reading it again is free. Without Redis nothing is known, and nothing is held
    back: what is read is worth more than what it costs.
    """

    def __init__(self, redis: Redis, platform: Platform, per_day: int | None, day: date) -> None:
        self._redis = redis
        self._per_day = per_day
        self._key = f"tm:{{{platform}}}:posts-read:{day:%Y-%m-%d}"

    @property
    def limited(self) -> bool:
        """Whether there is a budget at all."""
        return self._per_day is not None

    @property
    def bound(self) -> "PostBudget | None":
        """This budget where there is one at all, else None."""
        return self if self.limited else None

    @property
    def half(self) -> "HalfBudget | None":
        """Half of this budget, for what must leave the other half to the hours; None where nothing is limited."""
        return None if self._per_day is None else HalfBudget(self, self._per_day - self._per_day // 2)

    def within(self, post_ids: list[str]) -> set[str]:
        """Return which of these posts may be read, the first ones first: those read today, and as many as are left."""
        if self._per_day is None or not post_ids:
            return set(post_ids)
        try:
            with redis_errors():
                read = self._redis.smismember(self._key, post_ids)
                left = max(self._per_day - int(self._redis.scard(self._key)), 0)
        except RedisUnavailable:
            return set(post_ids)
        free = {post for post, before in zip(post_ids, read, strict=True) if before}
        return free | set([post for post in post_ids if post not in free][:left])

    def left(self) -> int | None:
        """Return how many posts that were not read today may still be; None where nothing limits them."""
        try:
            return self.counted()
        except RedisUnavailable:
            return None

    def counted(self) -> int | None:
        """Return the same as `left`, for what would rather wait than read more than the budget.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        if self._per_day is None:
            return None
        with redis_errors():
            return max(self._per_day - int(self._redis.scard(self._key)), 0)

    def note(self, post_ids: Iterable[str]) -> None:
        """Count posts that were read."""
        ids = list(post_ids)
        if self._per_day is None or not ids:
            return
        try:
            with redis_errors(), self._redis.pipeline() as pipe:
                pipe.sadd(self._key, *ids)
                pipe.expire(self._key, _KEPT)
                pipe.execute()
        except RedisUnavailable:
            return


@dataclass(frozen=True, slots=True)
class HalfBudget:
    """What is left of a budget until `kept` posts of it are left: those are for others."""

    whole: PostBudget
    kept: int

    def left(self) -> int | None:
        """Return how many posts may still be read; None where nothing limits them.

        Raises:
            BudgetUnknown: Redis does not answer.
        """
        try:
            left = self.whole.counted()
        except RedisUnavailable:
            raise BudgetUnknown from None
        return None if left is None else max(left - self.kept, 0)

    def note(self, post_ids: Iterable[str]) -> None:
        """Count posts that were read."""
        self.whole.note(post_ids)
