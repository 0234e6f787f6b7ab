"""Maps Graph API errors and usage headers to decisions, by Meta's error codes, not HTTP's.

Facts: docs/platform-facts.md#meta-rate-limits, #meta-errors.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from metrics.clock import utcnow
from pipelines.platforms.answers import UNEXPECTED
from pipelines.platforms.errors import (
    AccountUnreachable,
    BadAnswer,
    MetricRefused,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    PostUnavailable,
    RateLimited,
    RequestRefused,
    TooMuchData,
    Transient,
    pause_until,
)
from pipelines.platforms.http.retries import overloaded, retry_after

_APP_LIMITS = frozenset({4, 341, 368})
_ACCOUNT_LIMITS = frozenset({17, 32, 613, 80000, 80001, 80002, 80003, 80004})
_APP_PAUSE = timedelta(minutes=15)
_ACCOUNT_PAUSE = timedelta(minutes=15)
_LONGEST_WAIT_SECONDS = 86_400
_NEARLY_USED_PERCENT = 95
_APP_USAGE, _CASE_USAGE = "X-App-Usage", "X-Business-Use-Case-Usage"
_TOO_MUCH = ("reduce the amount of data", "ask for less")
_PERMISSION = ("missing permission", "pages public content access", "pages public metadata access")
_LONGEST_CODE = 18
_OBJECT_MISSING = 33
_MIGRATED = 21
"""Code for a page that was merged into another one: «Page ID … was migrated to page ID …»."""
_NO_SUCH_ALIAS = 803
"""Code for an object that does not exist: «Some of the aliases you requested do not exist»."""
_NO_SUCH_USER = 110
"""Code of Business Discovery for an account that it does not show, whatever the reason."""
_BEFORE_CONVERSION = 2108006
_NOT_CROSS_POSTED = 2207086


def raise_for(status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
    """Raise the error that an answer contains, if any. The code decides, not the HTTP status.

    Facts: docs/platform-facts.md#meta-errors.

    Raises:
        PlatformError: the leaf class of the decision.
    """
    error = body.get("error") if isinstance(body, Mapping) else None
    # The header names of batch elements come in any case.
    headers = {name.title(): value for name, value in (headers or {}).items()}
    if error is None:
        if status >= 500:
            raise overloaded(f"the Graph API answers {status}", headers)
        if status == 429:
            raise RateLimited("too many requests", _regained_at(headers, _ACCOUNT_PAUSE), "account")
        if status >= 400:
            raise BadAnswer(f"the Graph API answers {status}")
        return
    if not isinstance(error, Mapping):
        raise BadAnswer(f"the Graph API answers {status}: {str(error)[:200]}")
    raise _decide(error, status, headers)


def _decide(error: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> PlatformError:
    """Return the exception for an error object, by its code and its `message`, which is always English.

    The text of the exception is `error_user_msg` if there is one. The HTTP status decides only if the code is unknown.
    """
    code, subcode = (_whole(error.get(name)) for name in ("code", "error_subcode"))
    message = str(error.get("message") or f"code {code}")
    shown = str(error.get("error_user_msg") or message)[:300]
    if code in (102, 190, 104):
        return NeedsReauth(shown)
    if code in _APP_LIMITS:
        return RateLimited(shown, _regained_at(headers, _APP_PAUSE), "app")
    if code in _ACCOUNT_LIMITS:
        return RateLimited(shown, _regained_at(headers, _ACCOUNT_PAUSE), "account")
    if code in (1, 2) or error.get("is_transient") is True:
        found = _passing(code, error.get("is_transient"), message, shown)
        return overloaded(shown, headers) if type(found) is Transient else found
    if code == 10:
        if "not enough viewers" in message.lower():
            return PostUnavailable(shown, "privacy_threshold")
        return PermissionMissing(shown)
    if code is not None and 200 <= code <= 299:
        return PermissionMissing(shown)
    if code == 100:
        return _invalid(subcode, message.lower(), shown)
    if code in (_MIGRATED, _NO_SUCH_USER):
        return AccountUnreachable(shown)
    if code == _NO_SUCH_ALIAS:
        return PostGone(shown)
    if status == 429:
        return RateLimited(shown, _regained_at(headers, _ACCOUNT_PAUSE), "account")
    return overloaded(shown, headers) if status >= 500 else BadAnswer(shown)


def _whole(value: object) -> int | None:
    """Return a code as an integer (some proxies write it as text), or None if it is not one."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value[:_LONGEST_CODE])
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _passing(code: object, is_transient: object, message: str, shown: str) -> PlatformError:
    """Split codes 1 and 2: too long a list, a transient failure, or one marked as not transient."""
    if any(words in message.lower() for words in _TOO_MUCH):
        return TooMuchData(shown)
    if is_transient is False:
        return BadAnswer(shown)
    # Code 1 means «unknown»: for a list, its length may be the cause; other such failures pass.
    return TooMuchData(shown) if code == 1 else Transient(shown)


