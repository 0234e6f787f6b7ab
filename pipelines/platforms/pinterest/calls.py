"""Sends GET requests to Pinterest: retried, and counted in the quota of the app.

Facts: docs/platform-facts.md#pinterest-limits-and-errors.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipelines.platforms.base import App
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import Transient
from pipelines.platforms.http.retries import retrying
from pipelines.platforms.pinterest.answers import TooOld, raise_for

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

QUOTA = "calls"
_AGAIN_SECONDS = 1.0
"""Pinterest refuses a range of days in passing, and answers the same request a second later."""


class Calls:
    """The GET requests of one account: takes a path and its parameters, returns the body of the answer."""

    def __init__(self, http: "Http", app: App, access: Access, tally: Tally) -> None:
        self._http, self._app, self._access, self._tally = http, app, access, tally

    def __call__(self, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the body of an answer.

        Raises:
            QuotaUsed: nothing is left of the quota.
            PlatformError: the request failed.
        """
        found: Mapping[str, Any] = {}
        too_old = 0
        for attempt in retrying(self._tally):
            with attempt:
                try:
                    found = self._send(path, params)
                except TooOld as error:
                    too_old += 1
                    if too_old > 1:
                        raise
                    raise Transient(str(error), _AGAIN_SECONDS) from None
        return found

    def _send(self, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        tally = self._tally
        tally.used_percent = max(tally.used_percent, self._app.quotas.spend(QUOTA))
        tally.calls += 1
        tally.requests += 1
        status, body, headers = self._http.send("GET", f"/v5/{path}", token=self._access.token, params=params)
        raise_for(status, body, headers)
        if not isinstance(body, Mapping):
            raise Transient("Pinterest's answer is not an object")
        return body
