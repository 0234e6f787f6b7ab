"""A budget of distinct posts per UTC day, for platforms that bill by the post.

Facts: docs/platform-facts.md#x-limits-and-errors.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from redis import Redis

from metrics.clock import utcnow
from metrics.errors import RedisUnavailable
from metrics.redis.errors import redis_errors
from metrics.redis.keys import posts_read_key, posts_reserved_key
from pipelines.platforms.errors import BudgetUnknown
from pipelines.platforms.limits import Reserved

_KEPT = timedelta(days=2)
_RESERVED = timedelta(minutes=15)
"""How long a reservation lasts that its worker does not settle, for example because the worker was killed."""

_LEFT = """
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[2])
local left = tonumber(ARGV[1]) - redis.call('SCARD', KEYS[1])
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  left = left - tonumber(string.match(member, ':(%d+)$'))
end
"""
"""The start of a script. It computes `left`, the budget minus the posts that were read or are reserved. ARGV holds the
budget and the time."""

_RESERVE = f"""{_LEFT}
local posts = math.min(tonumber(ARGV[3]), left)
if posts < math.max(tonumber(ARGV[4]), 1) then return 0 end
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[6] .. ':' .. posts)
redis.call('EXPIRE', KEYS[2], ARGV[7])
return posts
"""


class PostBudget:
    """Counts the posts of one platform that were read on a day; all workers share it through Redis.

    `platform` is its name, or that of its route to accounts of others (`public_route`).

    A post is billed once per UTC day: reading it again is free. Workers reserve posts before they request them, so that
    together they cannot exceed the budget, and give back those that they did not read. When Redis does not answer,
    nothing is limited, because a number that is missed is worse than its cost. `HalfBudget` decides otherwise.
    """

    def __init__(self, redis: Redis, platform: str, per_day: int | None, day: date) -> None:
        self._redis = redis
        self._per_day = per_day
        self._key = posts_read_key(platform, day)
        self._reserved_key = posts_reserved_key(platform, day)

    @property
    def limited(self) -> bool:
        """True if there is a budget."""
        return self._per_day is not None

    @property
    def bound(self) -> "PostBudget | None":
        """This object if there is a budget, else None."""
        return self if self.limited else None

    @property
    def half(self) -> "HalfBudget | None":
        """Half of this budget, for work that must leave the other half to hourly collection; None without a budget."""
        return None if self._per_day is None else HalfBudget(self, self._per_day - self._per_day // 2)

    def reserve_ids(self, post_ids: list[str]) -> tuple[set[str], Reserved]:
        """Return which of these posts may be read, and the reservation for them.

        Posts that were read today are free. The others are reserved in the given order, as far as the budget reaches.
        """
        if self._per_day is None or not post_ids:
            return set(post_ids), Reserved(len(post_ids))
        try:
            with redis_errors():
                read = self._redis.smismember(self._key, post_ids)
        except RedisUnavailable:
            return set(post_ids), Reserved(len(post_ids))
        free = {post for post, before in zip(post_ids, read, strict=True) if before}
        billed = [post for post in post_ids if post not in free]
        reserved = self.reserve(len(billed), 1)
        return free | set(billed[: reserved.posts]), reserved

    def left(self, kept: int = 0) -> int | None:
        """Return how many posts may still be reserved if `kept` posts are left over; None if nothing limits them."""
        try:
            return self.counted(kept)
        except RedisUnavailable:
            return None

    def counted(self, kept: int = 0) -> int | None:
        """Return the same as `left`, but raise when Redis does not answer, so that the caller can wait.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        if self._per_day is None:
            return None
        with redis_errors():
            found = self._run(f"{_LEFT} return left", self._per_day - kept, utcnow().timestamp())
        return max(found, 0)

    def reserve(self, posts: int, least: int, kept: int = 0) -> Reserved:
        """Reserve up to `posts` posts and leave `kept` over; reserve none if fewer than `least` could be."""
        try:
            return self.reserve_counted(posts, least, kept)
        except RedisUnavailable:
            return Reserved(posts)

    def reserve_counted(self, posts: int, least: int, kept: int = 0) -> Reserved:
        """Reserve as `reserve` does, but raise when Redis does not answer, so that the caller can wait.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        if self._per_day is None or posts == 0:
            return Reserved(posts)
        name, now = secrets.token_hex(8), utcnow()
        until = (now + _RESERVED).timestamp()
        with redis_errors():
            found = self._run(
                _RESERVE, self._per_day - kept, now.timestamp(), posts, least, until, name,
                int(_KEPT.total_seconds()),
            )  # fmt: skip
        return Reserved(found, f"{name}:{found}" if found else "")

    def settle(self, reserved: Reserved, post_ids: Iterable[str]) -> None:
        """Count posts that were read, and give back what was reserved for them."""
        ids = list(post_ids)
        if self._per_day is None or not (ids or reserved.name):
            return
        try:
            with redis_errors(), self._redis.pipeline() as pipe:
                if ids:
                    pipe.sadd(self._key, *ids)
                    pipe.expire(self._key, _KEPT)
                if reserved.name:
                    pipe.zrem(self._reserved_key, reserved.name)
                pipe.execute()
        except RedisUnavailable:
            return

    def note(self, post_ids: Iterable[str]) -> None:
        """Count posts that were read and for which nothing was reserved."""
        self.settle(Reserved(0), post_ids)

    def _run(self, script: str, *arguments: str | float) -> int:
        return int(self._redis.eval(script, 2, self._key, self._reserved_key, *arguments))


@dataclass(frozen=True, slots=True)
class HalfBudget:
    """A view of a budget that leaves its last `kept` posts to others, and raises when Redis does not answer."""

    whole: PostBudget
    kept: int

    def left(self) -> int | None:
        """Return how many posts may still be reserved; None if nothing limits them.

        Raises:
            BudgetUnknown: Redis does not answer.
        """
        try:
            return self.whole.counted(self.kept)
        except RedisUnavailable:
            raise BudgetUnknown from None

    def reserve(self, posts: int, least: int) -> Reserved:
        """Reserve up to `posts` posts; none if fewer than `least` could be.

        Raises:
            BudgetUnknown: Redis does not answer.
        """
        try:
            return self.whole.reserve_counted(posts, least, self.kept)
        except RedisUnavailable:
            raise BudgetUnknown from None

    def settle(self, reserved: Reserved, post_ids: Iterable[str]) -> None:
        """Count posts that were read, and give back what was reserved for them."""
        self.whole.settle(reserved, post_ids)

    def note(self, post_ids: Iterable[str]) -> None:
        """Count posts that were read and for which nothing was reserved."""
        self.whole.note(post_ids)
