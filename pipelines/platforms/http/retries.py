"""Retry policy: only transient errors are retried, after an exponential back-off or the platform's `Retry-After`."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

import tenacity

from metrics.clock import utcnow
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import RateLimited, Transient, pause_until

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 20.0
LONGEST_ASKED_WAIT_SECONDS = 60.0


def overloaded(message: str, headers: Mapping[str, str]) -> Transient | RateLimited:
    """Return the error of an overloaded platform: `Transient`, or `RateLimited` if it demands a long pause.

    A pause of more than `LONGEST_ASKED_WAIT_SECONDS` is too long for a thread to sleep through.
    """
    seconds = retry_after(headers.get("Retry-After", ""))
    if seconds is not None and seconds > LONGEST_ASKED_WAIT_SECONDS:
        return RateLimited(message, pause_until(seconds), "account")
    return Transient(message, seconds)


def retry_after(text: str) -> float | None:
    """Return the seconds of a `Retry-After` header, which is a number or a date (RFC 9110, 10.2.3); None if neither."""
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max((at - utcnow()).total_seconds(), 0.0)


def retrying(tally: Tally) -> tenacity.Retrying:
    """Return the retry policy: exponential back-off with full jitter, `Retry-After` obeyed, transient errors only."""
    jitter = tenacity.wait_random_exponential(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS)

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        requested = error.retry_after if isinstance(error, Transient) else None
        return requested if requested is not None else jitter(state)

    def count(state: tenacity.RetryCallState) -> None:
        tally.retries += 1
        tally.waited_seconds += state.next_action.sleep if state.next_action else 0.0

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(Transient),
        stop=tenacity.stop_after_attempt(tally.tries),
        wait=wait,
        before_sleep=count,
        reraise=True,
    )
