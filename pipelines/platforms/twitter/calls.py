"""Sends requests to the API v2 of X, with the token of a user or of the app (docs/platform-facts.md#x)."""

from collections.abc import Mapping
from typing import Any

from pipelines.platforms.errors import MetricRefused
from pipelines.platforms.http.account_calls import AccountCalls
from pipelines.platforms.twitter.answers import (
    names_missing,
    near_limit,
    parsing_answer,
    raise_for,
    refused_field,
    used_percent,
)

_LOOKUPS = ("tweets", "users", "users/by")
"""Paths whose answers name each object that is missing, with the reason."""


class XCalls(AccountCalls):
    """Sends the GET requests of one account: takes a path and its parameters, returns the body of the answer."""

    def __call__(self, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the body of an answer; transient errors are retried.

        Raises:
            MetricRefused: X does not know a field; the message is the name of the field.
            PlatformError: any other failure.
        """
        tally = self._tally

        def check(status: int, body: Any, headers: Mapping[str, str]) -> None:
            tally.near_limit = near_limit(headers) or tally.near_limit
            tally.used_percent = max(tally.used_percent, used_percent(headers))
            with parsing_answer():
                if status == 400 and (field := refused_field(body)):
                    raise MetricRefused(field)
                if not (path in _LOOKUPS and names_missing(status, body)):
                    raise_for(status, body, headers)

        return self.get_object(f"/2/{path}", params, check, provider="X")