def _invalid(subcode: object, message: str, shown: str) -> PlatformError:
    """Split code 100: a missing object, a post without insights, a permission, a metric, or an invalid request."""
    if subcode == _OBJECT_MISSING or "unsupported get request" in message:
        return PostGone(shown)
    if subcode == _BEFORE_CONVERSION:
        return PostUnavailable(shown, "not_recoverable")
    if any(words in message for words in _PERMISSION):
        return PermissionMissing(shown)
    if subcode == _NOT_CROSS_POSTED or "metric" in message:
        return MetricRefused(shown)
    return RequestRefused(shown)


def _regained_at(headers: Mapping[str, str], otherwise: timedelta) -> datetime:
    """Return when the next request may be sent: the latest time that the headers state, or after the usual pause.

    The headers are `Retry-After`, `x-rate-limit-reset` (seconds since 1970) and, in minutes,
    `estimated_time_to_regain_access`; the first two come from proxies and gateways. The budgets cover rolling windows
    of at most 24 hours (docs/platform-facts.md#meta-rate-limits), so a longer wait is taken for a mistake and cut.
    """
    seconds = max(
        retry_after(headers.get("Retry-After", "")) or 0.0,
        _seconds_until_reset(headers.get("X-Rate-Limit-Reset", "")),
        _seconds_of_usage(headers.get(_CASE_USAGE)),
    )
    return pause_until(min(seconds, _LONGEST_WAIT_SECONDS)) if seconds > 0 else utcnow() + otherwise


def _seconds_until_reset(text: str) -> float:
    return float(text) - utcnow().timestamp() if text.isascii() and text.isdecimal() else 0.0


def _seconds_of_usage(header: str | None) -> float:
    try:
        usage = orjson.loads(header or "{}")
        return 60 * max(float(u.get("estimated_time_to_regain_access", 0)) for each in usage.values() for u in each)
    except UNEXPECTED:
        return 0.0


def near_limit(headers: Mapping[str, str]) -> RateLimited | None:
    """Return the pause to make if the usage headers report a nearly used budget, else None.

    Facts: docs/platform-facts.md#meta-rate-limits.
    """
    headers = {name.title(): value for name, value in headers.items()}
    if _used_percent(headers.get(_APP_USAGE)) >= _NEARLY_USED_PERCENT:
        return RateLimited("the app's budget is nearly used", utcnow() + _APP_PAUSE, "app")
    if _used_percent(headers.get(_CASE_USAGE)) >= _NEARLY_USED_PERCENT:
        return RateLimited("the account's budget is nearly used", _regained_at(headers, _ACCOUNT_PAUSE), "account")
    return None


def used_percent(headers: Mapping[str, str]) -> float:
    """Return the highest used share of a budget in the usage headers, in percent; 0 if there are none."""
    headers = {name.title(): value for name, value in headers.items()}
    return max(_used_percent(headers.get(name)) for name in (_APP_USAGE, _CASE_USAGE))


def _used_percent(header: str | None) -> int:
    """Return the highest used share in one usage header, in percent; 0 if it is missing or cannot be parsed."""
    try:
        usage = orjson.loads(header or "{}")
        flat = [usage] if "call_count" in usage else [each for cases in usage.values() for each in cases]
        names = ("call_count", "total_cputime", "total_time")
        return max((int(each.get(name, 0)) for each in flat for name in names), default=0)
    except UNEXPECTED:
        return 0
