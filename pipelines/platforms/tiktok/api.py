"""The TikTok client: reads accounts and videos through the Display API v2 (docs/platform-facts.md#tiktok).

An account takes one call for its own numbers, one for its newest twenty videos with theirs, and one per twenty due
videos that are not among these. TikTok limits the calls of the app per minute to each endpoint, so calls are paced.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform
from metrics.platforms.tiktok import TIKTOK
from pipelines.platforms.answers import name_of, renewal_form, renewed_credentials
from pipelines.platforms.base import (
    Access,
    AccountReading,
    App,
    DaysReading,
    Identity,
    ProviderDays,
    Reading,
    Tally,
    Wanted,
)
from pipelines.platforms.errors import AccountUnreachable, NeedsReauth, PermissionMissing, WrongIdentity
from pipelines.platforms.limits import PostBudget, UncountedQuotas
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.tiktok.answers import account_numbers, parsing_answer, raise_for_token
from pipelines.platforms.tiktok.calls import Calls
from pipelines.platforms.tiktok.posts import Posts

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

API_VERSION = "v2"

USER = "user/info"
_DISPLAY_NAME, _USERNAME = "display_name", "username"
_BASIC = ("open_id", _DISPLAY_NAME)
_PROFILE_SCOPE, _STATS_SCOPE = "user.info.profile", "user.info.stats"
_STATS = tuple(offer.field for offer in offered("tiktok", "account").values())


class TikTok:
    """The platform `tiktok`; thread-safe."""

    name: Platform = "tiktok"
    api_version = API_VERSION
    days: ProviderDays | None = None
    uses_app: ClassVar[bool] = True
    asks_for_content: ClassVar[bool] = True

    def __init__(self, http: "Http", quarantine: Quarantine, app: App | None = None, *, content: bool = True) -> None:
        self._http, self._quarantine, self._content = http, quarantine, content
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
        reading = AccountReading(Reading(utcnow(), numbers.metrics, numbers.unavailable))
        reading.handle = _handle_of(user, requested)
        reading.note_odd("the account", numbers.odd)
        self._posts(ask, access, wanted, reading, tally).read()
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
        yield from self._posts(ask, access, wanted, AccountReading(Reading(utcnow())), tally).past()

    def read_days(
        self, access: Access, days: Sequence[date], tally: Tally, budget: PostBudget | None = None
    ) -> DaysReading:
        """Return no days: the Display API has none. It is never called, because `days` is None."""
        del access, days, tally, budget
        return DaysReading({})

    def refresh(self, access: Access, tally: Tally) -> Mapping[str, Any] | None:
        """Return credentials with a new access token and a new refresh token, which works only once.

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
                return {**found, "scope": body["scope"]} if isinstance(body.get("scope"), str) else found
        except NeedsReauth:
            return None

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
