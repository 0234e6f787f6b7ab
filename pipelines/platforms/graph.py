"""The Graph API, as Instagram and Facebook share it: batches, errors, usage (platforms.md, 1)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson

from metrics.clock import utcnow
from pipelines.platforms.base import ProviderDays, Tally
from pipelines.platforms.errors import (
    BadAnswer,
    MetricRefused,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    PostUnavailable,
    RateLimited,
    Transient,
)
from pipelines.platforms.retries import overloaded, retrying

if TYPE_CHECKING:
    from pipelines.platforms.http import Http

MAX_BATCH = 50
META_DAYS = ProviderDays(hours=(9, 15, 21), settling=3, lag=timedelta(hours=32))
"""Pacific days: over by 08:00 UTC of the next date, corrected for up to 48 hours after (platforms.md, 2.4)."""

ELEMENT_ROUNDS = 3

_APP_LIMITS = frozenset({4, 341, 368})
_ACCOUNT_LIMITS = frozenset({17, 32, 613, 80000, 80001, 80002, 80003, 80004})
_APP_PAUSE = timedelta(minutes=15)
_ACCOUNT_PAUSE = timedelta(minutes=15)
_NEARLY_USED_PERCENT = 95
_OBJECT_MISSING = 33
_BEFORE_CONVERSION = 2108006
_NOT_CROSS_POSTED = 2207086


@dataclass(frozen=True, slots=True)
class Get:
    """One element of a batch."""

    path: str
    params: Mapping[str, str]

    @property
    def relative_url(self) -> str:
        """The element's URL, relative to the version."""
        return f"{self.path}?{urlencode(self.params)}" if self.params else self.path


Result = Mapping[str, Any] | PlatformError


class GraphApi:
    """Batched reads. Each element is one call for the platform's limits, 50 travel in one request."""

    def __init__(self, http: "Http", version: str) -> None:
        self._http = http
        self.version = version

    def batch(self, token: str, gets: Sequence[Get], tally: Tally) -> list[Result]:
        """Return, in order, the body of each element or the error it came to.

        A limit that is met is what all elements after it come to: what was read before it is kept, and no more is
        asked; `tally.limited` says so.

        Raises:
            NeedsReauth: nothing more can be read with this token.
            Transient, BadAnswer: the request as a whole failed, and so did its retries.
        """
        results: dict[int, Result] = {}
        pending = list(enumerate(gets))
        for last in (False,) * (ELEMENT_ROUNDS - 1) + (True,):
            again: list[tuple[int, Get]] = []
            for chunk in _chunks(pending):
                for (place, get), result in zip(chunk, self._asked(token, [g for _, g in chunk], tally), strict=True):
                    if isinstance(result, NeedsReauth):
                        raise result
                    if isinstance(result, RateLimited):
                        tally.limited = result
                    if isinstance(result, Transient) and not last:
                        again.append((place, get))
                    results[place] = result
            if not again:
                break
            tally.retries += len(again)
            pending = again
        return [results[place] for place in range(len(gets))]

    def get(self, path: str, token: str, params: Mapping[str, str], tally: Tally) -> Mapping[str, Any]:
        """Return the body of one read.

        Raises:
            PlatformError: what the answer means.
        """
        for attempt in retrying(tally):
            with attempt:
                tally.calls += 1
                tally.requests += 1
                status, body, headers = self._http.send("GET", f"/{self.version}/{path}", token=token, params=params)
                raise_for(status, body, headers)
                tally.near_limit = near_limit(headers) or tally.near_limit
        found: Mapping[str, Any] = body
        return found

    def _asked(self, token: str, gets: Sequence[Get], tally: Tally) -> Sequence[Result]:
        if tally.limited is not None:
            return [tally.limited] * len(gets)
        try:
            return self._post(token, gets, tally)
        except RateLimited as limit:
            return [limit] * len(gets)

    def _post(self, token: str, gets: Sequence[Get], tally: Tally) -> list[Result]:
        elements = [{"method": "GET", "relative_url": f"{self.version}/{get.relative_url}"} for get in gets]
        form = {"batch": orjson.dumps(elements).decode(), "include_headers": "false"}
        for attempt in retrying(tally):
            with attempt:
                tally.calls += len(gets)
                tally.requests += 1
                status, body, headers = self._http.send("POST", f"/{self.version}/", token=token, form=form)
                raise_for(status, body, headers)
                tally.near_limit = near_limit(headers) or tally.near_limit
                if not isinstance(body, list) or len(body) != len(gets):
                    raise Transient("a batch came back with another number of elements")
        return [_element(element, headers) for element in body]


