"""The Graph API, as Instagram and Facebook share it: batches, errors, usage (platforms.md, 1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson

from metrics.batches import batched
from metrics.clock import utcnow
from pipelines.platforms.answers import UNEXPECTED
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
    TooMuchData,
    Transient,
    pause_until,
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
_TOO_MUCH = ("reduce the amount of data", "ask for less")
_PERMISSION = ("missing permission", "pages public content access", "pages public metadata access")
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
        rounds = min(ELEMENT_ROUNDS, tally.tries)
        for last in (False,) * (rounds - 1) + (True,):
            again: list[tuple[int, Get]] = []
            for chunk in batched(pending, MAX_BATCH):
                for (place, get), result in zip(chunk, self._asked(token, [g for _, g in chunk], tally), strict=True):
                    if isinstance(result, NeedsReauth):
                        raise result
                    if isinstance(result, RateLimited):
                        tally.limited = result
                    if isinstance(result, Transient) and not last and not _asks_for_less(get, result):
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
        found: Mapping[str, Any] = {}
        for attempt in retrying(tally):
            with attempt:
                tally.calls += 1
                tally.requests += 1
                status, body, headers = self._http.send("GET", f"/{self.version}/{path}", token=token, params=params)
                raise_for(status, body, headers)
                tally.near_limit = near_limit(headers) or tally.near_limit
                if not isinstance(body, Mapping):
                    raise Transient("the Graph API's answer is no object")
                found = body
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


def _asks_for_less(get: Get, result: Result) -> bool:
    """Tell whether a list has to be asked for fewer items: asking again for as many would be refused again."""
    return isinstance(result, TooMuchData) and int(get.params.get("limit", 1)) > 1


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
    if not isinstance(body, Mapping):
        return BadAnswer("a batch element is no object")
    return body


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
    """Decide on the code and on `message`, which stays English; a person is shown the text that was made for people."""
    code, subcode = error.get("code"), error.get("error_subcode")
    message = str(error.get("message") or f"code {code}")
    shown = str(error.get("error_user_msg") or message)[:300]
    if code in (102, 190, 104):
        return NeedsReauth(shown)
    if code in _APP_LIMITS:
        return RateLimited(shown, utcnow() + _APP_PAUSE, "app")
    if code in _ACCOUNT_LIMITS:
        return RateLimited(shown, _regained_at(headers), "account")
    if code in (1, 2) or error.get("is_transient") is True:
        return _passing(code, error.get("is_transient"), message, shown)
    if code == 10:
        if "not enough viewers" in message.lower():
            return PostUnavailable(shown, "privacy_threshold")
        return PermissionMissing(shown)
    if isinstance(code, int) and 200 <= code <= 299:
        return PermissionMissing(shown)
    if code == 100:
        return _invalid(subcode, message.lower(), shown)
    return BadAnswer(shown)


def _passing(code: object, is_transient: object, message: str, shown: str) -> PlatformError:
    """Split codes 1 and 2: a list that is too long, a failure that passes, one that says of itself that it does not."""
    if any(words in message.lower() for words in _TOO_MUCH):
        return TooMuchData(shown)
    if is_transient is False:
        return BadAnswer(shown)
    # Code 1 says «unknown»: of a list that may be its length, of anything else it passes (platforms.md, 1.4).
    return TooMuchData(shown) if code == 1 else Transient(shown)


def _invalid(subcode: object, message: str, shown: str) -> PlatformError:
    """Split code 100: a missing object, a post without insights, a metric, or a request of ours that is wrong."""
    if subcode == _OBJECT_MISSING or "unsupported get request" in message:
        return PostGone(shown)
    if subcode == _BEFORE_CONVERSION:
        return PostUnavailable(shown, "not_recoverable")
    if any(words in message for words in _PERMISSION):
        return PermissionMissing(shown)
    if subcode == _NOT_CROSS_POSTED or "metric" in message:
        return MetricRefused(shown)
    return BadAnswer(shown)


def _regained_at(headers: Mapping[str, str]) -> datetime:
    """Return when the account may be read again: `estimated_time_to_regain_access` is in minutes."""
    minutes = 0.0
    try:
        usage = orjson.loads(headers.get("x-business-use-case-usage") or "{}")
        minutes = max(float(u.get("estimated_time_to_regain_access", 0)) for each in usage.values() for u in each)
    except UNEXPECTED:
        minutes = 0.0
    return pause_until(minutes * 60) if minutes > 0 else utcnow() + _ACCOUNT_PAUSE


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
    except UNEXPECTED:
        return 0
