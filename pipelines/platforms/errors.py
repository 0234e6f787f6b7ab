"""The exception hierarchy of platform errors; each leaf class stands for one decision about what to do next.

    PlatformError
    ├── Transient            retry soon: overload, a cut connection, broken JSON
    │   └── TooMuchData      retry the list with fewer items per page
    ├── RateLimited          wait until `until`; `scope` tells what waits: the whole app, or the account
    │   ├── BudgetUsed       our own budget of posts is used: only calls that bill posts wait
    │   │   ├── BudgetUnknown    the used part of the budget is not known: calls that are not urgent wait
    │   │   └── CallsUsed        our own budget of calls for the account is used: its other calls wait
    │   └── QuotaUsed        one of the app's daily quotas is used: only calls that it counts wait
    ├── NeedsReauth          the account's token is dead: no more calls until the account is connected again
    │   └── WrongIdentity    the token works, but belongs to another account
    ├── AccountUnreachable   the account is deleted, converted, or not readable with this token
    ├── PermissionMissing    this token may not read this object; its other reads go on
    ├── MetricRefused        a metric in the request is invalid for this object: find it, and leave it out
    ├── PostUnavailable      this post has no numbers, because of `reason`; other posts have
    ├── PostGone             the post no longer exists
    └── BadAnswer            refused or not understood; a retry would not help
        └── RequestRefused   the platform found the request invalid; fewer or other ids may be valid

Messages quote the platform, and never contain a token or a URL with one.
"""

from datetime import datetime, timedelta
from typing import Literal

from metrics.clock import utcnow
from metrics.documents import Reason
from metrics.errors import TidemarkError


class PlatformError(TidemarkError):
    """Base class of all platform errors; `reason` is stored for the metrics that are missing because of the error."""

    reason: Reason = "provider_error"


class Transient(PlatformError):
    """An error that may pass: retry soon, after `retry_after` seconds if the platform requested a delay."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return str(self.args[0])


LONGEST_PAUSE = timedelta(days=32)
"""Upper bound of all pauses. No platform has a limit longer than a month, so a longer pause is taken for a mistake."""


def pause_until(seconds: float) -> datetime:
    """Return when a requested pause ends; the pause is clamped to between zero and `LONGEST_PAUSE`."""
    longest = LONGEST_PAUSE.total_seconds()
    # NaN compares as not smaller, so it becomes the longest pause.
    return utcnow() + timedelta(seconds=max(seconds, 0.0) if seconds < longest else longest)


_LONGEST_WINDOW = timedelta(hours=25)
"""A day, the longest window of any limit, plus tolerance for clock differences."""
_MINUTE = timedelta(minutes=1)


def window_end(reset: str, window: timedelta) -> datetime:
    """Return when the window of a limit ends.

    Args:
        reset: the header with the end of the window, in unix seconds.
        window: its usual length, for a header that is no instant of the next day, but in milliseconds, or nonsense.

    An end that is over (our clock is ahead, or the answer was slow) becomes a pause of a minute: the limit was in
    force, and accounts that are asked at once would meet it one after another.
    """
    if not (reset.isascii() and reset.isdecimal()):
        return utcnow() + window
    ahead = float(reset) - utcnow().timestamp()
    if ahead > _LONGEST_WINDOW.total_seconds():
        return utcnow() + window
    return utcnow() + (timedelta(seconds=ahead) if ahead > 0 else _MINUTE)


class TooMuchData(Transient):
    """The requested page may be too large: request fewer items per page."""


class RateLimited(PlatformError):
    """The platform's budget is used up until `until` (UTC), at most `LONGEST_PAUSE` from now."""

    def __init__(self, message: str, until: datetime, scope: Literal["app", "account"]) -> None:
        until = min(until, utcnow() + LONGEST_PAUSE)
        super().__init__(message, until, scope)
        self.until = until
        self.scope = scope

    def __str__(self) -> str:
        return f"{self.args[0]} (until {self.until:%Y-%m-%d %H:%M} UTC)"


class BudgetUsed(RateLimited):
    """Our own budget of distinct posts (not the platform's) is too small for the call; it starts anew at 00:00 UTC.

    No request was sent to the platform, so no other calls have to wait.
    """

    def __init__(self) -> None:
        midnight = utcnow().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        super().__init__("the budget of distinct posts is used", midnight, "account")

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return type(self), ()


class BudgetUnknown(BudgetUsed):
    """Redis, which counts today's posts, does not answer: calls that are not urgent wait instead of billing unseen."""

    def __init__(self) -> None:
        message = "the budget of distinct posts is not known: Redis does not answer"
        RateLimited.__init__(self, message, utcnow() + timedelta(minutes=5), "account")


class CallsUsed(BudgetUsed):
    """Our own budget of calls for an account within 24 hours is used; some of it is free again in the next hour."""

    def __init__(self) -> None:
        next_hour = utcnow().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        RateLimited.__init__(self, "the account's budget of calls within 24 hours is used", next_hour, "account")


class QuotaUsed(RateLimited):
    """A daily quota of the app is used until `until`: only the calls that it counts wait, for every account."""

    def __init__(self, quota: str, until: datetime) -> None:
        super().__init__(f"the daily quota of calls «{quota}» is used", until, "app")
        self.quota = quota

    def __reduce__(self) -> tuple[type, tuple[str, datetime]]:
        return type(self), (self.quota, self.until)


class NeedsReauth(PlatformError):
    """The token is expired or revoked."""

    reason: Reason = "permission_missing"


class WrongIdentity(NeedsReauth):
    """The token belongs to another account than the one it was stored for; renewing it would not help."""


class AccountUnreachable(PlatformError):
    """The platform reports that the account does not exist, or that this token may not read it."""

    reason: Reason = "permission_missing"


class PermissionMissing(PlatformError):
    """The token lacks a scope or role."""

    reason: Reason = "permission_missing"


class MetricRefused(PlatformError):
    """One metric of the request is unknown, retired, or not offered for this kind of object."""

    reason: Reason = "metric_retired"


class PostUnavailable(PlatformError):
    """A post has no numbers: it has too few viewers, or is older than the business account."""

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message, reason)
        self.reason = reason

    def __str__(self) -> str:
        return str(self.args[0])


class PostGone(PlatformError):
    """A post is deleted, expired, or not visible to this token: the platforms do not tell which."""

    reason: Reason = "not_recoverable"


class BadAnswer(PlatformError):
    """An answer that a retry would not change: HTML instead of JSON, an unknown host, a refused request."""


class RequestRefused(BadAnswer):
    """The platform found a request invalid; one of several ids in it may be the reason."""