def _element(element: Any, headers: Mapping[str, str]) -> Result:
    """Return an element's body, which is JSON within JSON; `null` means that it ran out of time."""
    if element is None:
        return Transient("a batch element ran out of time")
    try:
        body = orjson.loads(element["body"])
        raise_for(element["code"], body, headers)
    except PlatformError as error:
        return error
    except (ValueError, KeyError, TypeError):
        return Transient("a batch element is not JSON")
    found: Mapping[str, Any] = body
    return found


def raise_for(status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
    """Raise what an answer means, if it is an error. The code decides, not the HTTP status (platforms.md, 1.4).

    Raises:
        PlatformError: one leaf per decision.
    """
    error = body.get("error") if isinstance(body, Mapping) else None
    if error is None:
        if status >= 500:
            raise overloaded(f"the Graph API answers {status}", headers or {})
        if status == 429:
            raise RateLimited("too many requests", _regained_at(headers or {}), "account")
        if status >= 400:
            raise BadAnswer(f"the Graph API answers {status}")
        return
    if not isinstance(error, Mapping):
        raise BadAnswer(f"the Graph API answers {status}: {str(error)[:200]}")
    raise _decide(error, headers or {})


def _decide(error: Mapping[str, Any], headers: Mapping[str, str]) -> PlatformError:
    code, subcode = error.get("code"), error.get("error_subcode")
    message = str(error.get("error_user_msg") or error.get("message") or f"code {code}")[:300]
    if code in (102, 190, 104):
        return NeedsReauth(message)
    if code in _APP_LIMITS:
        return RateLimited(message, utcnow() + _APP_PAUSE, "app")
    if code in _ACCOUNT_LIMITS:
        return RateLimited(message, _regained_at(headers), "account")
    if code in (1, 2) or error.get("is_transient") is True:
        return Transient(message)
    if code == 10:
        if "not enough viewers" in message.lower():
            return PostUnavailable(message, "privacy_threshold")
        return PermissionMissing(message)
    if isinstance(code, int) and 200 <= code <= 299:
        return PermissionMissing(message)
    if code == 100:
        return _invalid(subcode, message)
    return BadAnswer(message)


def _invalid(subcode: object, message: str) -> PlatformError:
    """Split code 100: a missing object, a post without insights, a metric, or a request of ours that is wrong."""
    if subcode == _OBJECT_MISSING or "Unsupported get request" in message:
        return PostGone(message)
    if subcode == _BEFORE_CONVERSION:
        return PostUnavailable(message, "not_recoverable")
    if "missing permission" in message:
        return PermissionMissing(message)
    if subcode == _NOT_CROSS_POSTED or "metric" in message.lower():
        return MetricRefused(message)
    return BadAnswer(message)


def _regained_at(headers: Mapping[str, str]) -> datetime:
    """Return when the account may be read again: `estimated_time_to_regain_access` is in minutes."""
    minutes = 0
    try:
        usage = orjson.loads(headers.get("x-business-use-case-usage") or "{}")
        minutes = max(int(u.get("estimated_time_to_regain_access", 0)) for each in usage.values() for u in each)
    except (ValueError, AttributeError, TypeError):
        minutes = 0
    return utcnow() + (timedelta(minutes=minutes) if minutes else _ACCOUNT_PAUSE)


def near_limit(headers: Mapping[str, str]) -> RateLimited | None:
    """Return the pause to make where the usage headers tell of a nearly used budget (platforms.md, 1.3)."""
    if _used_percent(headers.get("x-app-usage")) >= _NEARLY_USED_PERCENT:
        return RateLimited("the app's budget is nearly used", utcnow() + _APP_PAUSE, "app")
    if _used_percent(headers.get("x-business-use-case-usage")) >= _NEARLY_USED_PERCENT:
        return RateLimited("the account's budget is nearly used", _regained_at(headers), "account")
    return None


def _used_percent(header: str | None) -> int:
    """Return the highest share used of a usage header; 0 where there is none that can be read."""
    try:
        usage = orjson.loads(header or "{}")
        flat = [usage] if "call_count" in usage else [each for cases in usage.values() for each in cases]
        names = ("call_count", "total_cputime", "total_time")
        return max((int(each.get(name, 0)) for each in flat for name in names), default=0)
    except (ValueError, AttributeError, TypeError):
        return 0


def _chunks(pending: Sequence[tuple[int, Get]]) -> Iterator[list[tuple[int, Get]]]:
    rest = iter(pending)
    while chunk := list(islice(rest, MAX_BATCH)):
        yield chunk
