"""A budget of distinct posts per UTC day, where a platform bills by the post (platforms.md, 4.4)."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from redis import Redis

from metrics.clock import utcnow
from metrics.documents import Platform
from metrics.errors import RedisUnavailable
from metrics.redis.client import redis_errors
from pipelines.platforms.base import Reserved
from pipelines.platforms.errors import BudgetUnknown

_KEPT = timedelta(days=2)
_RESERVED = timedelta(minutes=15)
"""How long posts stay reserved for a worker that does not say what it read of them: it was killed, perhaps."""

_LEFT = """
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[2])
local left = tonumber(ARGV[1]) - redis.call('SCARD', KEYS[1])
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  left = left - tonumber(string.match(member, ':(%d+)$'))
end
"""
"""The start of a script: `left` are posts that were neither read nor are reserved. ARGV has the budget and the time."""

_RESERVE = f"""{_LEFT}
local posts = math.min(tonumber(ARGV[3]), left)
if posts < math.max(tonumber(ARGV[4]), 1) then return 0 end
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[6] .. ':' .. posts)
redis.call('EXPIRE', KEYS[2], ARGV[7])
return posts
"""


class PostBudget:
    """Posts of one platform that were read on a day, shared by all workers through Redis.

    A post is billed once per UTC day: reading it again is free. Posts are reserved before they are asked for, so that
    workers cannot pass the budget together, and what was not read of them is given back. Without Redis nothing is
    known, and nothing is held back: what is read is worth more than what it costs.
    """

    def __init__(self, redis: Redis, platform: Platform, per_day: int | None, day: date) -> None:
        self._redis = redis
        self._per_day = per_day
        self._key = f"tm:{{{platform}}}:posts-read:{day:%Y-%m-%d}"
        self._reserved_key = f"tm:{{{platform}}}:posts-reserved:{day:%Y-%m-%d}"

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

    def within(self, post_ids: list[str]) -> tuple[set[str], Reserved]:
        """Return which of these posts may be read, the first ones first, and what was reserved for them.

        Those that were read today are free; of the others as many as are left are reserved.
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
        """Return how many posts may still be reserved, without `kept` ones; None where nothing limits them."""
        try:
            return self.counted(kept)
        except RedisUnavailable:
            return None

    def counted(self, kept: int = 0) -> int | None:
        """Return the same as `left`, for what would rather wait than read more than the budget.

        Raises:
            RedisUnavailable: Redis does not answer.
        """
        if self._per_day is None:
            return None
        with redis_errors():
            found = self._run(f"{_LEFT} return left", self._per_day - kept, utcnow().timestamp())
        return max(found, 0)

    def reserve(self, posts: int, least: int, kept: int = 0) -> Reserved:
        """Reserve up to so many posts, and leave `kept` ones: none where fewer than `least` are left."""
        try:
            return self.reserve_counted(posts, least, kept)
        except RedisUnavailable:
            return Reserved(posts)

    def reserve_counted(self, posts: int, least: int, kept: int = 0) -> Reserved:
        """Reserve as `reserve` does, for what would rather wait than read more than the budget.

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
    """What is left of a budget until `kept` posts of it are left: those are for others."""

    whole: PostBudget
    kept: int

    def left(self) -> int | None:
        """Return how many posts may still be reserved; None where nothing limits them.

        Raises:
            BudgetUnknown: Redis does not answer.
        """
        try:
            return self.whole.counted(self.kept)
        except RedisUnavailable:
            raise BudgetUnknown from None

    def reserve(self, posts: int, least: int) -> Reserved:
        """Reserve up to so many posts; none where fewer than `least` are left.

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
