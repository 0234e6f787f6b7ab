"""Benchmark of the simulator: requests per second on one core, for each request that collection makes.

    python bench/simulate.py [--accounts 100] [--rounds 3]

Requests go to the ASGI app within this process, without a socket or a second core. Seconds are processor time, and of
each request the best of the rounds counts, so that other work on the machine counts little. «cold» is the first request
for an account in a fresh world, «warm» the same request again, and «hour» the same request an hour later, as a
collection sends it: numbers have changed by then. The reference is a bare Starlette route that answers a small JSON
object in the same run.

A batch of the Graph API counts as its elements, because Meta counts each of them as a call and the simulator answers
each of them as one: the lines of batches have the elements per second too. The result has one line per request, and is
written as JSON to bench/results/simulate.json.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from metrics.documents import Platform
from pipelines.platforms.linkedin import restli
from simulator.app import create_app
from simulator.clock import Clock
from simulator.registry import new_world
from simulator.serve import relax_collector
from simulator.tiktok.business import WINDOW
from simulator.tiktok.grants import further_credentials
from simulator.tiktok.organic import DAYS
from simulator.world import SimAccount, SimPost, World

NOW = datetime(2026, 11, 20, 0, 0, 5, tzinfo=UTC)
POSTS = 25
RESULTS = Path(__file__).parent / "results" / "simulate.json"

_FORM = {"content-type": "application/x-www-form-urlencoded"}
_REFUSED = b'{"code":4'
"""Beginning of an error of TikTok's API for Business, which answers with status 200."""
_JSON = {"content-type": "application/json"}
_LINKEDIN = {"linkedin-version": "202608", "x-restli-protocol-version": "2.0.0"}
_MEDIA = "id,media_type,media_product_type,timestamp"
_FEED = "id,created_time,status_type,attachments{media_type}"
_TWEETS = {
    "tweet.fields": "created_at,public_metrics,attachments,entities,non_public_metrics",
    "expansions": "attachments.media_keys", "media.fields": "public_metrics,type",
}  # fmt: skip
_ACCOUNT = "open_id,display_name,username,follower_count,following_count,video_count,likes_count"
_VIDEO = "id,create_time,like_count,comment_count,share_count,view_count,share_url,video_description"
_BUSINESS = ["item_id", "create_time", "video_views", "favorites", "reach", "total_time_watched", "new_followers",
             "profile_views"]  # fmt: skip
_DAY = 86_400_000
_NOON = int(NOW.timestamp()) // 86_400 * 86_400 - 43_200


@dataclass(frozen=True)
class ApiRequest:
    """HTTP request to the simulator."""

    path: str
    query: str = ""
    form: str = ""
    json: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def call(self, token: str) -> tuple[dict[str, object], bytes]:
        """Return the ASGI scope and the body."""
        body, kind = (self.json, _JSON) if self.json else (self.form, _FORM)
        headers = {"authorization": f"Bearer {token}", "host": "127.0.0.1", **dict(self.headers)}
        scope: dict[str, object] = {
            "type": "http", "http_version": "1.1", "method": "POST" if body else "GET", "scheme": "http",
            "path": self.path, "raw_path": self.path.encode(), "query_string": self.query.encode(), "root_path": "",
            "headers": [(k.encode(), v.encode()) for k, v in {**headers, **(kind if body else {})}.items()],
            "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "asgi": {"version": "3.0"}, "state": {},
        }  # fmt: skip
        return scope, body.encode()


Build = Callable[[SimAccount, list[SimPost]], ApiRequest]


