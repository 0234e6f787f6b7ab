"""Counts what a platform bills for reads: each distinct user and post once per UTC day."""

import threading
from collections.abc import Iterable, Mapping
from datetime import date

from metrics.clock import utcnow
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.limits import PostBudget, Reserved


class Bill:
    """What was billed today, with the prices of each kind of object in US dollars; thread-safe.

    It is kept in memory: an object that another process read on the same day is counted again, though not billed.
    """

    def __init__(self, prices: Mapping[str, float]) -> None:
        self._prices = prices
        self._lock = threading.Lock()
        self._day = date.min
        self._billed: set[tuple[str, str]] = set()

    def charge(self, kind: str, names: Iterable[str], tally: Tally) -> float:
        """Count the read of objects; return what the new ones among them cost, and add it to the tally."""
        with self._lock:
            today = utcnow().date()
            if self._day != today:
                self._day, self._billed = today, set()
            new = {(kind, name) for name in names} - self._billed
            self._billed |= new
        usd = len(new) * self._prices.get(kind, 0.0)
        tally.usd += usd
        return usd


class BilledPosts:
    """A budget of posts that also adds up what the posts of one account cost; `budget` limits them, if it is not None.

    It has the shape of `PostBudget`.
    """

    def __init__(self, bill: Bill, tally: Tally, budget: PostBudget | None) -> None:
        self._bill, self._tally, self._budget = bill, tally, budget
        self.usd = 0.0

    def left(self) -> int | None:
        """Return how many posts may still be reserved; None if there is no limit."""
        return None if self._budget is None else self._budget.left()

    def reserve(self, posts: int, least: int) -> Reserved:
        """Reserve up to `posts` posts before requesting them; none if fewer than `least` are left."""
        return Reserved(posts) if self._budget is None else self._budget.reserve(posts, least)

    def settle(self, reserved: Reserved, post_ids: Iterable[str]) -> None:
        """Count the posts that were read, and release their reservation."""
        names = list(post_ids)
        self.usd += self._bill.charge("post", names, self._tally)
        if self._budget is not None:
            self._budget.settle(reserved, names)

    def note(self, post_ids: Iterable[str]) -> None:
        """Count posts that were read without a reservation."""
        names = list(post_ids)
        self.usd += self._bill.charge("post", names, self._tally)
        if self._budget is not None:
            self._budget.note(names)
