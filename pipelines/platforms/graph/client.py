"""Batch client for the Graph API, shared by Instagram and Facebook (docs/platform-facts.md#meta-batches-and-lists)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson

from metrics.batches import batched
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import (
    BadAnswer,
    NeedsReauth,
    PlatformError,
    RateLimited,
    TooMuchData,
    Transient,
)
from pipelines.platforms.forms import encode_form
from pipelines.platforms.graph.errors import near_limit, raise_for, used_percent
from pipelines.platforms.http.bodies import parse_body
from pipelines.platforms.http.retries import retrying
from pipelines.platforms.provider_days import ProviderDays

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

MAX_BATCH = 50
META_DAYS = ProviderDays(hours=(9, 15, 21), settling=3, lag=timedelta(hours=32), span=89, reach=timedelta(days=2 * 365))
"""Pacific days: over by 08:00 UTC of the next date, and corrected for up to 48 hours after that.

Meta answers for the last two years, for at most 90 days per request. `span` is one day less, because 90 Pacific days
that include the end of summer time are an hour longer than 90 times 24 hours.

Facts: docs/platform-facts.md#meta-days, #facebook-insights.
"""

ELEMENT_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Get:
    """A GET request, one element of a batch."""

    path: str
    params: Mapping[str, str]

    @property
    def relative_url(self) -> str:
        """The element's URL, relative to the URL of the API version."""
        return f"{self.path}?{encode_form(self.params)}" if self.params else self.path


Result = Mapping[str, Any] | PlatformError


class GraphApi:
    """Sends batched reads. Each element counts as one call for Meta's rate limits; one request carries up to 50."""

    def __init__(self, http: "Http", version: str) -> None:
        self._http = http
        self.version = version

    def batch(self, token: str, gets: Sequence[Get], tally: Tally) -> list[Result]:
        """Return, in order, the body or the error of each element.

        When a rate limit is met, no more requests are sent: it is the result of all remaining elements, and is noted in
        `tally.limited`; earlier results are kept. When a whole request fails after its retries, its error is the result
        of its own elements. If this happens to the first request, it is the result of all elements, because the API is
        then assumed to be down.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        results: dict[int, Result] = {}
        pending = list(enumerate(gets))
        rounds = min(ELEMENT_ROUNDS, tally.tries)
        for last in (False,) * (rounds - 1) + (True,):
            again: list[tuple[int, Get]] = []
            for chunk in batched(pending, MAX_BATCH):
                found, failed = self._request(token, [get for _, get in chunk], tally)
                if failed is not None and not results:
                    return [failed] * len(gets)
                for (place, get), result in zip(chunk, found, strict=True):
                    if isinstance(result, NeedsReauth):
                        raise result
                    if isinstance(result, RateLimited):
                        tally.limited = result
                    if isinstance(result, Transient) and not (failed or last or _asks_for_less(get, result)):
                        again.append((place, get))
                    results[place] = result
            if not again:
                break
            tally.retries += len(again)
            pending = again
        return [results[place] for place in range(len(gets))]

    def get(
        self,
        path: str,
        token: str,
        params: Mapping[str, str],
        tally: Tally,
        *,
        versioned: bool = True,
        for_posts: bool = False,
    ) -> Mapping[str, Any]:
        """Return the body of one read that is not part of a batch.

        `versioned` is False for a path without an API version; `for_posts` is explained in `Tally.count_call`.

        Raises:
            PlatformError: the read failed.
        """
        whole = f"/{self.version}/{path}" if versioned else f"/{path}"
        found: Mapping[str, Any] = {}
        for attempt in retrying(tally):
            with attempt:
                tally.count_call(for_posts=for_posts)
                status, body, headers = self._http.send("GET", whole, token=token, params=params)
                raise_for(status, body, headers)
                _note_usage(tally, headers)
                if not isinstance(body, Mapping):
                    raise Transient("the Graph API's answer is not an object")
                found = body
        return found

    def _request(self, token: str, gets: Sequence[Get], tally: Tally) -> tuple[Sequence[Result], PlatformError | None]:
        """Return the result of each element, and the error of the whole request, if it failed."""
        if tally.limited is not None:
            return [tally.limited] * len(gets), tally.limited
        try:
            return self._post(token, gets, tally), None
        except NeedsReauth:
            raise
        except PlatformError as error:
            if isinstance(error, RateLimited):
                tally.limited = error
            return [error] * len(gets), error

    def _post(self, token: str, gets: Sequence[Get], tally: Tally) -> list[Result]:
        elements = [{"method": "GET", "relative_url": f"{self.version}/{get.relative_url}"} for get in gets]
        form = {"batch": orjson.dumps(elements).decode(), "include_headers": "true"}
        for attempt in retrying(tally):
            with attempt:
                tally.count_call(len(gets))
                status, body, headers = self._http.send("POST", f"/{self.version}/", token=token, form=form)
                raise_for(status, body, headers)
                _note_usage(tally, headers)
                if not isinstance(body, list) or len(body) != len(gets):
                    raise Transient("a batch came back with another number of elements")
        return [_element(element, headers) for element in body]


def _asks_for_less(get: Get, result: Result) -> bool:
    """Tell whether a list must be requested with fewer items: the same request would be refused again."""
    return isinstance(result, TooMuchData) and int(get.params.get("limit", 1)) > 1


def _element(element: Any, headers: Mapping[str, str]) -> Result:
    """Return an element's body, which is JSON within JSON, or its error; `null` means that the element timed out."""
    if element is None:
        return Transient("a batch element ran out of time")
    try:
        body = parse_body(element["body"])
        raise_for(element["code"], body, {**headers, **_headers_of(element)})
    except PlatformError as error:
        return error
    except (ValueError, KeyError, TypeError, AttributeError):
        return Transient("a batch element is not JSON")
    if not isinstance(body, Mapping):
        return BadAnswer("a batch element is not an object")
    return body


def _headers_of(element: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of an element, which may have its own `Retry-After`; malformed headers are ignored."""
    found = element.get("headers") or ()
    pairs = [(header.get("name"), header.get("value")) for header in found if isinstance(header, Mapping)]
    return {name: value for name, value in pairs if isinstance(name, str) and isinstance(value, str)}


def _note_usage(tally: Tally, headers: Mapping[str, str]) -> None:
    tally.near_limit = near_limit(headers) or tally.near_limit
    tally.used_percent = max(tally.used_percent, used_percent(headers))
