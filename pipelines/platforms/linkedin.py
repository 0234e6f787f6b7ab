"""LinkedIn organizations through the Community Management API (platforms.md, 5).

An account costs a call for its followers, one for its newest posts and one per twenty due posts; posts that the
statistics leave out had no activity or are gone, and one call asks which.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import Platform, Reason
from pipelines.platforms import restli
from pipelines.platforms.base import (
    EMPTY_PAGES,
    FOLLOWED_DAYS,
    Access,
    AccountReading,
    Post,
    ProviderDays,
    Reading,
    Tally,
)
from pipelines.platforms.errors import PermissionMissing, PlatformError, PostGone, RateLimited, Transient
from pipelines.platforms.linkedin_answers import (
    account_reading,
    is_advertisement,
    listed_post,
    of_status,
    post_reading,
    raise_for,
    statistics,
    take_days,
    understood,
)
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.retries import retrying

if TYPE_CHECKING:
    from pipelines.platforms.http import Http

API_VERSION = "202608"
PAGE = 100
MAX_URNS = 20
"""URNs in a list: the length of the URL is what limits them (platforms.md, 5.2)."""

_HEADERS = {"Linkedin-Version": API_VERSION, "X-Restli-Protocol-Version": "2.0.0"}
_TOKEN_HOSTS = {"https://api.linkedin.com": "https://www.linkedin.com"}
_DAY_SOURCES = {
    "organizationalEntityFollowerStatistics": ("organizationalEntity", ("netFollowers",)),
    "organizationPageStatistics": ("organization", ("profileViews",)),
    "organizationalEntityShareStatistics": ("organizationalEntity", ("accountImpressions", "reach")),
}
"""Finder and canonical names of each kind of time-bound statistics."""


class LinkedIn:
    """The platform `linkedin`; thread-safe."""

    name: Platform = "linkedin"
    api_version = API_VERSION
    days: ProviderDays | None = ProviderDays(hours=(3, 15), settling=3, lag=timedelta(hours=49))
    """UTC days; the newest that is complete is the day before yesterday."""

    def __init__(self, http: "Http", _quarantine: Quarantine) -> None:
        self._http = http
        token_host = _TOKEN_HOSTS.get(http.base_url)
        self._tokens = type(http)(token_host, 4) if token_host else http

    @understood()
    def read(
        self,
        access: Access,
        followed: Sequence[Post],
        is_due: Callable[[Post], bool],
        known: Collection[str],
        tally: Tally,
    ) -> AccountReading:
        """Return what the organization, its due posts and its new ones say now."""
        urn = _urn(access)
        try:
            path = f"networkSizes/{restli.key(urn)}"
            size = self._get(access, path, {"edgeType": "COMPANY_FOLLOWED_BY_MEMBER"}, tally)
        except PostGone as error:
            raise PermissionMissing(f"no such organization, or not for this token: {error}") from None
        reading = AccountReading(account_reading(size))
        try:
            self._read_posts(access, urn, [post for post in followed if is_due(post)], known, reading, tally)
        except RateLimited as limit:
            tally.limited = limit
            reading.failures["posts"] = str(limit)
        return reading

    def _read_posts(
        self,
        access: Access,
        urn: str,
        due: Sequence[Post],
        known: Collection[str],
        reading: AccountReading,
        tally: Tally,
    ) -> None:
        listed: dict[str, Post] = {}
        with reading.part("posts"), understood():
            for post in self._listed(access, urn, known, reading, tally):
                listed[post.platform_post_id] = post
        new = [post for post_id, post in listed.items() if post_id not in known]
        silent: list[Post] = []
        for posts in _lists([*due, *new]):
            with reading.part("statistics of posts"), understood():
                silent += self._statistics(access, urn, posts, reading, tally)
        unsure = [post for post in silent if post.platform_post_id not in listed]
        reading.posts += [(post, post_reading(post, None)) for post in silent if post.platform_post_id in listed]
        for posts in _chunks(unsure):
            with reading.part("posts by id"), understood():
                self._confirm(access, posts, reading, tally)

    @understood()
    def read_days(self, access: Access, days: Sequence[date], tally: Tally) -> dict[date, Reading]:
        """Return the statistics of UTC days, by date: one call for each of three kinds."""
        readings: dict[date, Reading] = {day: Reading(utcnow(), {}, {}) for day in days}
        urn, names = _urn(access), offered("linkedin", "account")
        interval = {
            "timeRange": {"start": _milliseconds(min(days)), "end": _milliseconds(max(days) + timedelta(days=1))},
            "timeGranularityType": "DAY",
        }
        for resource, (finder, metrics) in _DAY_SOURCES.items():
            params = {"q": finder, finder: urn, "timeIntervals": interval}
            fields = {name: names[name].field for name in metrics if name in names}
            try:
                take_days(readings, self._get(access, resource, params, tally), fields)
            except (PermissionMissing, PostGone):
                for reading in readings.values():
                    why: Reason = "permission_missing"
                    reading.unavailable.update(dict.fromkeys(fields, why))  # type: ignore[attr-defined]
        return readings

    def refresh(self, access: Access, tally: Tally) -> Mapping[str, Any] | None:
        """Return credentials with a new access token, where the app may renew any; the refresh token's end is fixed."""
        credentials = access.credentials
        names = ("refresh_token", "client_id", "client_secret")
        if not set(names) <= credentials.keys():
            return None
        form = {"grant_type": "refresh_token", **{name: str(credentials[name]) for name in names}}
        tally.calls += 1
        tally.requests += 1
        status, body, headers = self._tokens.send("POST", "/oauth/v2/accessToken", form=form)
        if status in (400, 401):
            return None
        raise_for(status, body, headers)
        with understood():
            return {
                **credentials,
                "access_token": body["access_token"],
                "refresh_token": body.get("refresh_token", credentials["refresh_token"]),
                "expires_at": utcnow().timestamp() + float(body["expires_in"]),
            }

    def _get(self, access: Access, path: str, params: Mapping[str, object], tally: Tally) -> Mapping[str, Any]:
        found: Mapping[str, Any] = {}
        for attempt in retrying(tally):
            with attempt:
                tally.calls += 1
                tally.requests += 1
                query = restli.query(params)
                status, body, headers = self._http.send(
                    "GET", f"/rest/{path}", token=access.token, params=query, headers=_HEADERS
                )
                raise_for(status, body, headers)
                if not isinstance(body, Mapping):
                    raise Transient("LinkedIn's answer is no object")
                found = body
        return found

    def _listed(
        self, access: Access, urn: str, known: Collection[str], reading: AccountReading, tally: Tally
    ) -> Iterator[Post]:
        """Yield listed posts young enough to follow, reading on while a page holds any that is new."""
        oldest, start, empty = utcnow() - timedelta(days=FOLLOWED_DAYS), 0, 0
        while True:
            params = {"q": "author", "author": urn, "count": PAGE, "start": start, "sortBy": "LAST_MODIFIED"}
            try:
                page = self._get(access, "posts", params, tally)
            except (PermissionMissing, PostGone) as error:
                reading.failures["posts"] = str(error)
                return
            elements = page["elements"]
            posts = [listed_post(element) for element in elements if not is_advertisement(element)]
            young = [post for post in posts if post.published_at >= oldest]
            yield from young
            # An old post that was edited stands among young ones: only a whole page of them is the end.
            # Deleted and hidden posts leave gaps: a page may be short, or empty, and not the last.
            empty = empty + 1 if not elements else 0
            nothing_new = bool(elements) and all(post.platform_post_id in known for post in young)
            if not _has_next(page, elements) or nothing_new or empty > EMPTY_PAGES:
                return
            start += PAGE

    def _statistics(
        self, access: Access, urn: str, posts: Sequence[Post], reading: AccountReading, tally: Tally
    ) -> list[Post]:
        """Take the statistics of posts of one kind; return those that the answer leaves out."""
        name = "ugcPosts" if _is_ugc(posts[0]) else "shares"
        params = {
            "q": "organizationalEntity",
            "organizationalEntity": urn,
            name: [post.platform_post_id for post in posts],
        }
        try:
            found = statistics(self._get(access, "organizationalEntityShareStatistics", params, tally))
        except (PermissionMissing, PostGone) as error:
            reading.failures[name] = str(error)
            return []
        told = [post for post in posts if post.platform_post_id in found]
        reading.posts += [(post, post_reading(post, found[post.platform_post_id])) for post in told]
        return [post for post in posts if post.platform_post_id not in found]

    def _confirm(self, access: Access, posts: Sequence[Post], reading: AccountReading, tally: Tally) -> None:
        """Ask which of the posts without statistics are still there: they had no activity; the others are gone."""
        try:
            body = self._get(access, "posts", {"ids": [post.platform_post_id for post in posts]}, tally)
        except PermissionMissing as error:
            reading.failures["posts by id"] = str(error)
            return
        statuses = {**{urn: error.get("status") for urn, error in (body.get("errors") or {}).items()}}
        statuses |= body.get("statuses") or {}
        for post in posts:
            post_id = post.platform_post_id
            if post_id in body["results"]:
                reading.posts.append((post, post_reading(post, None)))
            else:
                self._miss(post_id, of_status(statuses.get(post_id, 404)), reading)

    def _miss(self, post_id: str, error: PlatformError, reading: AccountReading) -> None:
        if isinstance(error, PostGone):
            reading.gone.append(post_id)
        else:
            reading.failures[post_id] = str(error)


def _has_next(page: Mapping[str, Any], elements: Sequence[object]) -> bool:
    """Tell whether a list goes on: by its links, or by a full page where there are none."""
    links = page.get("paging", {}).get("links")
    if not links:
        return len(elements) >= PAGE
    return any(link.get("rel") == "next" for link in links)


def _urn(access: Access) -> str:
    account_id = access.platform_account_id
    return account_id if account_id.startswith("urn:") else f"urn:li:organization:{account_id}"


def _milliseconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _is_ugc(post: Post) -> bool:
    return post.platform_post_id.startswith("urn:li:ugcPost:")


def _lists(posts: Sequence[Post]) -> Iterator[list[Post]]:
    """Yield lists of at most twenty posts of one kind: shares and ugcPosts have parameters of their own."""
    for ugc in (False, True):
        yield from _chunks(post for post in posts if _is_ugc(post) == ugc)


def _chunks(posts: Iterable[Post]) -> Iterator[list[Post]]:
    rest = iter(posts)
    while chunk := list(islice(rest, MAX_URNS)):
        yield chunk
