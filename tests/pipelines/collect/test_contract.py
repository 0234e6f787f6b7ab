"""The contract of all platforms, against the simulator: a platform in the registry is tested automatically."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from metrics.documents import Platform
from metrics.periods import HOUR
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED
from simulator import truth
from simulator.world import SimPost
from tests.pipelines.collect.conftest import NOW, SLOT, Bench
from tests.platform_fields import followers_field, set_page_sizes

LISTS: dict[str, str] = {
    "instagram": "/media",
    "facebook": "/published_posts",
    "twitter": "/tweets",
    "linkedin": "posts",
    "tiktok": "video/list",
    "youtube": "playlistItems",
    "pinterest": "/v5/pins",
    "threads": "/threads",
    "bluesky": "getAuthorFeed",
}
"""A part of the path at which each platform lists posts."""

CALL_PER_POST = {"threads"}
"""Platforms that need a request for each post."""

CURSORS_ONLY = {"threads"}
"""Platforms whose pages have a cursor, and nothing else that tells whether the list goes on."""

LEVELS: dict[str, tuple[str, str]] = {
    "instagram": ("{id}", "followers_count"),
    "facebook": ("{id}", "followers_count"),
    "twitter": ("users/me", "data.public_metrics.followers_count"),
    "linkedin": ("networkSizes", "firstDegreeSize"),
    "tiktok": ("user/info", "data.user.follower_count"),
    "youtube": ("channels", "items.0.statistics.subscriberCount"),
    "pinterest": ("/v5/user_account", "follower_count"),
    "threads": ("threads_insights", "data.0.total_value.value"),
    "bluesky": ("getProfile", "followersCount"),
}
"""A part of the path that returns an account's followers, and their place in the answer."""

ITEMS: dict[str, tuple[str, str]] = {
    "linkedin": ("elements", "id"),
    "tiktok": ("data.videos", "id"),
    "youtube": ("items", "contentDetails.videoId"),
    "pinterest": ("items", "id"),
    "bluesky": ("feed", "post.uri"),
}
"""The list in the answer, and the id of one of its items, if they are not `data` and `id`."""
LIST_NAMES = {
    "twitter": "timeline",
    "tiktok": "videos",
    "youtube": "uploads",
    "pinterest": "pins",
    "bluesky": "author feed",
}
"""The name of a list in failures, if it is not in its path."""
OF_THE_APP = ("linkedin", "tiktok", "bluesky")
"""Platforms whose limits hold for all accounts of an app or an address."""

PAGE = 6
"""Posts of a page, so that the busiest account has several pages."""
NEXT = SLOT + HOUR
LATER = NOW + HOUR

pytestmark = pytest.mark.parametrize("platform", PLATFORMS_IMPLEMENTED)


def living(bench: Bench, platform: Platform, index: int = 8, now: datetime = NOW) -> dict[str, SimPost]:
    """The existing posts of ninety days, by the platform's id."""
    world = bench.simulator.world
    posts = world.posts(world.account(platform, index), now - timedelta(days=90), now)
    return {post.platform_post_id: post for post in posts if post.visible(now) and post.metric_type != "story"}


def published(post: SimPost) -> datetime:
    return post.published_at


def stored(bench: Bench, account_id: str) -> dict[str, dict[str, Any]]:
    """The stored posts, by the platform's id."""
    posts = bench.store.posts.of_account(account_id, since=NOW - timedelta(days=91), alive=False)
    return {post["platformPostId"]: dict(post) for post in posts if post["metricType"] != "story"}


def followers(bench: Bench, account_id: str, slot: datetime = SLOT) -> int | None:
    rows = [row for row in bench.rows(slot, accountId=account_id) if "postId" not in row["metadata"]]
    found: int | None = rows[0]["metrics"].get("followers") if rows else None
    return found