def _batch(lists: Sequence[tuple[str, str]], of_post: Callable[[SimPost], str]) -> Build:
    """Return a builder of an account's batch: its node, its lists and `POSTS` posts with their insights."""

    def build(account: SimAccount, posts: list[SimPost]) -> ApiRequest:
        own = account.platform_account_id
        urls = [f"{own}?fields=followers_count"]
        urls += [f"{own}/{edge}?{urlencode({'fields': fields, 'limit': '50'})}" for edge, fields in lists]
        urls += [f"{post.platform_post_id}?{urlencode({'fields': of_post(post)})}" for post in posts[:POSTS]]
        return ApiRequest(
            "/v25.0/", form=urlencode({"batch": json.dumps([{"method": "GET", "relative_url": u} for u in urls])})
        )

    return build


def _media(post: SimPost) -> str:
    if post.content_type == "video" and post.metric_type == "post":
        return "id,like_count,comments_count,insights.metric(reach,saved)"
    more = "ig_reels_video_view_total_time" if post.metric_type == "reel" else "follows,profile_visits"
    return f"id,like_count,comments_count,insights.metric(shares,saved,views,reach,total_interactions,{more})"


def _page_post(post: SimPost) -> str:
    counted = "reactions.summary(true).limit(0),comments.summary(true).limit(0)"
    if post.metric_type == "reel":
        return f"id,{counted},video_insights.metric(blue_reels_play_count)"
    return f"id,{counted},shares,insights.metric(post_media_view,post_total_media_view_unique,post_clicks)"


def _listed(edge: str, fields: str) -> Build:
    query = urlencode({"fields": fields, "limit": "100"})
    return lambda account, _: ApiRequest(f"/v25.0/{account.platform_account_id}/{edge}", query)


def _x(path: str, more: dict[str, str] | None = None, *, ids: bool = False) -> Build:
    def build(account: SimAccount, posts: list[SimPost]) -> ApiRequest:
        named = {"ids": ",".join(post.platform_post_id for post in posts[:100])} if ids else {}
        return ApiRequest(path.format(id=account.platform_account_id), urlencode({**(more or {}), **named}))

    return build


def _rest(resource: str, params: Callable[[str, list[str]], dict[str, object]], key: bool = False) -> Build:
    def build(account: SimAccount, posts: list[SimPost]) -> ApiRequest:
        urn = f"urn:li:organization:{account.platform_account_id}"
        shares = [p.platform_post_id for p in posts if p.platform_post_id.startswith("urn:li:share")][:20]
        path = f"/rest/{resource}" + (f"/{restli.key(urn)}" if key else "")
        return ApiRequest(path, restli.query(params(urn, shares)), headers=tuple(_LINKEDIN.items()))

    return build


def _tiktok(endpoint: str, fields: str, body: Callable[[list[str]], dict[str, object]] | None = None) -> Build:
    def build(_: SimAccount, posts: list[SimPost]) -> ApiRequest:
        sent = json.dumps(body([post.platform_post_id for post in posts])) if body else ""
        return ApiRequest(f"/v2/{endpoint}/", urlencode({"fields": fields}), json=sent)

    return build


def _business(path: str, params: Mapping[str, str]) -> Build:
    def build(account: SimAccount, _: list[SimPost]) -> ApiRequest:
        credentials = further_credentials(account)
        query = urlencode({"business_id": credentials["second_account_id"], **params})
        return ApiRequest(
            f"/open_api/v1.3/business/{path}/", query, headers=(("access-token", credentials["second_access_token"]),)
        )

    return build


def _youtube(method: str, parts: str, params: Callable[[SimAccount, list[SimPost]], dict[str, str]]) -> Build:
    return lambda account, posts: ApiRequest(
        f"/youtube/v3/{method}", urlencode({"part": parts, **params(account, posts)})
    )


def _fifty(_account: SimAccount, posts: list[SimPost]) -> dict[str, str]:
    return {"id": ",".join(post.platform_post_id for post in posts[:50])}


def _pinterest(path: str, params: dict[str, str]) -> Build:
    return lambda *_: ApiRequest(f"/v5/{path}", urlencode(params))


def _threads(edge: str, query: str) -> Build:
    return lambda account, _: ApiRequest(f"/v1.0/{account.platform_account_id}/{edge}", query)


