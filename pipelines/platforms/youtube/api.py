"""The YouTube client: reads channels and videos through the Data API v3 (docs/platform-facts.md#youtube).

YouTube limits the calls of the app per day, not those of an account. The numbers of many channels are therefore read in
common calls of fifty ids, with the credentials of any of them, or with the API key of the app. Each account needs calls
of its own only for its list of uploads, and once a week to check whose token it has.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from metrics.clock import utcnow
from metrics.documents import Platform, Reason
from metrics.platforms.youtube import YOUTUBE
from pipelines.platforms.base import App, FurtherHosts
from pipelines.platforms.data.access import Access, Identity
from pipelines.platforms.data.readings import AccountReading, DaysReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import (
    AccountUnreachable,
    NeedsReauth,
    PermissionMissing,
    PostGone,
    QuotaUsed,
    WrongIdentity,
)
from pipelines.platforms.limits import PostBudget, UncountedQuotas
from pipelines.platforms.memory import Memory
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.provider_days import ProviderDays
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.renewals import raise_for_renewal, renewal_form, renewed_credentials
from pipelines.platforms.youtube.answers import (
    CHANNEL,
    account_numbers,
    by_id,
    items_of,
    parsing_answer,
    raise_for,
    shown_name,
)
from pipelines.platforms.youtube.calls import Calls
from pipelines.platforms.youtube.days import NAMES, Days
from pipelines.platforms.youtube.pools import CHANNELS, GENERAL, Pools
from pipelines.platforms.youtube.posts import Posts
from pipelines.platforms.youtube.reports import METRIC, Reports

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

API_VERSION = "v3"

CHECKED_EVERY = timedelta(days=7)
"""How often the owner of a token is checked; YouTube's terms demand it every thirty days."""


