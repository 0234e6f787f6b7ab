"""What the calls of an account cost, and the limits that they met."""

from dataclasses import dataclass

from pipelines.platforms.errors import QuotaUsed, RateLimited
from pipelines.platforms.limits import CallBudget

TRIES = 4
"""Maximum number of attempts of a call that fails with transient errors."""


@dataclass
class Tally:
    """The cost of an account's calls, and the limits that they met.

    `tries` is the maximum number of attempts of a call that fails with transient errors. `near_limit` is set when the
    platform's budget is nearly used. `limited` is set when a limit was met after something had been read: that is kept,
    and no more requests are sent. `quota_used` is set when a quota of the app forbade some calls, while others go on.
    `used_percent` is the highest used share of a budget that any answer, or `budget`, reported; 0 if none did. `budget`
    limits the calls that are sent with `count_call`, if it is set. `usd` is what the platform bills for accounts of
    others and their posts, in US dollars.
    """

    tries: int = TRIES
    budget: CallBudget | None = None
    calls: int = 0
    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    near_limit: RateLimited | None = None
    quota_used: QuotaUsed | None = None
    limited: RateLimited | None = None
    used_percent: float = 0.0
    usd: float = 0.0

    def note_limit(self, error: RateLimited) -> None:
        """Note a limit that was met after something had been read."""
        if isinstance(error, QuotaUsed):
            self.quota_used = error
        else:
            self.limited = error

    def count_call(self, calls: int = 1, *, for_posts: bool = False) -> None:
        """Count one request that is about to be sent, which the platform counts as so many calls.

        `for_posts` is set for the calls that read one post each. They leave a part of the budget to the others, which
        read the account and its lists.

        Raises:
            CallsUsed: `budget` has no room for the calls; the request must not be sent.
        """
        if self.budget is not None:
            for _ in range(calls):
                self.used_percent = max(self.used_percent, self.budget.spend(for_posts=for_posts))
        self.calls += calls
        self.requests += 1