def _xrpc(method: str, params: Callable[[str, list[str]], dict[str, object]]) -> Build:
    def build(account: SimAccount, posts: list[SimPost]) -> ApiRequest:
        named = params(account.platform_account_id, [post.platform_post_id for post in posts])
        return ApiRequest(f"/xrpc/{method}", urlencode(named, doseq=True))

    return build


def _days(urn: str, finder: str = "organizationalEntity") -> dict[str, object]:
    end = int(NOW.timestamp() * 1000) // _DAY * _DAY
    interval = {"timeRange": {"start": end - 5 * _DAY, "end": end}, "timeGranularityType": "DAY"}
    return {"q": finder, finder: urn, "timeIntervals": interval}


_WEEK = {"start_date": "2026-11-11", "end_date": "2026-11-17", "content_type": "ORGANIC",
         "metric_types": "IMPRESSION,ENGAGEMENT,SAVE,PIN_CLICK,OUTBOUND_CLICK"}  # fmt: skip
_SPAN = {"start_time": "2026-11-17T00:00:00Z", "end_time": "2026-11-18T00:00:00Z", "granularity": "daily"}
_SHARES = "organizationalEntityShareStatistics"
REQUESTS: dict[tuple[Platform, str], Build] = {
    ("instagram", f"batch: account, lists, {POSTS} posts"): _batch([("stories", _MEDIA), ("media", _MEDIA)], _media),
    ("instagram", "media, 100"): _listed("media", _MEDIA),
    ("instagram", "media, 100 with counts"): _listed("media", f"{_MEDIA},like_count,comments_count"),
    ("instagram", "stories"): _listed("stories", _MEDIA),
    ("instagram", "insights of a day"): lambda a, _: ApiRequest(
        f"/v25.0/{a.platform_account_id}/insights", "metric=views,profile_views&period=day&metric_type=total_value"
    ),
    ("facebook", f"batch: page, lists, {POSTS} posts"): _batch(
        [("published_posts", _FEED), ("video_reels", "id,created_time")], _page_post
    ),
    ("facebook", "published_posts, 100"): _listed("published_posts", _FEED),
    ("facebook", "video_reels, 100"): _listed("video_reels", "id,created_time"),
    ("facebook", "insights of days"): lambda a, _: ApiRequest(
        f"/v25.0/{a.platform_account_id}/insights", "metric=page_media_view,page_post_engagements&period=day"
    ),
    ("twitter", "users/me"): _x("/2/users/me", {"user.fields": "public_metrics"}),
    ("twitter", "timeline, 100 with metrics"): _x("/2/users/{id}/tweets", {**_TWEETS, "max_results": "100"}),
    ("twitter", "tweets, 100 with metrics"): _x("/2/tweets", _TWEETS, ids=True),
    ("twitter", "analytics of a day, 100"): _x("/2/tweets/analytics", _SPAN, ids=True),
    ("linkedin", "networkSizes"): _rest(
        "networkSizes", lambda *_: {"edgeType": "COMPANY_FOLLOWED_BY_MEMBER"}, key=True
    ),
    ("linkedin", "posts, 100"): _rest("posts", lambda urn, _: {"q": "author", "author": urn, "count": 100}),
    ("linkedin", "posts by 20 ids"): _rest("posts", lambda _, shares: {"ids": shares}),
    ("linkedin", "statistics of 20 posts"): _rest(
        _SHARES, lambda urn, shares: {"q": "organizationalEntity", "organizationalEntity": urn, "shares": shares}
    ),
    ("linkedin", "share statistics by day"): _rest(_SHARES, lambda urn, _: _days(urn)),
    ("linkedin", "followers by day"): _rest("organizationalEntityFollowerStatistics", lambda urn, _: _days(urn)),
    ("linkedin", "page views by day"): _rest("organizationPageStatistics", lambda u, _: _days(u, "organization")),
    ("tiktok", "user/info"): _tiktok("user/info", _ACCOUNT),
    ("tiktok", "video/list, 20"): _tiktok("video/list", _VIDEO, lambda _: {"max_count": 20}),
    ("tiktok", "video/query, 20"): _tiktok("video/query", _VIDEO, lambda ids: {"filters": {"video_ids": ids[:20]}}),
    ("tiktok", "business/video/list, 20"): _business("video/list", {
        "max_count": "20", "fields": json.dumps(_BUSINESS)}),
    ("tiktok", "business/get, 30 days"): _business("get", {
        "start_date": "2026-10-20", "end_date": "2026-11-18", "fields": json.dumps(["followers_count", *DAYS])}),
    ("youtube", "channels"): _youtube("channels", "snippet,statistics,contentDetails", lambda a, _: {
        "id": a.platform_account_id}),
    ("youtube", "playlistItems, 50"): _youtube("playlistItems", "contentDetails,status", lambda a, _: {
        "playlistId": f"UU{a.platform_account_id[2:]}", "maxResults": "50"}),
    ("youtube", "batchGetStats, 50"): _youtube("videos:batchGetStats", "id,statistics", _fifty),
    ("youtube", "videos, 50"): _youtube("videos", "id,snippet,status,statistics", _fifty),
    ("youtube", "report of 7 days"): lambda a, _: ApiRequest("/v2/reports", urlencode({
        "ids": f"channel=={a.platform_account_id}", "startDate": "2026-11-08", "endDate": "2026-11-14",
        "dimensions": "day", "metrics": "views,engagedViews,estimatedMinutesWatched"})),
    ("pinterest", "user_account"): _pinterest("user_account", {}),
    ("pinterest", "pins, 250 with numbers"): _pinterest(
        "pins", {"page_size": "250", "pin_metrics": "true", "pin_filter": "exclude_repins"}
    ),
    ("pinterest", "analytics of 7 days"): _pinterest("user_account/analytics", _WEEK),
    ("pinterest", "analytics of 89 days"): _pinterest(
        "user_account/analytics", {**_WEEK, "start_date": "2026-08-23", "end_date": "2026-11-19"}
    ),
    ("pinterest", "days of 100 pins, 60 days"): lambda _, posts: ApiRequest("/v5/pins/analytics", urlencode({
        "pin_ids": ",".join(post.platform_post_id for post in posts[:100]), "start_date": "2026-09-20",
        "end_date": "2026-11-18", "metric_types": "VIDEO_START,VIDEO_V50_WATCH_TIME,USER_FOLLOW,PROFILE_VISIT"})),
    ("pinterest", "top 50 pins of 7 days"): _pinterest(
        "user_account/analytics/top_pins", {**_WEEK, "sort_by": "IMPRESSION", "num_of_pins": "50"}
    ),
    ("threads", "profile"): lambda *_: ApiRequest("/v1.0/me", "fields=id,username"),
    ("threads", "threads, 100"): _threads("threads", "fields=id,media_type,timestamp&limit=100"),
    ("threads", "insights of a post"): lambda _, posts: ApiRequest(
        f"/v1.0/{posts[0].platform_post_id}/insights", "metric=views,likes,replies,reposts,quotes,shares"
    ),
    ("threads", "insights of a day"): _threads(
        "threads_insights", f"metric=views,likes,replies,reposts,quotes,clicks&since={_NOON - 86_400}&until={_NOON}"
    ),
    ("threads", "followers"): _threads("threads_insights", "metric=followers_count"),
    ("bluesky", "getProfile"): _xrpc("app.bsky.actor.getProfile", lambda did, _: {"actor": did}),
    ("bluesky", "getAuthorFeed, 100"): _xrpc(
        "app.bsky.feed.getAuthorFeed", lambda did, _: {"actor": did, "limit": 100}
    ),
    ("bluesky", "getPosts, 25"): _xrpc("app.bsky.feed.getPosts", lambda _, uris: {"uris": uris[:25]}),
}  # fmt: skip


