"""What a platform's answer means for the next step; each leaf is a decision.

    PlatformError
    ├── Transient            try again soon: overload, a cut connection, broken JSON
    │   └── TooMuchData      a list may answer if it is asked for fewer items at a time
    ├── RateLimited          wait until `until`; `scope` says what waits: the whole app, or the account
    │   └── BudgetUsed       our own budget of posts is used: what bills posts waits, and nothing else
    │       └── BudgetUnknown    nobody knows how much of it is used: what can wait does
    ├── NeedsReauth          the account's token is dead: no more calls until it is connected again
    │   └── WrongIdentity    the token works, but belongs to another account
    ├── AccountUnreachable   the account is deleted, converted or closed to this token
    ├── PermissionMissing    this token may not read this; its other reads go on
    ├── MetricRefused        a metric in the request is invalid here: find it, leave it out
    ├── PostUnavailable      this post has no numbers to give, for `reason`; its neighbours have
    ├── PostGone             the post is not there any more
    └── BadAnswer            refused or not understood, and asking again changes nothing

Messages are the platform's own words, never a token or a URL with one.
"""

from datetime import datetime, timedelta
from typing import Literal

from metrics.clock import utcnow
from metrics.documents import Reason
from metrics.errors import TidemarkError


class PlatformError(TidemarkError):
    """Base of all; `reason` is what becomes of the numbers concerned."""

    reason: Reason = "provider_error"


class Transient(PlatformError):
    """Asking again soon may help. `retry_after` are seconds, where the platform says so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return str(self.args[0])


LONGEST_PAUSE = timedelta(days=32)
"""The longest limit that a platform has is a month; what asks for more is a mistake, and is tried again after that."""


def pause_until(seconds: float) -> datetime:
    """Return the end of a pause that a platform asks for, however absurd: at once at the least, a month at the most."""
    longest = LONGEST_PAUSE.total_seconds()
    # Written so that NaN, which is not smaller than anything, becomes the longest pause.
    return utcnow() + timedelta(seconds=max(seconds, 0.0) if seconds < longest else longest)


class TooMuchData(Transient):
    """The answer may have been too large: a list is asked for fewer items at a time."""


class RateLimited(PlatformError):
    """The budget is used up until `until` (UTC), which lies `LONGEST_PAUSE` ahead at the most."""

    def __init__(self, message: str, until: datetime, scope: Literal["app", "account"]) -> None:
        until = min(until, utcnow() + LONGEST_PAUSE)
        super().__init__(message, until, scope)
        self.until = until
        self.scope = scope

    def __str__(self) -> str:
        return f"{self.args[0]} (until {self.until:%Y-%m-%d %H:%M} UTC)"


class BudgetUsed(RateLimited):
    """The budget of distinct posts, which is ours and not the platform's, does not reach; it begins anew at 00:00 UTC.

    The platform was not asked, so nobody else has to wait.
    """

    def __init__(self) -> None:
        midnight = utcnow().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        super().__init__("the budget of distinct posts is used", midnight, "account")

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return type(self), ()


class BudgetUnknown(BudgetUsed):
    """Redis, which counts the posts that were read today, does not answer: what can wait is not billed blindly."""

    def __init__(self) -> None:
        message = "the budget of distinct posts is not known: Redis does not answer"
        RateLimited.__init__(self, message, utcnow() + timedelta(minutes=5), "account")


class NeedsReauth(PlatformError):
    """The token is expired or revoked."""

    reason: Reason = "permission_missing"


class WrongIdentity(NeedsReauth):
    """The token belongs to another account than the one it was stored for; renewing it changes nothing."""


class AccountUnreachable(PlatformError):
    """The platform says that the account itself is not there, or not for this token."""

    reason: Reason = "permission_missing"


class PermissionMissing(PlatformError):
    """A scope or role is missing."""

    reason: Reason = "permission_missing"


class MetricRefused(PlatformError):
    """One metric of the request is unknown, retired, or not for this kind of object."""

    reason: Reason = "metric_retired"


class PostUnavailable(PlatformError):
    """A post without numbers: too few viewers, or older than the business account."""

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message, reason)
        self.reason = reason

    def __str__(self) -> str:
        return str(self.args[0])


class PostGone(PlatformError):
    """Deleted, expired, or never visible to this token: the platforms do not tell which."""

    reason: Reason = "not_recoverable"


class BadAnswer(PlatformError):
    """An answer that a further try would not change: HTML instead of JSON, an unknown host, a refused request."""
