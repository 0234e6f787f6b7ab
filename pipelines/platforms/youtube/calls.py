"""Sends requests to Google's APIs: with a token or the API key, retried, and counted in the daily quotas of the app.

Facts: docs/platform-facts.md#youtube-limits-and-errors.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipelines.platforms.base import Access, App, Tally
from pipelines.platforms.errors import QuotaUsed, Transient
from pipelines.platforms.http.retries import retrying
from pipelines.platforms.youtube.answers import parsing_answer, raise_for

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http


class Calls:
    """GET requests to one of Google's hosts."""

    def __init__(self, http: "Http", app: App) -> None:
        self._http, self._app = http, app

    def get(
        self, path: str, params: Mapping[str, str], access: Access, tally: Tally, quota: str | None = None
    ) -> Mapping[str, Any]:
        """Return the body of an answer; `quota` is the quota that counts the request, and each of its retries.

        Raises:
            QuotaUsed: nothing is left of the quota.
            PlatformError: the request failed.
        """
        found: Mapping[str, Any] = {}
        key = access.credentials.get("api_key")
        for attempt in retrying(tally):
            with attempt:
                if quota is not None:
                    tally.used_percent = max(tally.used_percent, self._app.quotas.spend(quota))
                tally.calls += 1
                tally.requests += 1
                status, body, headers = self._http.send(
                    "GET",
                    path,
                    token=None if key else access.token,
                    params=params,
                    headers={"X-Goog-Api-Key": str(key)} if key else None,
                )
                self._check(status, body, headers, quota)
                if not isinstance(body, Mapping):
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
