"""Sends requests to Google's APIs: with a token or the API key, retried, and counted in the daily quotas of the app.

Facts: docs/platform-facts.md#youtube-limits-and-errors.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from metrics.clock import utcnow
from pipelines.platforms.base import App
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import QuotaUsed, RateLimited, Transient
from pipelines.platforms.http.retries import retrying
from pipelines.platforms.youtube.answers import parsing_answer, raise_for

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

_MINUTE = timedelta(minutes=1)
_TOO_MANY = 429

_Sent = tuple[int, Any, Mapping[str, str]]


class MinuteUsed(RateLimited):
    """The app sent too many requests to one of Google's APIs within a minute."""


class Calls:
    """Requests to one of Google's hosts; thread-safe.

    `per_minute` says that this host allows the app only few requests a minute. A refused request is then not tried
    again, and no request is sent for a minute, because every further one would be refused and counted in the quota of
    the day.
    """

    def __init__(self, http: "Http", app: App, *, per_minute: bool = False) -> None:
        self._http, self._app, self._per_minute = http, app, per_minute
        self._silent_until = datetime.min.replace(tzinfo=UTC)

    def get(
        self, path: str, params: Mapping[str, str], access: Access, tally: Tally, quota: str | None = None
    ) -> Mapping[str, Any]:
        """Return the body of an answer; `quota` is the quota that counts the request, and each of its retries.

        Raises:
            QuotaUsed: nothing is left of the quota.
            MinuteUsed: the host allows no more requests in this minute.
            PlatformError: the request failed.
        """
        key = access.credentials.get("api_key")

        def send() -> _Sent:
            return self._http.send(
                "GET",
                path,
                token=None if key else access.token,
                params=params,
                headers={"X-Goog-Api-Key": str(key)} if key else None,
            )

        return _object(self._exchange(send, tally, quota, lambda body: isinstance(body, Mapping)))

    def post(
        self, path: str, body: Mapping[str, str], access: Access, tally: Tally, quota: str | None = None
    ) -> Mapping[str, Any]:
        """Send an object; return the body of the answer. The errors are those of `get`."""

        def send() -> _Sent:
            return self._http.send("POST", path, token=access.token, json=body)

        return _object(self._exchange(send, tally, quota, lambda found: isinstance(found, Mapping)))

    def download(self, path: str, query: str, access: Access, tally: Tally, quota: str | None = None) -> bytes:
        """Return the content of a file. The errors are those of `get`."""

        def send() -> _Sent:
            return self._http.download(path, token=access.token, query=query)

        return bytes(self._exchange(send, tally, quota, lambda body: isinstance(body, bytes)))

    def _exchange(
        self, send: Callable[[], _Sent], tally: Tally, quota: str | None, has_form: Callable[[Any], bool]
    ) -> Any:
        """Send a request until it is answered; return the body, which `has_form` accepts."""
        found: Any = None
        for attempt in retrying(tally):
            with attempt:
                if utcnow() < self._silent_until:
                    raise MinuteUsed("too many requests within a minute", self._silent_until, "app")
                if quota is not None:
                    tally.used_percent = max(tally.used_percent, self._app.quotas.spend(quota))
                tally.calls += 1
                tally.requests += 1
                status, body, headers = send()
                self._check(status, body, headers, quota)
                if not has_form(body):
                    raise Transient("YouTube's answer is not an object")
                found = body
        return found

    def _check(self, status: int, body: Any, headers: Mapping[str, str], quota: str | None) -> None:
        """Raise the error that an answer contains; note a used quota for all workers.

        Raises:
            PlatformError: the error.
        """
        try:
            with parsing_answer():
                raise_for(status, body, headers)
        except QuotaUsed as error:
            raise self._app.quotas.exhausted(quota) if quota is not None else error from None
        except Transient as error:
            if not self._per_minute or status != _TOO_MANY:
                raise
            self._silent_until = utcnow() + _MINUTE
            raise MinuteUsed(str(error), self._silent_until, "app") from None


def _object(body: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = body
    return found
