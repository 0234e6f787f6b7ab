"""Sends requests to TikTok's Display API: at the pace that the app is granted, and retried while they fail transiently.

Facts: docs/platform-facts.md#tiktok-limits-and-errors.
"""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pipelines.platforms.base import App
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import Transient
from pipelines.platforms.http.retries import retrying
from pipelines.platforms.tiktok.answers import data_of, parsing_answer, raise_for

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http


class Calls:
    """The calls of one account to the endpoints of the Display API."""

    def __init__(self, http: "Http", app: App, access: Access, tally: Tally) -> None:
        self._http, self._app, self._access, self._tally = http, app, access, tally

    def __call__(
        self, endpoint: str, fields: Collection[str], body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Return the `data` of an answer to a POST request with `body`, or to a GET request without one.

        Raises:
            PlatformError: the call failed.
        """
        found: Mapping[str, Any] = {}
        params = {"fields": ",".join(fields)}
        for attempt in retrying(self._tally):
            with attempt:
                self._tally.waited_seconds += self._app.pace.wait(endpoint)
                self._tally.count_call()
                status, answer, headers = self._http.send(
                    "GET" if body is None else "POST",
                    f"/v2/{endpoint}/",
                    token=self._access.token,
                    params=params,
                    json=body,
                )
                with parsing_answer():
                    raise_for(status, answer, headers)
                    if not isinstance(answer, Mapping):
                        raise Transient("TikTok's answer is not an object")
                    found = data_of(answer)
        return found
