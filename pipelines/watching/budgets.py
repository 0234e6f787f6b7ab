"""What reading the accounts of others may use: a share of what own accounts need, and budgets of its own.

Where Redis does not answer, these budgets forbid what they cannot count: a number of somebody else that is missed for a
day is better than one of an own account.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from redis import Redis

from metrics.documents import AccountDocument, Platform
from metrics.errors import RedisUnavailable
from metrics.platforms.registry import FACTS
from metrics.redis.keys import calls_key, public_route
from metrics.settings import Settings
from pipelines.collect.budgets.calls import CallBudget, CallBudgets
from pipelines.collect.budgets.posts import HalfBudget, PostBudget
from pipelines.platforms.errors import BudgetUnknown, CallsUsed, QuotaUsed
from pipelines.platforms.limits import Quotas, Reserved
from pipelines.platforms.quotas import SharedQuotas


@dataclass(frozen=True, slots=True)
class LentCalls:
    """The calls of a connected account that reading others may use within 24 hours; all workers share them.

    `own` is the account's own budget of calls, which counts them, too; None if it has none.
    """

    share: CallBudget
    limit: int
    own: CallBudget | None

    @classmethod
    def of(cls, redis: Redis, settings: Settings, lender: AccountDocument) -> "LentCalls":
        """Return the calls that an account lends."""
        platform = lender["platform"]
        facts = FACTS[platform].public_numbers
        own = CallBudgets(redis, platform, settings.calls_per_day(platform)).of(lender)
        whole = settings.calls_per_day(platform) or (facts.lender_calls_per_day if facts else 0)
        limit = whole * settings.watch_share // 100
        if facts is not None and facts.lookups_per_day is not None:
            limit = min(limit, facts.lookups_per_day)
        key = calls_key(public_route(platform), lender["platformAccountId"])
        return cls(CallBudget(redis, key, limit), limit, own)

    def left(self) -> int:
        """Return how many calls are left; none if Redis does not answer."""
        try:
            return self.share.left()
        except RedisUnavailable:
            return 0

    def spend(self, *, for_posts: bool = False) -> float:
        """Count one call that is about to be sent; return the used share of the budget in percent.

        Raises:
            CallsUsed: nothing is left; the call must not be sent.
        """
        if not self.left():
            raise CallsUsed
        used = self.share.spend(for_posts=False)
        if self.own is not None:
            self.own.spend(for_posts=for_posts)
        return used


class WatchedPosts:
    """The posts of others that may be read today from a platform with a budget of posts; it is a `PostBudget`.

    They count in the budget of the platform, too, of which they leave the part that own accounts need.
    """

    def __init__(self, own: HalfBudget | None, watched: HalfBudget | None) -> None:
        self._own, self._watched = own, watched

    @classmethod
    def of(cls, redis: Redis, settings: Settings, platform: Platform, day: date) -> "WatchedPosts | None":
        """Return the budget of a platform on a day; None if nothing limits its posts."""
        facts, per_day = FACTS[platform].public_numbers, settings.posts_per_day(platform)
        is_billed = facts is not None and "post" in facts.prices
        most = settings.watch_posts_per_day if is_billed else None
        own = watched = None
        if per_day is not None:
            kept = per_day - per_day * settings.watch_share // 100
            own = HalfBudget(PostBudget(redis, platform, per_day, day), kept)
        if most is not None:
            watched = HalfBudget(PostBudget(redis, public_route(platform), most, day), 0)
        return None if own is None and watched is None else cls(own, watched)

    def left(self) -> int | None:
        """Return how many posts may still be read; None if nothing limits them.

        Raises:
            BudgetUnknown: Redis does not answer.
        """
        left = [one.left() for one in (self._own, self._watched) if one is not None]
        return min((number for number in left if number is not None), default=None)

    def reserve(self, posts: int, least: int) -> Reserved:
        """Reserve up to `posts` posts before requesting them; none if fewer than `least` are left.

        Raises:
            BudgetUnknown: Redis does not answer.
        """
        left = self.left()
        allowed = posts if left is None else min(posts, left)
        if allowed < max(least, 1):
            return Reserved(0)
        return Reserved(allowed) if self._watched is None else self._watched.reserve(allowed, least)

    def settle(self, reserved: Reserved, post_ids: Iterable[str]) -> None:
        """Count posts that were read, and give back what was reserved for them."""
        names = list(post_ids)
        if self._watched is not None:
            self._watched.settle(reserved, names)
        if self._own is not None:
            self._own.note(names)

    def note(self, post_ids: Iterable[str]) -> None:
        """Count posts that were read and for which nothing was reserved."""
        self.settle(Reserved(0), post_ids)

    @property
    def used(self) -> bool:
        """True if no post is left today, or if Redis, which counts them, does not answer."""
        try:
            return self.left() == 0
        except BudgetUnknown:
            return True


class WatchedQuotas:
    """A share of the daily quotas that a platform grants to the app, so that own accounts keep the rest of them."""

    def __init__(self, redis: Redis, settings: Settings, platform: Platform) -> None:
        units = settings.units_per_day(platform)
        self._whole: Quotas = SharedQuotas(redis, platform, units)
        self._share = SharedQuotas(
            redis, platform, {f"watched-{name}": number * settings.watch_share // 100 for name, number in units.items()}
        )

    def spend(self, quota: str) -> float:
        """Count one call before it is sent; return how much of the whole quota is then used, in percent.

        Raises:
            QuotaUsed: nothing is left of the share, or of the quota; the call must not be sent.
        """
        try:
            self._share.spend(f"watched-{quota}")
        except QuotaUsed as error:
            raise QuotaUsed(f"{quota}, as far as it is for watched accounts", error.until) from None
        return self._whole.spend(quota)

    def exhausted(self, quota: str) -> QuotaUsed:
        """Note that the platform says that a quota is used, whatever was counted; return the error to raise."""
        return self._whole.exhausted(quota)