def true_followers(bench: Bench, platform: Platform, index: int, now: datetime = NOW) -> int:
    world = bench.simulator.world
    field = followers_field(platform)
    return truth.account_value(world, world.account(platform, index), field, now)


def problems(bench: Bench, account_id: str, slot: datetime = SLOT) -> list[str]:
    return [one["what"] for one in bench.record(account_id, slot).get("problems", ())]


def test_first_hour_brings_the_level_and_every_living_post(bench: Bench, platform: Platform) -> None:
    account = bench.connect(8, platform=platform)
    assert bench.collect(platform=platform).failures == []
    assert stored(bench, account["_id"]).keys() == living(bench, platform).keys()
    assert followers(bench, account["_id"]) == true_followers(bench, platform, 8)


def test_list_that_breaks_off_is_read_on_in_the_next_hour(
    bench: Bench, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_page_sizes(monkeypatch, PAGE)
    index = busiest(bench, platform)
    account = bench.connect(index, platform=platform)
    bench.simulator.set_faults({"kind": "error", "path": LISTS[platform], "page": 2})
    bench.collect(platform=platform)
    first = stored(bench, account["_id"])
    assert 0 < len(first) < len(living(bench, platform, index))
    assert any(LIST_NAMES.get(platform, LISTS[platform].strip("/")) in what for what in problems(bench, account["_id"]))
    bench.simulator.set_faults()
    bench.collect(NEXT, LATER, platform=platform)
    assert stored(bench, account["_id"]).keys() >= living(bench, platform, index, LATER).keys()
    assert problems(bench, account["_id"], NEXT) == []


def busiest(bench: Bench, platform: Platform) -> int:
    """The account with the most posts in ninety days: more than one page."""
    return max(range(12), key=lambda index: len(living(bench, platform, index)))


def test_cursor_that_does_not_advance_ends_the_list_with_a_failure(
    bench: Bench, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_page_sizes(monkeypatch, PAGE)
    account = bench.connect(8, platform=platform)
    bench.simulator.set_faults({"kind": "repeated_cursor"})
    report = bench.collect(platform=platform)
    assert report.requests < 60 + (len(living(bench, platform)) if platform in CALL_PER_POST else 0)
    assert report.ok == 1
    assert followers(bench, account["_id"]) == true_followers(bench, platform, 8)
    assert stored(bench, account["_id"])
    assert any("advance" in failure.message or "repeats" in failure.message for failure in report.failures)


def test_empty_page_hides_nothing(bench: Bench, platform: Platform) -> None:
    account = bench.connect(8, platform=platform)
    bench.simulator.set_faults({"kind": "empty_page", "times": 2})
    bench.collect(platform=platform)
    bench.simulator.set_faults()
    bench.collect(NEXT, LATER, platform=platform)
    assert stored(bench, account["_id"]).keys() >= living(bench, platform).keys()


@pytest.mark.parametrize("form", ["hidden", "ended", "odd"])
def test_what_a_page_does_not_show_in_one_hour_is_read_in_the_next(
    bench: Bench, platform: Platform, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_page_sizes(monkeypatch, PAGE)
    index = busiest(bench, platform)
    account = bench.connect(index, platform=platform)
    items, item_id = ITEMS.get(platform, ("data", "id"))
    ended: dict[str, Any] = {"meta": {"result_count": 0}} if platform == "twitter" else {items: []}
    if platform == "youtube":
        ended |= {"kind": "youtube#playlistItemListResponse"}
    if platform == "tiktok":
        ended = {"data": {"videos": [], "cursor": 0, "has_more": False}, "error": {"code": "ok"}}
    spoilt: dict[str, dict[str, Any]] = {
        "hidden": {"at": items, "value": []},
        "ended": {"at": "", "value": ended},
        # On Threads, the first item of this page is a repost, which is no post of the account.
        "odd": {"at": f"{items}.{1 if platform == 'threads' else 0}.{item_id}", "value": {"x": 1}},
    }
    bench.simulator.set_faults({"kind": "patch", "path": LISTS[platform], "page": 2, **spoilt[form]})
    report = bench.collect(platform=platform)
    assert stored(bench, account["_id"]).keys() < living(bench, platform, index).keys()
    assert form != "odd" or any("unexpected form" in failure.message for failure in report.failures)
    bench.simulator.set_faults()
    bench.collect(NEXT, LATER, platform=platform)
    assert stored(bench, account["_id"]).keys() >= living(bench, platform, index).keys()


def test_post_that_comes_back_lives_again(bench: Bench, platform: Platform) -> None:
    # A post of the last hours is looked for in every hour.
    newest = {index: max(living(bench, platform, index).values(), key=published) for index in range(30)}
    index = max(newest, key=lambda one: published(newest[one]))
    account, name = bench.connect(index, platform=platform), newest[index].platform_post_id
    bench.collect(platform=platform)
    bench.simulator.set_faults({"kind": "partial", "object": name})
    bench.collect(NEXT, LATER, platform=platform)
    assert "deletedAt" in stored(bench, account["_id"])[name]
    bench.simulator.set_faults()
    bench.collect(NEXT + HOUR, LATER + HOUR, platform=platform)
    post = stored(bench, account["_id"])[name]
    assert "deletedAt" not in post
    assert bench.rows(NEXT + HOUR, postId=post["_id"])


def test_announced_post_hides_no_other(bench: Bench, platform: Platform) -> None:
    account = bench.connect(8, platform=platform)
    posts = living(bench, platform)
    newest = posts[max(posts, key=lambda one: posts[one].published_at)]
    announce(bench, account, newest.platform_post_id, newest.published_at)
    bench.collect(platform=platform)
    found = stored(bench, account["_id"])
    assert found.keys() == posts.keys()
    one = found[newest.platform_post_id]
    assert (one["metricType"], one["contentType"]) == (newest.metric_type, newest.content_type)
    assert "announced" not in one


def announce(bench: Bench, account: Any, name: str, at: datetime) -> None:
    """Store a post as the publishing module announces it, possibly with a wrong kind."""
    bench.store.posts.put(
        [{"_id": f"post_of_{name}", "workspaceId": account["workspaceId"], "accountId": account["_id"],
          "platform": account["platform"], "platformPostId": name, "metricType": "post", "contentType": "other",
          "publishedAt": at, "announced": True}]
    )  # fmt: skip


def test_renamed_account_has_its_new_name(bench: Bench, platform: Platform) -> None:
    account = bench.connect(8, platform=platform, handle="old.name")
    platform_id = account["platformAccountId"]
    bench.simulator.set_faults({"kind": "rename", "account": platform_id, "value": "new.name"})
    bench.collect(platform=platform)
    handle = bench.store.accounts.get(account["_id"])["handle"]
    assert handle.removesuffix(".bsky.social").replace("_", ".").replace("-", ".") == "new.name"


def test_account_that_is_gone_waits_for_a_person_and_comes_back(bench: Bench, platform: Platform) -> None:
    account = bench.connect(8, platform=platform)
    platform_id = account["platformAccountId"]
    bench.simulator.set_faults({"kind": "permission", "account": platform_id})
    bench.collect(platform=platform)
    assert bench.state(account["_id"]) == "active"
    bench.collect(NEXT, LATER, platform=platform)
    assert bench.state(account["_id"]) == "unreachable"
    bench.simulator.set_faults()
    bench.collect(NEXT + HOUR, LATER + HOUR, platform=platform)
    assert bench.state(account["_id"]) == "active"
    assert followers(bench, account["_id"], NEXT + HOUR) is not None


def test_dead_token_stops_its_account_alone(bench: Bench, platform: Platform) -> None:
    dead, well = bench.connect(8, platform=platform), bench.connect(9, platform=platform)
    bench.simulator.set_faults({"kind": "expired_token", "account": dead["platformAccountId"]})
    report = bench.collect(platform=platform)
    assert (report.ok, report.failed) == (1, 1)
    assert (bench.state(dead["_id"]), bench.state(well["_id"])) == ("needs_reauth", "active")
    assert followers(bench, well["_id"]) == true_followers(bench, platform, 9)


def test_limit_of_an_account_is_kept_in_every_workspace(bench: Bench, platform: Platform) -> None:
    account = bench.connect(8, platform=platform)
    bench.connect(8, platform=platform, workspace="v", _id="twin")
    platform_id = account["platformAccountId"]
    # X and Bluesky send the end of their window, which is over, since the simulator's clock has another day.
    bench.simulator.set_faults({"kind": "account_limit", "account": platform_id, "times": 1})
    bench.collect(platform=platform, workspace_ids=["w"])
    before = sum(bench.simulator.calls()["byAccount"].values())
    bench.collect(platform=platform, workspace_ids=["v"])
    assert sum(bench.simulator.calls()["byAccount"].values()) == before


@pytest.mark.parametrize("value", [99_999_999_999_999, "soon"])
def test_absurd_pause_leaves_the_other_accounts(bench: Bench, platform: Platform, value: object) -> None:
    limited, well = bench.connect(8, platform=platform), bench.connect(9, platform=platform)
    platform_id = limited["platformAccountId"]
    bench.simulator.set_faults(
        {"kind": "proxy_error" if platform in OF_THE_APP else "account_limit", "account": platform_id},
        {"kind": "retry_after", "account": platform_id, "value": value},
        {"kind": "rate_limit_reset", "account": platform_id, "value": value},
    )
    report = bench.collect(platform=platform)
    assert report.unforeseen == set()
    assert followers(bench, well["_id"]) == true_followers(bench, platform, 9)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html"},
        {"kind": "broken_json"},
        {"kind": "empty_body"},
        {"kind": "broken_gzip"},
        {"kind": "cut"},
        {"kind": "proxy_error"},
        {"kind": "redirect", "value": "http://127.0.0.1:1/"},
        {"kind": "redirect", "value": "http://["},
        {"kind": "foreign_body", "value": []},
        {"kind": "foreign_body", "value": None},
        {"kind": "foreign_body", "value": "ok"},
    ],
    ids=lambda fault: "-".join(str(one) for one in fault.values()),
)
def test_answer_of_something_else_fails_one_account(bench: Bench, platform: Platform, fault: dict[str, Any]) -> None:
    bad, well = bench.connect(8, platform=platform), bench.connect(9, platform=platform)
    bench.simulator.set_faults({**fault, "account": bad["platformAccountId"]})
    report = bench.collect(platform=platform)
    assert (report.ok + report.failed, report.unforeseen) == (2, set())
    assert {failure.account_id for failure in report.failures} == {bad["_id"]}
    assert (bench.state(bad["_id"]), followers(bench, bad["_id"])) == ("active", None)
    assert followers(bench, well["_id"]) == true_followers(bench, platform, 9)


@pytest.mark.parametrize("value", [-1, 12.5, "1,234", {"count": 3}])
def test_impossible_number_is_left_out_alone(bench: Bench, platform: Platform, value: object) -> None:
    account = bench.connect(8, platform=platform)
    path, at = LEVELS[platform]
    bench.simulator.set_faults(
        {"kind": "patch", "path": path.format(id=account["platformAccountId"]), "at": at, "value": value}
    )
    report = bench.collect(platform=platform)
    (row,) = [row for row in bench.rows(accountId=account["_id"]) if "postId" not in row["metadata"]]
    assert "followers" not in row["metrics"]
    assert row["unavailable"]["followers"] == "provider_error"
    assert report.impossible == {account["_id"]: 1}
    assert stored(bench, account["_id"]).keys() == living(bench, platform).keys()


def test_count_with_a_decimal_point_is_a_whole_number(bench: Bench, platform: Platform) -> None:
    account = bench.connect(8, platform=platform)
    path, at = LEVELS[platform]
    bench.simulator.set_faults(
        {"kind": "patch", "path": path.format(id=account["platformAccountId"]), "at": at, "value": 1234.0}
    )
    bench.collect(platform=platform)
    found = followers(bench, account["_id"])
    assert (found, type(found)) == (1234, int)


@pytest.mark.parametrize(
    "fault",
    [
        {"at": "meta.next_token", "value": None},
        {"at": "paging.links", "value": None},
        {"at": "paging.cursors", "value": None},
        {"at": "paging.cursors.after", "value": ""},
    ],
    ids=lambda fault: f"{fault['at']}-{fault['value']!r}",
)
def test_empty_field_of_a_page_is_as_good_as_none(bench: Bench, platform: Platform, fault: dict[str, Any]) -> None:
    account = bench.connect(8, platform=platform)
    bench.simulator.set_faults({"kind": "patch", "path": LISTS[platform], **fault})
    report = bench.collect(platform=platform)
    if platform in CURSORS_ONLY and "cursors" in fault["at"]:
        # A full page without a cursor is no end of the list.
        assert ["whether the list goes on" in failure.message for failure in report.failures] == [True]
        return
    assert report.failures == []
    assert stored(bench, account["_id"]).keys() == living(bench, platform).keys()


def test_next_page_at_another_host_is_read_at_the_own_one(bench: Bench, platform: Platform) -> None:
    account = bench.connect(8, platform=platform)
    # Nothing listens there; a call would have sent the token there.
    elsewhere = "http://127.0.0.1:1/?after=nowhere&access_token=x"
    bench.simulator.set_faults(
        {"kind": "patch", "path": LISTS[platform], "at": "paging.next", "value": elsewhere, "page": 1},
        {"kind": "patch", "path": LISTS[platform], "at": "paging.links.*.href", "value": elsewhere, "page": 1},
    )
    report = bench.collect(platform=platform)
    assert report.failures == []
    assert stored(bench, account["_id"]).keys() == living(bench, platform).keys()


TIMES: dict[str, tuple[str, object]] = {
    "instagram": ("data.0.timestamp", "1970-01-01T00:00:00+0000"),
    "facebook": ("data.0.created_time", "1970-01-01T00:00:00+0000"),
    "twitter": ("data.0.created_at", "1970-01-01T00:00:00.000Z"),
    "linkedin": ("elements.0.publishedAt", 1_795_168_800),
    "tiktok": ("data.videos.0.create_time", 0),
    "youtube": ("items.0.contentDetails.videoPublishedAt", "1970-01-01T00:00:00Z"),
    "pinterest": ("items.0.created_at", "1970-01-01T00:00:00"),
    "threads": ("data.1.timestamp", "1970-01-01T00:00:00+0000"),
    "bluesky": ("feed.0.post.indexedAt", "1970-01-01T00:00:00.000Z"),
}
"""A time of publication in a list, and a value that it has by mistake: of nothing, or in seconds for milliseconds."""


def test_post_from_before_its_platform_is_told_and_not_taken_for_old(bench: Bench, platform: Platform) -> None:
    account = bench.connect(8, platform=platform)
    at, value = TIMES[platform]
    # Pinterest also names the most shown pins, which are looked up by their ids.
    unnamed = {"kind": "patch", "path": "top_pins", "at": "pins", "value": []}
    spoilt = {"kind": "patch", "path": LISTS[platform], "at": at, "value": value, "page": 1}
    bench.simulator.set_faults(spoilt, unnamed)
    report = bench.collect(platform=platform)
    assert len(living(bench, platform)) - len(stored(bench, account["_id"])) == 1
    assert ["before the platform existed, 1970" in failure.message for failure in report.failures] == [True]
