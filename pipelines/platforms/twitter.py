"""X through its API v2 (platforms.md, 4).

An account costs two calls and one per hundred due posts: who it is, what it published since the newest known post, and
the due posts by id. X bills each distinct post once per UTC day: a post that the timeline brought is not read again.
"""

import base64
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from metrics.clock import isoformat, utcnow
from metrics.documents import Platform, Reason
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
from pipelines.platforms.errors import (
    BadAnswer,
    MetricRefused,
    PermissionMissing,
    PlatformError,
    PostGone,
    RateLimited,
)
from pipelines.platforms.quarantine import Quarantine, Refused
from pipelines.platforms.retries import retrying
from pipelines.platforms.twitter_answers import (
    PRIVATE_DAYS,
    account_reading,
    listed_post,
    media_of,
    near_limit,
    of_problem,
    of_resources,
    post_reading,
    raise_for,
    refused_field,
    understood,
)
from pipelines.platforms.twitter_days import MAX_IDS, OWN_POSTS, impressions

if TYPE_CHECKING:
    from pipelines.platforms.http import Http

API_VERSION = "2"

_IMPRESSIONS = "accountImpressions"
_PRIVATE = "non_public_metrics"
_FIELDS = ("created_at", "public_metrics", "attachments", "entities", _PRIVATE)
_MEDIA = "public_metrics,type"