class _Endless(deque[datetime]):
    """The window of calls to TikTok's API for Business, which counts none: it would refuse eleven calls a second."""

    def append(self, _: datetime) -> None:
        """Count nothing."""


async def _ask(app: ASGIApp, calls: Sequence[tuple[dict[str, object], bytes]]) -> list[float]:
    """Send the calls one after the other; return the processor seconds of each. Any failure ends the benchmark."""
    answers: list[Message] = []

    async def send(message: Message) -> None:
        answers.append(message)

    seconds = []
    for scope, body in calls:

        async def receive(body: bytes = body) -> Message:
            return {"type": "http.request", "body": body}

        began = time.process_time()
        await app({**scope}, receive, send)
        seconds.append(time.process_time() - began)
    wrong = [m for m in answers if m.get("status", 200) != 200 or m.get("body", b"").startswith(_REFUSED)]
    assert not wrong, (wrong[0], calls[0], answers[1])
    return seconds


def measure(world: World, platform: Platform, build: Build, count: int, rounds: int) -> dict[str, float]:
    """Return requests per second, cold, warm and an hour later, and how many calls a request counts as."""
    accounts = [world.account(platform, 1000 + n) for n in range(count)]
    later = NOW + timedelta(hours=1)
    newest = [world.newest(account, NOW - timedelta(days=200), NOW) for account in accounts]
    drawn = [[post for post in posts if post.visible(NOW) and post.visible(later)] for posts in newest]
    calls = [build(a, posts).call(a.token) for a, posts in zip(accounts, drawn, strict=True)]
    clock = Clock()
    clock.set(NOW)
    cold, warm, hour = [], [], []
    for _ in range(rounds):
        clock.set(NOW)
        app = create_app(new_world(), clock)
        app.state.simulator.memory[WINDOW] = _Endless()
        cold.append(asyncio.run(_ask(app, calls)))
        warm.append(asyncio.run(_ask(app, calls)))
        clock.set(later)
        hour.append(asyncio.run(_ask(app, calls)))
    counted = sum(max(body.count(b"relative_url"), 1) for _, body in calls) / count
    return {"cold": count / _best(cold), "warm": count / _best(warm), "hour": count / _best(hour), "calls": counted}


