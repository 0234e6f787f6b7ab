"""GET requests of one account: retried while they fail transiently, and counted."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import Transient
from pipelines.platforms.http.retries import retrying

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

Check = Callable[[int, Any, Mapping[str, str]], None]
"""Raises the error that an answer's status, body and headers mean, if any."""


class AccountCalls:
    """Sends the GET requests of one account; the clients of platforms add paths, parameters and error codes."""

    def __init__(self, http: "Http", access: Access, tally: Tally) -> None:
        self._http, self._access, self._tally = http, access, tally

    def get_object(
        self,
        path: str,
        params: Mapping[str, str] | str,
        check: Check,
        *,
        provider: str,
        headers: Mapping[str, str] | None = None,
        public: bool = False,
    ) -> Mapping[str, Any]:
        """Return the body of an answer, which is a JSON object; `provider` names the platform in messages.

        A `public` request carries no token.

        Raises:
            Transient: the last try failed in passing, or the answer is not an object.
            CallsUsed: the account's own budget of calls is used.
            PlatformError: the error that `check` raised.
        """
        found: Mapping[str, Any] = {}
        for attempt in retrying(self._tally):
            with attempt:
                self._tally.count_call()
                token = None if public else self._access.token
                status, body, answered = self._http.send("GET", path, token=token, params=params, headers=headers)
                check(status, body, answered)
                if not isinstance(body, Mapping):
                    raise Transient(f"{provider}'s answer is not an object")
                found = body
        return found
