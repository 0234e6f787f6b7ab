"""The LinkedIn client: reads organizations through the Community Management API (docs/platform-facts.md#linkedin).

An account takes one call for its followers, one for its newest posts and one per twenty due posts. Posts without
statistics either had no activity or are gone; one more call finds out which. Another call reads the name once a day.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform, Reason
from metrics.platforms.linkedin import API_VERSION
from pipelines.platforms.answers import id_of, name_of
from pipelines.platforms.base import FurtherHosts
from pipelines.platforms.data.access import Access, Identity
from pipelines.platforms.data.readings import AccountReading, DaysReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import (
    AccountUnreachable,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
    WrongIdentity,
)
from pipelines.platforms.limits import PostBudget
from pipelines.platforms.linkedin import restli
from pipelines.platforms.linkedin.answers import FOLLOWERS, account_numbers, parsing_answer, raise_for, take_days
from pipelines.platforms.linkedin.calls import LinkedInCalls
from pipelines.platforms.linkedin.posts import Posts
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.provider_days import ProviderDays
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.renewals import raise_for_renewal, renewal_form, renewed_credentials

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

_NUMBER = re.compile(r"[0-9]+")

_DAY_SOURCES = {
    "organizationalEntityFollowerStatistics": ("organizationalEntity", ("netFollowers",)),
    "organizationPageStatistics": ("organization", ("profileViews",)),
    "organizationalEntityShareStatistics": ("organizationalEntity", ("accountImpressions", "reach")),
}
"""Finder and canonical metric names of each resource of time-bound statistics."""


class LinkedIn:
    """The platform `linkedin`; thread-safe."""

    name: Platform = "linkedin"
    api_version = API_VERSION
    days = ProviderDays(
        hours=(3, 15),
        settling=3,
        lag=timedelta(hours=49),
        span=365,
        reach=timedelta(days=14 * 30),
        shorter={"netFollowers": timedelta(days=365)},
    )
    """UTC days; the newest complete day is the day before yesterday.

    A request may cover less than 14 months; statistics of followers exist for the last 12.

    Facts: docs/platform-facts.md#linkedin-statistics.
    """
    further_hosts: ClassVar[FurtherHosts] = {"token_http": lambda settings: settings.platform_url("linkedin_login")}

    def __init__(self, http: "Http", _quarantine: Quarantine, token_http: "Http | None" = None) -> None:
        self._http = http
        self._tokens = token_http or http

    def read(self, access: Access, wanted: Wanted, tally: Tally) -> AccountReading:
        """Return the current numbers of the organization, its due posts and its new posts.

        Raises:
            AccountUnreachable: the organization does not exist, or this token may not read it.
            PlatformError: nothing could be read.
        """
        ask, urn = LinkedInCalls(self._http, access, tally), _urn(access)
        try:
            size = ask(*followers_of(urn))
        except (PermissionMissing, PostGone) as error:
            raise AccountUnreachable(f"no such organization, or not for this token: {error}") from None
        with parsing_answer():
            numbers = account_numbers(size)
        reading = AccountReading.of(numbers)
        if FOLLOWERS not in size:
            reading.failures["followers"] = f"LinkedIn's answer has an unexpected form: it has no {FOLLOWERS}"
        Posts(ask, urn, wanted, reading, tally).read()
        self._name(ask, access, wanted, reading, tally)
        return reading

    def identify(self, access: Access, tally: Tally) -> Identity:
        """Return the organization and its name. A token belongs to a member, who may manage several organizations.

        Raises:
            AccountUnreachable: the organization does not exist, or this token may not read it.
            WrongIdentity: the answer is about another organization.
            PlatformError: the organization could not be read.
        """
        try:
            body = LinkedInCalls(self._http, access, tally)(*_lookup(_urn(access)))
        except (PermissionMissing, PostGone) as error:
            raise AccountUnreachable(f"no such organization, or not for this token: {error}") from None
        with parsing_answer():
            # An answer without the id of an organization is not from LinkedIn.
            id_of(body["id"], _NUMBER)
        if _is_another(body, access):
            raise WrongIdentity(f"the answer is about the organization {body['id']}: connect the right one again")
        return Identity(access.platform_account_id, shown_name(body))

    def read_past(self, access: Access, wanted: Wanted, tally: Tally) -> Iterator[AccountReading]:
        """Yield the pages of the list of posts, each with the statistics of those of its posts that are not stored yet.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        whole = AccountReading(Reading(utcnow()))
        return Posts(LinkedInCalls(self._http, access, tally), _urn(access), wanted, whole, tally).past()

    def _name(self, ask: LinkedInCalls, access: Access, wanted: Wanted, reading: AccountReading, tally: Tally) -> None:
        """Read the displayed name of the organization once a day."""
        today = utcnow().date().isoformat()
        if wanted.memory.named_on == today or tally.limited is not None:
            return
        wanted.memory.named_on = today
        try:
            body = ask(*_lookup(_urn(access)))
        except NeedsReauth:
            raise
        except PlatformError as error:
            # A failure to read the name is not reported: the stored name stays.
            if isinstance(error, RateLimited):
                tally.limited = error
            return
        reading.handle = None if _is_another(body, access) else shown_name(body)

    def read_days(
        self, access: Access, days: Sequence[date], tally: Tally, _budget: PostBudget | None = None
    ) -> DaysReading:
        """Return the statistics of UTC days, by date, with one call for each of three resources."""
        found, failures = {day: Numbers() for day in days}, dict[str, PlatformError]()
        ask, urn, names, now = (
            LinkedInCalls(self._http, access, tally),
            _urn(access),
            offered("linkedin", "account"),
            utcnow(),
        )
        for resource, (finder, metrics) in _DAY_SOURCES.items():
            fields = {name: names[name].field for name in metrics if name in names}
            there = {day: found[day] for day in days if all(self.days.answers(name, day, now) for name in fields)}
            for day in days:
                if day not in there:
                    _miss(found[day], fields, "not_recoverable")
            if not there:
                continue
            params = {"q": finder, finder: urn, "timeIntervals": _interval(min(there), max(there))}
            try:
                with parsing_answer():
                    take_days(there, ask(resource, params), fields)
            except (NeedsReauth, RateLimited):
                raise
            except PlatformError as error:
                denied = isinstance(error, PermissionMissing | PostGone)
                for numbers in there.values():
                    _miss(numbers, fields, "permission_missing" if denied else error.reason)
                if not denied:
                    failures[resource] = error
        return DaysReading.of(found, utcnow(), failures)

    def refresh(self, access: Access, tally: Tally) -> Mapping[str, Any] | None:
        """Return credentials with a new access token, or None if they allow no renewal, or the refresh token is dead.

        Renewing does not extend the life of the refresh token.

        Raises:
            BadAnswer: LinkedIn does not accept the app: no user can help.
            PlatformError: any other failure.
        """
        credentials = access.credentials
        form = renewal_form(credentials)
        if form is None:
            return None
        tally.calls += 1
        tally.requests += 1
        status, body, headers = self._tokens.send("POST", "/oauth/v2/accessToken", form=form)
        try:
            raise_for_renewal(status, body, "LinkedIn")
            with parsing_answer():
                raise_for(status, body, headers)
                return renewed_credentials(credentials, body, utcnow())
        except NeedsReauth:
            return None


