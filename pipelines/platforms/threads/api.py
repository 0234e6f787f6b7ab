"""The Threads client: reads profiles through the Threads API (docs/platform-facts.md#threads).

An account takes one call for its identity, one for its followers, one for its newest posts, and one for each due post.
Each of the provider's days takes one call.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from metrics.catalog import Offer, offered
from metrics.clock import utcnow
from metrics.documents import Platform, Reason
from pipelines.platforms.answers import id_of, name_of
from pipelines.platforms.data.access import Access, Identity
from pipelines.platforms.data.readings import AccountReading, DaysReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import (
    AccountUnreachable,
    MetricRefused,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
    WrongIdentity,
)
from pipelines.platforms.graph.answers import day_window, parsing_answer
from pipelines.platforms.graph.client import META_DAYS, GraphApi
from pipelines.platforms.graph.days import DayMetrics
from pipelines.platforms.limits import PostBudget
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.renewals import renewed_credentials
from pipelines.platforms.threads.answers import ID, checked_insights, is_about_another, take_day, take_followers
from pipelines.platforms.threads.posts import Posts

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

API_VERSION = "v1.0"

_FOLLOWERS = "followers"
_FOLLOWERS_FIELD = "followers_count"
_DENIALS = (MetricRefused, PermissionMissing, PostGone)
"""Answers that concern a metric or the permission for it; the other numbers are complete without them."""


class Threads:
    """The platform `threads`; thread-safe."""

    name: Platform = "threads"
    api_version = API_VERSION
    days = replace(META_DAYS, span=30, reach=timedelta(days=2 * 365), first=date(2024, 4, 13))
    """Pacific days, each with a call of its own. The API refuses instants before 13 April 2024.

    Facts: docs/platform-facts.md#threads-insights.
    """

    asks_for_content: ClassVar = True

    def __init__(self, http: "Http", quarantine: Quarantine, *, content: bool = True) -> None:
        self._content = content
        self._graph = GraphApi(http, API_VERSION)
        self._quarantine = quarantine
        self._day_metrics = DayMetrics(quarantine)

    def identify(self, access: Access, tally: Tally) -> Identity:
        """Return which account the credentials can read.

        Raises:
            AccountUnreachable: the account does not exist, or this token may not read it.
            WrongIdentity: the answer is about another account.
            PlatformError: the account could not be read.
        """
        try:
            node = self._graph.get("me", access.token, {"fields": "id,username"}, tally)
        except (PostGone, PermissionMissing) as error:
            raise AccountUnreachable(str(error)) from None
        with parsing_answer():
            name = id_of(node["id"], ID)
        if name != access.platform_account_id.lstrip("0"):
            raise WrongIdentity(f"the token belongs to the account {name}: connect the right one again")
        return Identity(access.platform_account_id, name_of(node.get("username")))

    def read(self, access: Access, wanted: Wanted, tally: Tally) -> AccountReading:
        """Return the current numbers of the account, its due posts and its new posts.

        Raises:
            AccountUnreachable: the account does not exist, or this token may not read it.
            WrongIdentity: the answer is about another account.
            PlatformError: nothing could be read.
        """
        identity = self.identify(access, tally)
        reading = AccountReading(Reading(utcnow()), identity.handle)
        numbers = Numbers()
        with reading.part(_FOLLOWERS, tally):
            self._read_followers(access, numbers, tally)
        if _FOLLOWERS in reading.failures:
            numbers.miss(_FOLLOWERS, "provider_error")
        reading.account = Reading(utcnow(), numbers.metrics, numbers.unavailable)
        reading.note_odd("the account", numbers.odd)
        if tally.limited is None:
            self._posts(access, wanted, reading, tally).read()
        return reading

    def read_past(self, access: Access, wanted: Wanted, tally: Tally) -> Iterator[AccountReading]:
        """Yield the pages of the list of posts, each with the insights of those of its posts that are not stored yet.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        return self._posts(access, wanted, AccountReading(Reading(utcnow())), tally).past()

    def read_days(
        self, access: Access, days: Sequence[date], tally: Tally, _budget: PostBudget | None = None
    ) -> DaysReading:
        """Return the account's insights of Pacific days that have ended, by date."""
        found, failures = {day: Numbers() for day in days}, dict[str, PlatformError]()
        offers = {name: offer for name, offer in offered("threads", "account").items() if name != _FOLLOWERS}
        allowed = self._day_metrics.to_ask(offers, found)
        groups = [{name: offer for name, offer in offers.items() if name in allowed}]
        for day in days:
            if groups and len(groups[0]) > 1:
                try:
                    self._read_day(access, day, groups[0], found[day], failures, tally)
                    continue
                except MetricRefused:
                    # The answer may not name the refused metric: each is requested separately from here on.
                    groups = [{name: offer} for group in groups for name, offer in group.items()]
            for group in groups:
                try:
                    self._read_day(access, day, group, found[day], failures, tally)
                except MetricRefused as error:
                    (name,) = group
                    self._day_metrics.learn(access.platform_account_id, name, error)
                    found[day].miss(name, "not_supported")
        return DaysReading.of(found, utcnow(), failures)

    def refresh(self, access: Access, tally: Tally) -> Mapping[str, Any]:
        """Return credentials for another 60 days.

        Raises:
            PlatformError: the token has expired, or is less than 24 hours old.
        """
        params = {"grant_type": "th_refresh_token"}
        body = self._graph.get("refresh_access_token", access.token, params, tally, versioned=False)
        with parsing_answer():
            return renewed_credentials(access.credentials, body, utcnow())

    def _posts(self, access: Access, wanted: Wanted, reading: AccountReading, tally: Tally) -> Posts:
        return Posts(self._graph, access, self._quarantine, wanted, reading, tally, content=self._content)

    def _read_followers(self, access: Access, numbers: Numbers, tally: Tally) -> None:
        """Read the number of followers, which is an insight and not a field of the profile.

        Raises:
            PlatformError: it could not be read, for another reason than that it is denied.
        """
        try:
            body = self._account_insights(access, {"metric": _FOLLOWERS_FIELD}, tally)
        except _DENIALS as error:
            numbers.miss(_FOLLOWERS, _reason(error))
            return
        take_followers(numbers, body)

    def _read_day(
        self,
        access: Access,
        day: date,
        offers: Mapping[str, Offer],
        numbers: Numbers,
        failures: dict[str, PlatformError],
        tally: Tally,
    ) -> None:
        """Read metrics of one day, or note why they are missing.

        Raises:
            MetricRefused: the API refuses one of the metrics.
            NeedsReauth: nothing more can be read with this token.
        """
        fields = dict.fromkeys(part for offer in offers.values() for part in offer.parts)
        try:
            if tally.limited is not None:
                raise tally.limited
            body = self._account_insights(access, {"metric": ",".join(fields), **day_window(day, day)}, tally)
        except (NeedsReauth, MetricRefused):
            raise
        except PlatformError as error:
            if isinstance(error, RateLimited):
                tally.limited = error
            if not isinstance(error, _DENIALS):
                failures[f"{day:%Y-%m-%d}"] = error
            for name in offers:
                numbers.miss(name, _reason(error))
            return
        for name, offer in offers.items():
            self._day_metrics.learn(access.platform_account_id, name, body)
            take_day(numbers, day, name, offer.parts, body)

    def _account_insights(self, access: Access, params: Mapping[str, str], tally: Tally) -> Mapping[str, Any]:
        """Return insights of the account.

        Raises:
            WrongIdentity: they are those of another account.
            PlatformError: they could not be read.
        """
        path = f"{access.platform_account_id}/threads_insights"
        body = checked_insights(self._graph.get(path, access.token, params, tally))
        if is_about_another(body, access.platform_account_id.lstrip("0")):
            raise WrongIdentity("the insights are those of another account: connect the right one again")
        return body


def _reason(error: PlatformError) -> Reason:
    return "not_supported" if isinstance(error, MetricRefused) else error.reason
