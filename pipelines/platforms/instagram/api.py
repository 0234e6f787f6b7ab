"""The Instagram client: reads accounts through the Graph API, with Facebook Login or Instagram Login.

Facts: docs/platform-facts.md#instagram.

An account takes one batch: its node, its stories, its newest media, and each due post with its insights expanded in one
element. New posts are read in a second batch.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform
from metrics.platforms.instagram import API_VERSION
from pipelines.platforms.base import FurtherHosts
from pipelines.platforms.data.access import Access, Identity
from pipelines.platforms.data.readings import AccountReading, DaysReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import PlatformError
from pipelines.platforms.graph.answers import day_window, parsing_answer, read_error, take_series, take_total
from pipelines.platforms.graph.client import META_DAYS, Get, GraphApi
from pipelines.platforms.graph.insights import PostNumbers
from pipelines.platforms.graph.posts import GraphPosts, Listing
from pipelines.platforms.instagram.answers import ACCOUNT_FIELDS, account_numbers, listed_post
from pipelines.platforms.limits import PostBudget
from pipelines.platforms.numbers import Numbers, field_of
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.renewals import renewed_credentials

if TYPE_CHECKING:
    from pipelines.platforms.http.client import Http

_CONTENT_FIELDS = "permalink,caption,media_url,thumbnail_url"
_LIST_FIELDS = "id,media_type,media_product_type,timestamp"
_STORIES = Listing(
    "stories",
    _LIST_FIELDS,
    partial(listed_post, metric_type="story"),
    ages=False,
    content_fields=_CONTENT_FIELDS,
)
_MEDIA = Listing("media", _LIST_FIELDS, listed_post, content_fields=_CONTENT_FIELDS)
_NEW_FOLLOWERS = "newFollowers"
_WEEKLY = "weeklyReach"
_SERIES = {"reach": ("day", "reach"), _NEW_FOLLOWERS: ("day", "follower_count"), _WEEKLY: ("week", "reach")}
_DAYS = replace(META_DAYS, span=29, shorter={_NEW_FOLLOWERS: timedelta(days=30)})
"""At most 30 days per request, less one because of the end of summer time.

Facts: docs/platform-facts.md#meta-days; see `META_DAYS`.

New followers are available for the last thirty days only.
"""


class InstagramPosts(PostNumbers):
    """Reads the metrics of media."""

    name: ClassVar[Platform] = "instagram"
    node_metrics: ClassVar[Mapping[str, str]] = {"likes": "like_count", "comments": "comments_count"}

    def node_value(self, body: Mapping[str, Any], name: str) -> object:
        """Return the number of likes or comments; likes are missing if the owner hides them."""
        return field_of(body, self.node_metrics[name])


class InstagramGraph(GraphPosts):
    """Reads Instagram accounts through one of its two hosts; thread-safe."""

    name: ClassVar[Platform] = "instagram"
    api_version = API_VERSION
    days = _DAYS
    account_fields = ",".join(("id", "username", *ACCOUNT_FIELDS.values()))
    numbers_type = InstagramPosts

    def __init__(self, http: "Http", quarantine: Quarantine, *, instagram_login: bool, content: bool) -> None:
        super().__init__(GraphApi(http, API_VERSION), quarantine, content=content)
        # With Instagram Login, `id` is specific to the app, so it differs from the account's id.
        self.names_accounts_by_one_id = not instagram_login

    def account_numbers(self, node: Mapping[str, Any]) -> Numbers:
        """Return the numbers of followers, followed accounts and posts."""
        return account_numbers(node)

    def handle(self, node: Mapping[str, Any]) -> object:
        """Return the user name."""
        return node.get("username")

    def listings(self, _reels: Collection[str]) -> Sequence[Listing]:
        """Return the lists of active stories and of media."""
        return _STORIES, _MEDIA

    @parsing_answer()
    def read_days(
        self, access: Access, days: Sequence[date], tally: Tally, _budget: PostBudget | None = None
    ) -> DaysReading:
        """Return the account's insights of Pacific days that have ended, by date."""
        names = offered("instagram", "account")
        found, failures = {day: Numbers() for day in days}, dict[str, PlatformError]()
        allowed = self._day_metrics.to_ask(names.keys() - ACCOUNT_FIELDS.keys(), found)
        totals = {n: o.field for n, o in names.items() if n in allowed - _SERIES.keys()}
        edge, now = f"{access.platform_account_id}/insights", utcnow()
        answered = {name: [day for day in days if self.days.answers(name, day, now)] for name in _SERIES}
        series = {name: request for name, request in _SERIES.items() if answered[name] and name in allowed}
        gets = [
            Get(edge, {"metric": field, "period": period, **day_window(min(answered[name]), max(answered[name]))})
            for name, (period, field) in series.items()
        ]
        gets += [
            Get(edge, {"metric": field, "period": "day", "metric_type": "total_value", **day_window(day, day)})
            for day in days
            for field in totals.values()
        ]
        results = iter(self._graph.batch(access.token, gets, tally))
        for name, (_, field) in series.items():
            result = next(results)
            self._day_metrics.learn(access.platform_account_id, name, result)
            take_series({day: found[day] for day in answered[name]}, name, field, result)
            if error := read_error(result):
                failures[name] = error
        for day in days:
            for name in _SERIES:
                if day not in answered[name]:
                    found[day].miss(name, "not_recoverable")
            for name, field in totals.items():
                result = next(results)
                self._day_metrics.learn(access.platform_account_id, name, result)
                take_total(found[day], name, field, result)
                if error := read_error(result):
                    failures[f"{name} of {day:%Y-%m-%d}"] = error
        return DaysReading.of(found, utcnow(), failures)

    def refresh(self, access: Access, tally: Tally) -> Mapping[str, Any]:
        """Return credentials of Instagram Login for another 60 days."""
        body = self._graph.get("refresh_access_token", access.token, {"grant_type": "ig_refresh_token"}, tally)
        with parsing_answer():
            return renewed_credentials(access.credentials, body, utcnow())


