"""The X client: reads accounts through the API v2 (docs/platform-facts.md#x).

An account takes two calls and one per hundred due posts: the user of the token, the posts published since the timeline
was last read, and the due posts by id. X bills each distinct post once per UTC day. A post that the timeline returned
with all its metrics is not read again.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from metrics.clock import utcnow
from metrics.documents import Platform
from pipelines.platforms.answers import id_of, name_of
from pipelines.platforms.data.access import Access, Identity
from pipelines.platforms.data.readings import AccountReading, DaysReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import (
    AccountUnreachable,
    NeedsReauth,
    PermissionMissing,
    PostGone,
    WrongIdentity,
)
from pipelines.platforms.limits import PostBudget
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.provider_days import ProviderDays
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.renewals import DEAD_GRANT, raise_for_renewal, renewed_credentials
from pipelines.platforms.twitter.answers import (
    ID,
    account_numbers,
    parsing_answer,
    raise_for,
)
from pipelines.platforms.twitter.calls import XCalls
from pipelines.platforms.twitter.days import impressions
from pipelines.platforms.twitter.posts import Posts

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

API_VERSION = "2"

_IMPRESSIONS = "accountImpressions"
_DEAD = DEAD_GRANT | {"invalid_request"}
"""X says of a refresh token that is unknown, used or ended that the request is invalid."""


class Twitter:
    """The platform `twitter`; thread-safe."""

    name: Platform = "twitter"
    api_version = API_VERSION
    asks_for_content: ClassVar = True
    days = ProviderDays(hours=(), settling=0, lag=timedelta(hours=25), span=90, reach=timedelta(days=400))
    """Read only for the past (`hours` is empty): hourly observations tell more, and X bills each post that is read.

    X documents no limit of its analytics. A little more than a year is requested, 90 days at a time, so that a refusal
    costs only these 90 days.
    """

    def __init__(self, http: "Http", quarantine: Quarantine, *, content: bool = True) -> None:
        self._http = http
        self._quarantine = quarantine
        self._content = content

    def read(self, access: Access, wanted: Wanted, tally: Tally) -> AccountReading:
        """Return the current numbers of the account, its due posts and its new posts.

        Raises:
            WrongIdentity: the token belongs to another user.
            AccountUnreachable: the user is suspended, or this token may not read it.
            PlatformError: nothing could be read.
        """
        ask = XCalls(self._http, access, tally)
        me = self._me(ask, access)
        with parsing_answer():
            numbers = account_numbers(me)
        reading = AccountReading.of(numbers, name_of(me.get("username")))
        Posts(ask, access, self._quarantine, wanted, reading, tally, content=self._content).read()
        return reading

    def identify(self, access: Access, tally: Tally) -> Identity:
        """Return which user the token belongs to.

        Raises:
            WrongIdentity: the token belongs to another user than the account.
            AccountUnreachable: the user is suspended, or this token may not read it.
            PlatformError: the user could not be read.
        """
        me = self._me(XCalls(self._http, access, tally), access)
        return Identity(access.platform_account_id, name_of(me.get("username")))

    def _me(self, ask: XCalls, access: Access) -> Mapping[str, Any]:
        try:
            answer = ask("users/me", {"user.fields": "public_metrics,username"})
        except (PermissionMissing, PostGone) as error:
            raise AccountUnreachable(str(error)) from None
        with parsing_answer():
            me: Mapping[str, Any] = answer["data"]
            # Older versions of Tidemark stored ids as they were typed, some with leading zeros.
            if id_of(me["id"], ID) != access.platform_account_id.lstrip("0"):
                raise WrongIdentity(f"the token belongs to @{me.get('username')}: connect the right account again")
        return me

    def read_past(self, access: Access, wanted: Wanted, tally: Tally) -> Iterator[AccountReading]:
        """Yield the pages of the timeline, each with the metrics of those of its posts that are not stored yet.

        Any token may read a timeline, so the user of the token is checked first.

        Raises:
            WrongIdentity: the token belongs to another user.
            AccountUnreachable: the user is suspended, or this token may not read it.
            PlatformError: nothing could be read.
        """
        ask = XCalls(self._http, access, tally)
        me = self._me(ask, access)
        whole = AccountReading(Reading(utcnow()), handle=name_of(me.get("username")))
        yield from Posts(ask, access, self._quarantine, wanted, whole, tally, content=self._content).past()

    @parsing_answer()
    def read_days(
        self, access: Access, days: Sequence[date], tally: Tally, budget: PostBudget | None = None
    ) -> DaysReading:
        """Return the impressions of UTC days; they are missing if the token has no access to analytics."""
        ask = XCalls(self._http, access, tally)
        found = {day: Numbers() for day in days}
        try:
            by_day = impressions(ask, access.platform_account_id, days, tally, budget)
        except (PermissionMissing, PostGone):
            for numbers in found.values():
                numbers.miss(_IMPRESSIONS, "permission_missing")
            return DaysReading.of(found, utcnow())
        for day, numbers in found.items():
            numbers.take_sum(_IMPRESSIONS, by_day.get(day, ()), "not_recoverable")
        return DaysReading.of(found, utcnow())

    def refresh(self, access: Access, tally: Tally) -> Mapping[str, Any] | None:
        """Return credentials with a new access token and a new refresh token, which works only once.

        Return None if the credentials do not allow a renewal, or if the refresh token is dead.

        Raises:
            BadAnswer: X does not accept the app: no user can help.
            PlatformError: any other failure.
        """
        credentials = access.credentials
        if not {"refresh_token", "client_id"} <= credentials.keys():
            return None
        form = {
            "grant_type": "refresh_token",
            "refresh_token": str(credentials["refresh_token"]),
            "client_id": str(credentials["client_id"]),
        }
        headers = {}
        if secret := credentials.get("client_secret"):
            pair = base64.b64encode(f"{credentials['client_id']}:{secret}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        # Not retried: a refresh token works only once, and X takes its reuse for theft.
        tally.calls += 1
        tally.requests += 1
        status, body, answered = self._http.send("POST", "/2/oauth2/token", form=form, headers=headers)
        try:
            raise_for_renewal(status, body, "X", _DEAD)
            with parsing_answer():
                raise_for(status, body, answered)
                return renewed_credentials(credentials, body, utcnow())
        except NeedsReauth:
            return None