class YouTube:
    """The platform `youtube`; thread-safe. It reads several accounts in one call (`Pooling`)."""

    name: Platform = "youtube"
    api_version = API_VERSION
    days = ProviderDays(
        hours=(3, 15), settling=7, lag=timedelta(hours=104), span=365, reach=timedelta(days=400),
        shorter={METRIC: timedelta(days=35)}, settling_weekly=30,
    )  # fmt: skip
    """Pacific days. A day is complete 72 hours after its end, which is at 08:00 UTC of the next date at the latest.

    Later corrections are common, so the newest seven days are read again, and thirty once a week. Days in files exist
    from thirty days before the account was connected. YouTube has the days of a channel's whole
    life; a little more than a year of them is requested.

    Facts: docs/platform-facts.md#youtube-analytics-api.
    """
    further_hosts: ClassVar[FurtherHosts] = {
        "analytics_http": lambda settings: settings.platform_url("youtube_analytics"),
        "reporting_http": lambda settings: settings.platform_url("youtube_reporting"),
        "token_http": lambda settings: settings.platform_url("youtube_token"),
    }
    uses_app: ClassVar[bool] = True
    asks_for_content: ClassVar[bool] = True
    threads = 64

    def __init__(
        self,
        http: "Http",
        quarantine: Quarantine,
        analytics_http: "Http | None" = None,
        reporting_http: "Http | None" = None,
        token_http: "Http | None" = None,
        app: App | None = None,
        *,
        content: bool = True,
    ) -> None:
        self._content = content
        app = app or App(UncountedQuotas(YOUTUBE.quota_zone))
        self._quarantine = quarantine
        self._calls = Calls(http, app)
        self._analytics = Calls(analytics_http or http, app)
        self._reporting = Calls(reporting_http or http, app, per_minute=True)
        self._tokens, self._key = token_http or http, app.api_key
        self._pools = Pools(self._calls, Access("", {"api_key": app.api_key}) if app.api_key else None)

    def expect(self, accounts: int, threads: int) -> None:
        """Take note that a run is going to read so many accounts, in so many threads."""
        self._pools.readers.expect(accounts, threads)

    def read(self, access: Access, wanted: Wanted, tally: Tally) -> AccountReading:
        """Return the current numbers of the channel, its due videos and its new videos.

        Raises:
            WrongIdentity: the token belongs to another channel.
            AccountUnreachable: YouTube does not show the channel, or denies it to this token.
            PlatformError: nothing could be read.
        """
        is_public, access = _is_public(access), self._readable(access)
        with self._pools.readers.reading():
            if not is_public:
                _check_not_expired(access)
                self._check_owner(access, wanted, tally)
            reading = AccountReading(Reading(utcnow()))
            channel = self._read_channel(access, reading, tally)
            self._posts(access, wanted, reading, tally).read(channel)
        if tally.quota_used is not None and channel is None and not reading.posts:
            raise tally.quota_used
        return reading

    def identify(self, access: Access, tally: Tally) -> Identity:
        """Return which channel the token belongs to; without a token, the channel with this id.

        Raises:
            WrongIdentity: the token belongs to another channel.
            AccountUnreachable: the channel is closed, or this token may not read it; or there is neither a token nor an
                API key.
            PlatformError: the channel could not be read.
        """
        chosen = {"id": access.platform_account_id} if _is_public(access) else {"mine": "true"}
        access = self._readable(access)
        try:
            body = self._calls.get("/youtube/v3/channels", {"part": "id,snippet", **chosen}, access, tally, GENERAL)
        except (PermissionMissing, PostGone) as error:
            raise AccountUnreachable(str(error)) from None
        found = by_id(items_of(body, CHANNELS), CHANNEL)
        if access.platform_account_id not in found and "id" in chosen:
            raise AccountUnreachable("YouTube shows no channel with this id")
        if access.platform_account_id not in found:
            whose = next((shown_name(one) for one in found.values()), None)
            raise WrongIdentity(
                f"the token belongs to {'another channel' if found else 'no channel'}"
                f"{f', @{whose}' if whose else ''}: connect the right account again"
            )
        return Identity(access.platform_account_id, shown_name(found[access.platform_account_id]))

    def read_past(self, access: Access, wanted: Wanted, tally: Tally) -> Iterator[AccountReading]:
        """Yield the pages of the list of uploads, each with the statistics of those of its videos not stored yet.

        Any token may read a public list, so the owner of the token is checked first.

        Raises:
            WrongIdentity: the token belongs to another channel.
            AccountUnreachable: the channel is closed, or this token may not read it.
            PlatformError: nothing could be read.
        """
        self.identify(access, tally)
        access = self._readable(access)
        yield from self._posts(access, wanted, AccountReading(Reading(utcnow())), tally).past()

    def read_days(
        self, access: Access, days: Sequence[date], tally: Tally, _budget: PostBudget | None = None
    ) -> DaysReading:
        """Return the numbers of Pacific days; they are missing if the token has no access to analytics.

        Raises:
            PlatformError: nothing could be read.
        """
        found = {day: Numbers() for day in days}
        if _is_public(access):
            for numbers in found.values():
                for name in (*NAMES, METRIC):
                    numbers.miss(name, "permission_missing")
            return DaysReading.of(found, utcnow())
        reader = Days(
            lambda params: self._analytics.get("/v2/reports", params, access, tally),
            access.platform_account_id,
            self._quarantine,
            found,
        )
        reader.read()
        for day, numbers in found.items():
            numbers.miss(METRIC, self._why_not_filed(day, numbers))
        return DaysReading.of(found, utcnow(), reader.failures)

    def _why_not_filed(self, day: date, numbers: Numbers) -> Reason:
        """Return why a metric of the reports has no value on a day; if a file was read, its value counts."""
        if not numbers.metrics and set(numbers.unavailable.values()) == {"permission_missing"}:
            # Both APIs need the same scope.
            return "permission_missing"
        return "not_yet_available" if self.days.answers(METRIC, day, utcnow()) else "not_recoverable"

    def read_reports(self, access: Access, memory: Memory, tally: Tally) -> DaysReading:
        """Return the days of the reports that YouTube created since the last reading; none without a token."""
        if _is_public(access):
            return DaysReading({})
        return Reports(self._reporting, access, memory.jobs, tally).read()

    def refresh(self, access: Access, tally: Tally) -> Mapping[str, Any] | None:
        """Return credentials with a new access token, or None if they allow no renewal or Google refuses it.

        The refresh token stays the same. It ends if it is revoked, or not used for six months.

        Raises:
            BadAnswer: Google does not accept the app: no user can help.
            PlatformError: any other failure.
        """
        credentials = access.credentials
        form = renewal_form(credentials)
        if form is None:
            return None
        tally.calls += 1
        tally.requests += 1
        status, body, headers = self._tokens.send("POST", "/token", form=form)
        try:
            raise_for_renewal(status, body, "Google")
            with parsing_answer():
                raise_for(status, body, headers)
                return renewed_credentials(credentials, body, utcnow())
        except NeedsReauth:
            return None

    def _readable(self, access: Access) -> Access:
        """Return the access with the API key of the app if there is no token.

        Raises:
            AccountUnreachable: there is no API key either.
        """
        if not _is_public(access):
            return access
        if not self._key:
            raise AccountUnreachable("a channel without a token is read with TIDEMARK_YOUTUBE_API_KEY: set it")
        return Access(access.platform_account_id, {"api_key": self._key})

    def _check_owner(self, access: Access, wanted: Wanted, tally: Tally) -> None:
        """Check once a week that the token still belongs to the channel: the common calls do not tell it."""
        today, memory = utcnow().date(), wanted.memory
        if memory.named_on and date.fromisoformat(memory.named_on) + CHECKED_EVERY > today:
            return
        try:
            self.identify(access, tally)
        except QuotaUsed as error:
            # The check waits until the quota begins anew; what other quotas allow is read.
            tally.note_limit(error)
            return
        memory.named_on = today.isoformat()

    def _read_channel(self, access: Access, reading: AccountReading, tally: Tally) -> Mapping[str, Any] | None:
        """Read the channel's own numbers; return the channel, or None if a used quota forbids it.

        Raises:
            AccountUnreachable: YouTube does not show the channel.
            PlatformError: it could not be read.
        """
        try:
            channel = self._pools.channel(access.platform_account_id, access, tally)
        except QuotaUsed as error:
            tally.note_limit(error)
            reading.failures["channel"] = str(error)
            numbers = account_numbers({})
            reading.account = Reading(utcnow(), numbers.metrics, numbers.unavailable)
            return None
        if channel is None:
            raise AccountUnreachable("YouTube shows no channel with this id")
        with parsing_answer():
            numbers = account_numbers(channel)
            reading.handle = shown_name(channel)
        reading.account = Reading(utcnow(), numbers.metrics, numbers.unavailable)
        reading.note_odd("the account", numbers.odd)
        return channel

    def _posts(self, access: Access, wanted: Wanted, reading: AccountReading, tally: Tally) -> Posts:
        def ask(path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
            return self._calls.get(f"/youtube/v3/{path}", params, access, tally, GENERAL)

        return Posts(ask, self._pools, access, wanted, reading, tally, content=self._content)


def _is_public(access: Access) -> bool:
    """Tell whether a channel was connected without a token."""
    return "access_token" not in access.credentials


def _check_not_expired(access: Access) -> None:
    """Refuse a token that has ended: the common calls would not notice it.

    Raises:
        NeedsReauth: the token ended, and was not renewed.
    """
    ends = access.credentials.get("expires_at")
    if isinstance(ends, int | float) and ends <= utcnow().timestamp():
        raise NeedsReauth("the access token ended, and could not be renewed")