class Twitter:
    """The platform `twitter`; thread-safe."""

    name: Platform = "twitter"
    api_version = API_VERSION
    days: ProviderDays | None = ProviderDays(hours=(), settling=0, lag=timedelta(hours=25))
    """Asked only of hours in the past: what is followed every hour tells more, and X bills each post that is read."""

    def __init__(self, http: "Http", quarantine: Quarantine) -> None:
        self._http = http
        self._quarantine = quarantine

    @understood()
    def read(
        self,
        access: Access,
        followed: Sequence[Post],
        is_due: Callable[[Post], bool],
        known: Collection[str],
        tally: Tally,
    ) -> AccountReading:
        """Return what the account, its due posts and its new ones say now."""
        me = self._get(access, "users/me", {"user.fields": "public_metrics"}, tally)["data"]
        reading = AccountReading(account_reading(me))
        try:
            self._read_posts(access, str(me["id"]), [post for post in followed if is_due(post)], known, reading, tally)
        except RateLimited as limit:
            # What was read before it was billed, and is kept.
            tally.limited = limit
            reading.failures["posts"] = str(limit)
        reading.quarantined |= {str(Refused(field, "post")) for field in _FIELDS if self._refuses(field)}
        return reading

    def _read_posts(
        self,
        access: Access,
        user_id: str,
        due: Sequence[Post],
        known: Collection[str],
        reading: AccountReading,
        tally: Tally,
    ) -> None:
        listed: set[str] = set()
        with reading.part("timeline"), understood():
            self._new(access, user_id, known, listed, reading, tally)
        oldest = utcnow() - PRIVATE_DAYS
        unread = [post for post in due if post.platform_post_id not in listed]
        young = [post for post in unread if post.published_at >= oldest]
        old = [post for post in unread if post.published_at < oldest]
        for posts, private in ((young, True), (old, False)):
            for hundred in _hundreds(posts):
                with reading.part("posts by id"), understood():
                    self._look_up(access, hundred, private, reading, tally)

    @understood()
    def read_days(self, access: Access, days: Sequence[date], tally: Tally) -> dict[date, Reading]:
        """Return the impressions of UTC days, where the token may see analytics."""

        def ask(path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
            return self._get(access, path, params, tally)

        try:
            found = impressions(ask, access.platform_account_id, days)
        except (PermissionMissing, PostGone):
            why: dict[str, Reason] = {_IMPRESSIONS: "permission_missing"}
            return {day: Reading(utcnow(), {}, why) for day in days}
        return {day: Reading(utcnow(), {_IMPRESSIONS: total}) for day, total in found.items()}

    def refresh(self, access: Access, tally: Tally) -> Mapping[str, Any] | None:
        """Return credentials with a new access token and the next refresh token, which works once."""
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
        # Tried once: a refresh token that was used is dead, and using it again looks like theft to X.
        tally.calls += 1
        tally.requests += 1
        status, body, answered = self._http.send("POST", "/2/oauth2/token", form=form, headers=headers)
        if status in (400, 401):
            return None
        raise_for(status, body, answered)
        with understood():
            return {
                **credentials,
                "access_token": body["access_token"],
                "refresh_token": body.get("refresh_token", credentials["refresh_token"]),
                "expires_at": utcnow().timestamp() + float(body["expires_in"]),
            }

    def _refuses(self, field: str) -> bool:
        return self._quarantine.holds(field, "post")

    def _get(self, access: Access, path: str, params: Mapping[str, str], tally: Tally) -> Mapping[str, Any]:
        found: Mapping[str, Any] = {}
        for attempt in retrying(tally):
            with attempt:
                tally.calls += 1
                tally.requests += 1
                status, body, headers = self._http.send("GET", f"/2/{path}", token=access.token, params=params)
                tally.near_limit = near_limit(headers) or tally.near_limit
                if status == 400 and (field := refused_field(body)):
                    self._quarantine.add(Refused(field, "post"))
                    raise MetricRefused(field)
                if not (path == "tweets" and of_resources(status, body)):
                    raise_for(status, body, headers)
                found = body
        return found

    def _posts(
        self, access: Access, path: str, params: Mapping[str, str], private: bool, tally: Tally
    ) -> Mapping[str, Any]:
        """Read posts with all that is known of them; a field that X no longer knows is left out from then on."""
        while True:
            wanted = ",".join(f for f in _FIELDS if not self._refuses(f) and (private or f != _PRIVATE))
            asked = {"tweet.fields": wanted, "expansions": "attachments.media_keys", "media.fields": _MEDIA}
            try:
                return self._get(access, path, {**params, **asked}, tally)
            except MetricRefused as error:
                # Left out from now on; a refusal of what was not asked for would come again and again.
                if str(error) not in wanted.split(","):
                    raise BadAnswer(f"X refuses {error}, which was not asked for") from None

    def _new(
        self,
        access: Access,
        user_id: str,
        known: Collection[str],
        listed: set[str],
        reading: AccountReading,
        tally: Tally,
    ) -> None:
        """Read what was published since the newest known post; add the ids of all that the timeline brings."""
        newest = max((int(one) for one in known if one.isdecimal()), default=None)
        oldest = utcnow() - timedelta(days=FOLLOWED_DAYS)
        since = {"since_id": str(newest)} if newest is not None else {"start_time": isoformat(oldest)}
        params = {"max_results": str(MAX_IDS), **OWN_POSTS, **since}
        empty = 0
        try:
            while True:
                body = self._posts(access, f"users/{user_id}/tweets", params, True, tally)
                listed |= self._take(body, None, oldest, reading)
                empty = 0 if body.get("data") else empty + 1
                token = body.get("meta", {}).get("next_token")
                if not token or empty > EMPTY_PAGES:
                    break
                params = {**params, "pagination_token": token}
        except (PermissionMissing, PostGone) as error:
            reading.failures["timeline"] = str(error)

    def _look_up(
        self, access: Access, posts: Sequence[Post], private: bool, reading: AccountReading, tally: Tally
    ) -> None:
        """Read posts by id: what is missing is named, each with its reason."""
        by_id = {post.platform_post_id: post for post in posts}
        body = self._posts(access, "tweets", {"ids": ",".join(by_id)}, private, tally)
        found = self._take(body, by_id, None, reading)
        problems = {str(one.get("resource_id") or one.get("value")): one for one in body.get("errors", ())}
        for post_id in by_id.keys() - found:
            problem = problems.get(post_id)
            self._miss(post_id, of_problem(problem) if problem else None, reading)

    def _miss(self, post_id: str, error: PlatformError | None, reading: AccountReading) -> None:
        if isinstance(error, PostGone):
            reading.gone.append(post_id)
        else:
            reading.failures[post_id] = str(error or "X left it out without a word")

    def _take(
        self,
        body: Mapping[str, Any],
        known: Mapping[str, Post] | None,
        oldest: datetime | None,
        reading: AccountReading,
    ) -> set[str]:
        """Put the tweets of an answer with the reading; return their ids."""
        media, now, found = media_of(body), utcnow(), set()
        refused = [field for field in _FIELDS if self._refuses(field)]
        for tweet in body.get("data", ()):
            post = known[tweet["id"]] if known is not None and tweet["id"] in known else listed_post(tweet, media)
            found.add(post.platform_post_id)
            if oldest is None or post.published_at >= oldest:
                reading.posts.append((post, post_reading(post, tweet, media, refused, now)))
        return found


def _hundreds(posts: Iterable[Post]) -> Iterator[list[Post]]:
    rest = iter(posts)
    while hundred := list(islice(rest, MAX_IDS)):
        yield hundred
