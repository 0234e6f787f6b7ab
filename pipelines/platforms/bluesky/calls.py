"""Sends requests to XRPC, at the public host or with a session (docs/platform-facts.md#bluesky-access)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pipelines.platforms.bluesky.answers import near_limit, parsing_answer, raise_for, used_percent
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import BadAnswer, NeedsReauth
from pipelines.platforms.http.account_calls import AccountCalls

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http


class XrpcCalls(AccountCalls):
    """Sends the GET requests of one account: takes a method and its parameters, returns the body of the answer."""

    def __init__(self, http: "Http", access: Access, tally: Tally, *, public: bool) -> None:
        super().__init__(http, access, tally)
        self._is_public = public

    def __call__(self, method: str, params: Mapping[str, str | Sequence[str]]) -> Mapping[str, Any]:
        """Return the body of an answer; transient errors are retried. A sequence is sent as a repeated parameter.

        Raises:
            PlatformError: the call failed.
        """
        tally = self._tally

        def check(status: int, body: Any, headers: Mapping[str, str]) -> None:
            tally.near_limit = near_limit(headers) or tally.near_limit
            tally.used_percent = max(tally.used_percent, used_percent(headers))
            with parsing_answer():
                try:
                    raise_for(status, body, headers)
                except NeedsReauth as error:
                    if self._is_public:
                        # Nobody can connect the account better: it is the host that is wrong.
                        raise BadAnswer(f"{error}, though no token was sent: check the platform's base URL") from None
                    raise

        query = urlencode(params, doseq=True)
        return self.get_object(f"/xrpc/{method}", query, check, provider="Bluesky", public=self._is_public)
