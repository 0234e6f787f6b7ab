"""Sends requests to LinkedIn's API for organizations (docs/platform-facts.md#linkedin-protocol)."""

from collections.abc import Mapping
from typing import Any

from metrics.platforms.linkedin import HEADERS
from pipelines.platforms.http.account_calls import AccountCalls
from pipelines.platforms.linkedin import restli
from pipelines.platforms.linkedin.answers import raise_for


class LinkedInCalls(AccountCalls):
    """Sends the GET requests of one account: takes a path and its parameters, returns the body of the answer."""

    def __call__(self, path: str, params: Mapping[str, object]) -> Mapping[str, Any]:
        """Return the body of an answer; transient errors are retried.

        Raises:
            PlatformError: the request failed.
        """
        return self.get_object(f"/rest/{path}", restli.query(params), raise_for, provider="LinkedIn", headers=HEADERS)