def _best(rounds: Sequence[Sequence[float]]) -> float:
    """Return the seconds of all requests, each in its best round."""
    seconds: float = sum(min(of_one) for of_one in zip(*rounds, strict=True))
    return seconds


def reference(count: int) -> float:
    """Return the requests per second of a bare route."""

    async def answer(_: StarletteRequest) -> JSONResponse:
        return JSONResponse({"data": {"id": "1", "name": "bare"}})

    app = Starlette(routes=[Route("/bare", answer)])
    return count / _best([asyncio.run(_ask(app, [ApiRequest("/bare").call("t")] * count)) for _ in range(3)])


def main() -> None:
    """Measure each request, print one line for each, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    relax_collector()
    bare, world = reference(10 * options.accounts), new_world()
    print(f"{'bare Starlette route':44}{bare:>10,.0f}/s")
    rows = []
    for (platform, what), build in REQUESTS.items():
        found = measure(world, platform, build, options.accounts, options.rounds)
        rows.append({"platform": platform, "request": what, **found, "of_bare": found["warm"] / bare})
        told = "".join(f"{found[name]:>10,.0f}/s {name}" for name in ("cold", "warm", "hour"))
        elements = f", {found['calls'] * found['hour']:,.0f} elements/s" if found["calls"] > 1 else ""
        print(f"{platform:10} {what:33}{told}{found['warm'] / bare:>8.2f} of bare{elements}", flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"python": sys.version.split()[0], "bare": bare, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