class Instagram:
    """The platform `instagram`; thread-safe.

    Tokens of Facebook Login work only at graph.facebook.com, those of Instagram Login only at graph.instagram.com
    (docs/platform-facts.md#instagram-access). The field `login` of an account's credentials determines the host.
    """

    name: Platform = "instagram"
    api_version = API_VERSION
    days = _DAYS
    asks_for_content: ClassVar = True
    further_hosts: ClassVar[FurtherHosts] = {"login_http": lambda settings: settings.platform_url("instagram_login")}

    def __init__(
        self, http: "Http", quarantine: Quarantine, login_http: "Http | None" = None, *, content: bool = True
    ) -> None:
        self._facebook_login = InstagramGraph(http, quarantine, instagram_login=False, content=content)
        self._instagram_login = InstagramGraph(login_http or http, quarantine, instagram_login=True, content=content)

    def identify(self, access: Access, tally: Tally) -> Identity:
        """Return which account the credentials can read."""
        return self._of(access).identify(access, tally)

    def read(self, access: Access, wanted: Wanted, tally: Tally) -> AccountReading:
        """Return the current numbers of the account, its due posts and its new posts."""
        return self._of(access).read(access, wanted, tally)

    def read_past(self, access: Access, wanted: Wanted, tally: Tally) -> Iterator[AccountReading]:
        """Yield the pages of the lists, each with the metrics of those of its posts that are not stored yet."""
        return self._of(access).read_past(access, wanted, tally)

    def read_days(
        self, access: Access, days: Sequence[date], tally: Tally, budget: PostBudget | None = None
    ) -> DaysReading:
        """Return the account's insights of Pacific days that have ended, by date."""
        return self._of(access).read_days(access, days, tally, budget)

    def refresh(self, access: Access, tally: Tally) -> Mapping[str, Any] | None:
        """Return credentials of Instagram Login for another 60 days; None for a token of Facebook Login.

        The latter are renewed by a person; Page tokens do not expire by time (docs/platform-facts.md#meta-tokens).
        """
        return self._instagram_login.refresh(access, tally) if by_instagram_login(access) else None

    def _of(self, access: Access) -> InstagramGraph:
        return self._instagram_login if by_instagram_login(access) else self._facebook_login


def by_instagram_login(access: Access) -> bool:
    """Tell whether a token is one of Instagram Login."""
    return access.credentials.get("login") == "instagram"
