"""The interfaces of limits on calls: budgets of posts and calls, and the quotas that a platform grants to an app."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from metrics.clock import utcnow
from metrics.periods import next_midnight
from pipelines.platforms.errors import QuotaUsed


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation of posts in a `PostBudget`; `name` identifies it there, and is empty if nothing was reserved."""

    posts: int
    name: str = ""


class PostBudget(Protocol):
    """A budget of distinct posts, for a platform that bills each post."""

    def left(self) -> int | None:
        """Return how many posts may still be reserved; None if there is no limit."""
        ...

    def reserve(self, posts: int, least: int) -> Reserved:
        """Reserve up to `posts` posts before requesting them; none if fewer than `least` are left."""
        ...

    def settle(self, reserved: Reserved, post_ids: Iterable[str]) -> None:
        """Count the posts that were read, and release their reservation."""
        ...

    def note(self, post_ids: Iterable[str]) -> None:
        """Count posts that were read without a reservation."""
        ...


class Quotas(Protocol):
    """The daily quotas of calls that a platform grants to the app; all workers share them."""

    def spend(self, quota: str) -> float:
        """Count one call before it is sent; return how much of the quota is then used, in percent.

        Raises:
            QuotaUsed: nothing is left of the quota today; the call must not be sent.
        """
        ...

    def exhausted(self, quota: str) -> QuotaUsed:
        """Note that the platform says that a quota is used, whatever was counted; return the error to raise."""
        ...


class UncountedQuotas:
    """Quotas that nobody counts: only the platform's own answer says that one is used. `zone` is where its day ends."""

    def __init__(self, zone: str) -> None:
        self._zone = zone

    def spend(self, _quota: str) -> float:
        """Return 0: the call may be sent."""
        return 0.0

    def exhausted(self, quota: str) -> QuotaUsed:
        """Return the error for a used quota, which lasts until the next midnight of the zone."""
        return QuotaUsed(quota, next_midnight(utcnow(), self._zone))


class Pace(Protocol):
    """The pace of calls to a platform that limits the calls of the app per minute to each endpoint."""

    def wait(self, endpoint: str, *, burst: bool = True) -> float:
        """Wait until a call to an endpoint may be sent; return how many seconds that took.

        Without `burst`, calls keep to a steady rate from the first one on.
        """
        ...


class Unpaced:
    """A pace that lets every call pass at once."""

    def wait(self, _endpoint: str, *, burst: bool = True) -> float:
        """Return 0: the call may be sent."""
        del burst
        return 0.0


class CallBudget(Protocol):
    """A budget of calls for one account within 24 hours, for a platform that counts the calls of each account."""

    def spend(self, *, for_posts: bool = False) -> float:
        """Count one call that is about to be sent; return the used share of the budget in percent.

        Raises:
            CallsUsed: the budget is used, or, if `for_posts` is set, only what is kept for other calls is left.
        """
        ...
