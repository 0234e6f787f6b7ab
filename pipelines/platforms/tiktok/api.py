"""The TikTok client: reads accounts and videos through the Display API v2 (docs/platform-facts.md#tiktok).

Accounts with a second grant have further numbers, which `business.py` reads.

An account takes one call for its own numbers, one for its newest twenty videos with theirs, and one per twenty due
videos that are not among these. TikTok limits the calls of the app per minute to each endpoint, so calls are paced.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform
from metrics.platforms.tiktok import TIKTOK
from pipelines.platforms.answers import name_of
from pipelines.platforms.base import App, FurtherHosts
from pipelines.platforms.data.access import Access, Identity
from pipelines.platforms.data.readings import AccountReading, DaysReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import AccountUnreachable, NeedsReauth, PermissionMissing, WrongIdentity
from pipelines.platforms.limits import PostBudget, UncountedQuotas
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.provider_days import ProviderDays
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.renewals import renewal_form, renewed_credentials
from pipelines.platforms.tiktok.answers import account_numbers, parsing_answer, raise_for_token
from pipelines.platforms.tiktok.business import Business
from pipelines.platforms.tiktok.calls import Calls
from pipelines.platforms.tiktok.posts import Posts

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

API_VERSION = "v2"

USER = "user/info"
_DISPLAY_NAME, _USERNAME = "display_name", "username"
_BASIC = ("open_id", _DISPLAY_NAME)
_PROFILE_SCOPE, _STATS_SCOPE = "user.info.profile", "user.info.stats"
_STATS = tuple(offer.field for offer in offered("tiktok", "account").values() if not offer.further)


class TikTok:
    """The platform `tiktok`; thread-safe."""

    name: Platform = "tiktok"
    api_version = API_VERSION
    days = ProviderDays(hours=(9, 21), settling=3, lag=timedelta(hours=72), span=30, reach=timedelta(days=60))
    """UTC days, which are in the answers 24 to 48 hours after their end, for 60 days.

    Facts: docs/platform-facts.md#tiktok-api-for-business.
    """
    further_hosts: ClassVar[FurtherHosts] = {"business_http": lambda settings: settings.platform_url("tiktok_business")}
    uses_app: ClassVar[bool] = True
    asks_for_content: ClassVar[bool] = True

    def __init__(
        self,
        http: "Http",
        quarantine: Quarantine,
        business_http: "Http | None" = None,
        app: App | None = None,
        *,
        content: bool = True,
    ) -> None:
        self._http, self._quarantine, self._content = http, quarantine, content
        self._business = business_http or http
        self._app = app or App(UncountedQuotas(TIKTOK.quota_zone))

    def read(self, access: Access, wanted: Wanted, tally: Tally) -> AccountReading:
        """Return the current numbers of the account, its due videos and its new videos.

        Raises:
            WrongIdentity: the token belongs to another account.
            AccountUnreachable: this token may not read the account.
            PlatformError: nothing could be read.
        """
        ask = self._calls(access, tally)
        user, requested = _allowed_user(ask, access)
        with parsing_answer():
            numbers = account_numbers(user, requested)
        reading = AccountReading.of(numbers, _handle_of(user, requested))
        self._posts(ask, access, wanted, reading, tally).read()
        self._organic(access, tally).complete(reading)
        return reading

    def identify(self, access: Access, tally: Tally) -> Identity:
        """Return which account the token belongs to.

        Raises:
            WrongIdentity: the token belongs to another account.
            AccountUnreachable: this token may not read the account.
            PlatformError: the account could not be read.
        """
        user = _user(self._calls(access, tally), access, _BASIC)
        return Identity(access.platform_account_id, name_of(user.get(_DISPLAY_NAME)))

    def read_past(self, access: Access, wanted: Wanted, tally: Tally) -> Iterator[AccountReading]:
        """Yield the pages of the list of videos, each with the numbers of those of its videos that are not stored yet.

        The list is that of the token's account, so this account is checked first.

        Raises:
            WrongIdentity: the token belongs to another account.
            AccountUnreachable: this token may not read the account.
            PlatformError: nothing could be read.
        """
        ask = self._calls(access, tally)
        _user(ask, access, _BASIC)
        for page in self._posts(ask, access, wanted, AccountReading(Reading(utcnow())), tally).past():
            self._organic(access, tally).complete(page)
            yield page

    def read_days(
        self, access: Access, days: Sequence[date], tally: Tally, _budget: PostBudget | None = None
    ) -> DaysReading:
        """Return the numbers of UTC days; they are missing if the account has no second grant.

        Raises:
            PlatformError: nothing could be read.
        """
        found = {day: Numbers() for day in days}
        self._organic(access, tally).days(days, found)
        return DaysReading.of(found, utcnow())

    def refresh(self, access: Access, tally: Tally) -> Mapping[str, Any] | None:
        """Return credentials with a new access token and a new refresh token, which works only once.

        The second grant, if there is one, is renewed at the same time; if that fails, its old tokens stay.

        Return None if the credentials do not allow a renewal, or if TikTok refuses it.

        Raises:
            BadAnswer: TikTok does not accept the app: no user can help.
            PlatformError: any other failure.
        """
        form = renewal_form(access.credentials)
        if form is None:
            return None
        form["client_key"] = form.pop("client_id")
        # Not retried: the refresh token is dead once TikTok has answered, even if the answer got lost.
        tally.count_call()
        status, body, headers = self._http.send("POST", "/v2/oauth/token/", form=form)
        try:
            with parsing_answer():
                raise_for_token(status, body, headers)
                # Whose tokens these are is checked when they are used. The old pair is dead, so they are kept anyway.
                found = renewed_credentials(access.credentials, body, utcnow())
                found |= {"scope": body["scope"]} if isinstance(body.get("scope"), str) else {}
        except NeedsReauth:
            return None
        return found | self._organic(access, tally).renewed()

    def _organic(self, access: Access, tally: Tally) -> Business:
        return Business(self._business, self._app, access, tally)

    def _calls(self, access: Access, tally: Tally) -> Calls:
        return Calls(self._http, self._app, access, tally)

    def _posts(self, ask: Calls, access: Access, wanted: Wanted, reading: AccountReading, tally: Tally) -> Posts:
        return Posts(ask, access, self._quarantine, wanted, reading, tally, content=self._content)


def _allowed_user(ask: Calls, access: Access) -> tuple[Mapping[str, Any], Collection[str]]:
    """Return the account with the fields that its user allowed, and which fields were requested.

    One field without its scope fails the whole call. The scopes are known once the token was renewed; before that,
    fields are left out after a refusal.

    Raises:
        AccountUnreachable: this token may not read the account.
        PlatformError: the account could not be read.
    """
    scopes = str(access.credentials.get("scope", f"{_PROFILE_SCOPE},{_STATS_SCOPE}"))
    names, stats = (_USERNAME,) * (_PROFILE_SCOPE in scopes), _STATS * (_STATS_SCOPE in scopes)
    for fields in dict.fromkeys(((*_BASIC, *names, *stats), (*_BASIC, *stats), (*_BASIC, *names))):
        try:
            return _user(ask, access, fields), fields
        except AccountUnreachable:
            if fields == _BASIC:
                raise
    return _user(ask, access, _BASIC), _BASIC


def _user(ask: Calls, access: Access, fields: Sequence[str]) -> Mapping[str, Any]:
    """Return the account of the token.

    Raises:
        WrongIdentity: it is another one.
        AccountUnreachable: the user did not allow one of the fields.
        PlatformError: it could not be read.
    """
    try:
        data = ask(USER, fields)
    except PermissionMissing as error:
        raise AccountUnreachable(str(error)) from None
    with parsing_answer():
        user: Mapping[str, Any] = data["user"]
        if user["open_id"] != access.platform_account_id:
            name = name_of(user.get(_DISPLAY_NAME)) or "another account"
            raise WrongIdentity(f"the token belongs to {name}: connect the right account again")
    return user


def _handle_of(user: Mapping[str, Any], requested: Collection[str]) -> str | None:
    """Return the username, or the display name if the user does not allow the username."""
    return name_of(user.get(_USERNAME if _USERNAME in requested else _DISPLAY_NAME))