def followers_of(urn: str) -> tuple[str, Mapping[str, object]]:
    """Return path and parameters of the request for an organization's followers."""
    return f"networkSizes/{restli.key(urn)}", {"edgeType": "COMPANY_FOLLOWED_BY_MEMBER"}


def _lookup(urn: str) -> tuple[str, Mapping[str, object]]:
    """Return path and parameters of the request for an organization's names."""
    return f"organizations/{urn.rpartition(':')[2]}", {"fields": "id,vanityName,localizedName"}


def _is_another(body: Mapping[str, Any], access: Access) -> bool:
    """Tell whether an answer has the id of another organization."""
    return "id" in body and str(body["id"]) != access.platform_account_id.rpartition(":")[2].lstrip("0")


def shown_name(body: Mapping[str, Any]) -> str | None:
    """Return the name under which LinkedIn shows an organization."""
    return name_of(body.get("vanityName")) or name_of(body.get("localizedName"))


def _interval(first: date, last: date) -> Mapping[str, object]:
    """Return the parameter for UTC days from `first` to `last`, both included."""
    end = last + timedelta(days=1)
    return {
        "timeRange": {"start": _milliseconds(first), "end": _milliseconds(end)},
        "timeGranularityType": "DAY",
    }


def _miss(numbers: Numbers, names: Iterable[str], reason: Reason) -> None:
    for name in names:
        numbers.miss(name, reason)


def _urn(access: Access) -> str:
    account_id = access.platform_account_id
    return account_id if account_id.startswith("urn:") else f"urn:li:organization:{account_id}"


def _milliseconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
