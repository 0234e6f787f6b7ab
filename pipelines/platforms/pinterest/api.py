"""The Pinterest client: reads accounts through the API version 5 (docs/platform-facts.md#pinterest).

An account takes one call for its levels and one per 250 pins of the last ninety days, whose numbers the list has; twice
a day one for the provider's days; and once a day one per 100 pins for what it tells of pins by day only, one for the
most shown pins, and one for each of at most ten of them that are older and stand on no page of the list.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from metrics.clock import utcnow
from metrics.documents import Platform
from metrics.platforms.pinterest import PINTEREST
from pipelines.platforms.answers import id_of, name_of
from pipelines.platforms.base import App
from pipelines.platforms.data.access import Access, Identity
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, DaysReading, PostDaysReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import FOLLOWED, Wanted
from pipelines.platforms.errors import AccountUnreachable, NeedsReauth, PermissionMissing, PostGone, WrongIdentity
from pipelines.platforms.limits import PostBudget, UncountedQuotas
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.pinterest.answers import ID, account_numbers, parsing_answer, raise_for_token
from pipelines.platforms.pinterest.calls import Calls
from pipelines.platforms.pinterest.days import Days
from pipelines.platforms.pinterest.pin_days import FIELDS as OF_PINS
from pipelines.platforms.pinterest.pin_days import PinDays
from pipelines.platforms.pinterest.posts import Posts
from pipelines.platforms.provider_days import ProviderDays
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.renewals import renewal_form, renewed_credentials

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

API_VERSION = "v5"


class Pinterest:
    """The platform `pinterest`; thread-safe."""

    name: Platform = "pinterest"
    api_version = API_VERSION
    days = ProviderDays(hours=(3, 15), settling=3, lag=timedelta(hours=48), span=89, reach=timedelta(days=89))
    """UTC days. The numbers of a day are estimated a day after its end, and final another day later.

    Pinterest answers for the last 90 days, by its own clock; 89 are requested.

    Facts: docs/platform-facts.md#pinterest-analytics.
    """
    uses_app: ClassVar[bool] = True
    post_day_metrics: ClassVar = frozenset(OF_PINS)

    def __init__(self, http: "Http", quarantine: Quarantine, app: App | None = None) -> None:
        self._http, self._quarantine = http, quarantine
        self._app = app or App(UncountedQuotas(PINTEREST.quota_zone))

    def read(self, access: Access, wanted: Wanted, tally: Tally) -> AccountReading:
        """Return the current numbers of the account, its due pins and its new pins.

        Raises:
            WrongIdentity: the token belongs to another account.
            AccountUnreachable: Pinterest denies the account to this token.
            PlatformError: nothing could be read.
        """
        ask = self._calls(access, tally)
        body = self._account(ask, access)
        numbers = account_numbers(body)
        reading = AccountReading.of(numbers, _shown_name(body))
        # Pins are followed for a time that ends with this reading.
        Posts(ask, wanted, reading, tally).read(self.days.newest(wanted.since + FOLLOWED))
        return reading

    def identify(self, access: Access, tally: Tally) -> Identity:
        """Return which account the token belongs to.

        Raises:
            WrongIdentity: the token belongs to another account.
            AccountUnreachable: Pinterest denies the account to this token.
            PlatformError: the account could not be read.
        """
        return Identity(access.platform_account_id, _shown_name(self._account(self._calls(access, tally), access)))

    def read_past(self, access: Access, wanted: Wanted, tally: Tally) -> Iterator[AccountReading]:
        """Yield the pages of the list of pins, each with the numbers of those of its pins that are not stored yet.

        The list is that of the token's owner, who is checked first.

        Raises:
            WrongIdentity: the token belongs to another account.
            AccountUnreachable: Pinterest denies the account to this token.
            PlatformError: nothing could be read.
        """
        ask = self._calls(access, tally)
        self._account(ask, access)
        yield from Posts(ask, wanted, AccountReading(Reading(utcnow())), tally).past()

    def read_days(
        self, access: Access, days: Sequence[date], tally: Tally, _budget: PostBudget | None = None
    ) -> DaysReading:
        """Return the numbers of UTC days; they are missing if the token has no access to analytics.

        Raises:
            PlatformError: nothing could be read.
        """
        found = {day: Numbers() for day in days}
        reader = Days(self._calls(access, tally), access.platform_account_id, self._quarantine, found)
        reader.read()
        return DaysReading.of(found, utcnow(), reader.failures)

    def read_post_days(self, access: Access, wanted: Mapping[Post, date], last: date, tally: Tally) -> PostDaysReading:
        """Return what Pinterest tells of pins by day only, as sums from their creation on: a call for 100 pins.

        Raises:
            PlatformError: nothing could be read.
        """
        ask, account_id = self._calls(access, tally), access.platform_account_id
        return PinDays(ask, account_id, self._quarantine, tally, last).read(wanted)

    def refresh(self, access: Access, tally: Tally) -> Mapping[str, Any] | None:
        """Return credentials with new tokens, or None if they allow no renewal, or the refresh token is dead.

        Each renewal brings a new refresh token, which lives for sixty days.

        Raises:
            BadAnswer: Pinterest does not accept the app: no user can help.
            PlatformError: any other failure.
        """
        form = renewal_form(access.credentials)
        if form is None:
            return None
        app = f"{form.pop('client_id')}:{form.pop('client_secret')}"
        tally.calls += 1
        tally.requests += 1
        headers = {"Authorization": f"Basic {base64.b64encode(app.encode()).decode()}"}
        status, body, answered = self._http.send("POST", "/v5/oauth/token", form=form, headers=headers)
        try:
            with parsing_answer():
                raise_for_token(status, body, answered)
                return renewed_credentials(access.credentials, body, utcnow())
        except NeedsReauth:
            return None

    def _calls(self, access: Access, tally: Tally) -> Calls:
        return Calls(self._http, self._app, access, tally)

    @staticmethod
    def _account(ask: Calls, access: Access) -> Mapping[str, Any]:
        try:
            body = ask("user_account", {})
        except (PermissionMissing, PostGone) as error:
            raise AccountUnreachable(str(error)) from None
        with parsing_answer():
            found = id_of(body["id"], ID)
        if found != access.platform_account_id.lstrip("0"):
            raise WrongIdentity(f"the token belongs to the account {found}: connect the right one again")
        return body


def _shown_name(body: Mapping[str, Any]) -> str | None:
    return name_of(body.get("username"))
