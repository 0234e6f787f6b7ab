"""The content of posts after collection: what is stored, what changes it, what removes it, and its cost."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from metrics.documents import Platform
from metrics.errors import RedisUnavailable
from metrics.periods import DAY, HOUR
from metrics.platforms.registry import FACTS
from metrics.post_content import excerpt, folded
from metrics.redis.versions import data_version
from pipelines.platforms.facebook import api as facebook
from pipelines.platforms.graph.posts import Listing
from pipelines.platforms.instagram import api as instagram
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED
from simulator.world import SimPost
from tests.pipelines.collect.conftest import NOW, SLOT, Bench
from tests.pipelines.collect.test_contract import LISTS, living, stored

CAPTION = {
    "instagram": "data.[id={id}].caption", "facebook": "data.[id={id}].message",
    "twitter": "data.[id={id}].text", "linkedin": "elements.[id={id}].commentary",
    "tiktok": "data.videos.[id={id}].video_description",
    "bluesky": "/feed/[post.uri={id}]/post/record/text",
}  # fmt: skip
PICTURE = {"instagram": "data.[id={id}].media_url", "facebook": "data.[id={id}].full_picture"}
HOSTS = {
    "instagram": "https://www.instagram.com/", "facebook": "https://www.facebook.com/", "twitter": "https://x.com/",
    "linkedin": "https://www.linkedin.com/feed/update/", "tiktok": "https://www.tiktok.com/@",
    "youtube": "https://www.youtube.com/watch?v=",
    "pinterest": "https://www.pinterest.com/pin/",
    "threads": "https://www.threads.", "bluesky": "https://bsky.app/profile/did:plc:",
}  # fmt: skip

CAPTION_OF_LISTS = [one for one in CAPTION if one != "twitter"]
"""Platforms whose lists are read again in every hour, and then return known posts as well."""

every_platform = pytest.mark.parametrize("platform", PLATFORMS_IMPLEMENTED)


@pytest.fixture(autouse=True)
def _whole_world(bench: Bench) -> Iterator[None]:
    """The simulator, reset after earlier tests."""
    bench.simulator.reset()
    yield
    bench.simulator.reset()


def connect(bench: Bench, platform: Platform) -> str:
    return bench.connect(8, platform=platform)["_id"]


def contents(bench: Bench, account_id: str) -> dict[str, dict[str, Any]]:
    """The stored content of posts, by the platform's id; {} for posts without content."""
    return {name: dict(post.get("content", {})) for name, post in stored(bench, account_id).items()}


def newest(bench: Bench, platform: Platform, **wanted: Any) -> SimPost:
    """The newest post of the account that has a caption, and the given attributes."""
    posts = [
        post
        for post in living(bench, platform).values()
        if post.text
        and post.metric_type == "post"
        and all(getattr(post, name) == value for name, value in wanted.items())
    ]
    return max(posts, key=lambda post: post.published_at)


def billed(bench: Bench) -> int:
    """The number of posts that X has billed today, as the simulator tells it."""
    client = bench.simulator.client
    token = client.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=("sim", "secret")).json()
    answer = client.get("/2/usage/tweets", headers={"Authorization": f"Bearer {token['access_token']}"})
    return int(answer.json()["data"]["project_usage"])


def patch(bench: Bench, platform: Platform, post: SimPost, place: str, **change: Any) -> None:
    path = LISTS[platform].strip("/")
    name = post.platform_post_id
    at = place.format(id=name.replace("~", "~0").replace("/", "~1") if place.startswith("/") else name)
    bench.simulator.set_faults({"kind": "patch", "path": path, "at": at, **change})


@every_platform
def test_lists_give_the_content_of_every_post(bench: Bench, platform: Platform) -> None:
    found, posts = contents(bench, connected := connect(bench, platform)), living(bench, platform)
    assert found == {}
    report = bench.collect(platform=platform)
    found = contents(bench, connected)
    assert (report.failures, report.dropped_content) == ([], 0)
    assert found.keys() == posts.keys()
    shown, old = 0, NOW - timedelta(days=30)
    for name, post in posts.items():
        if platform == "twitter" and post.published_at < old:
            assert found[name] == {}
            continue
        shown += 1
        assert found[name]["permalink"].startswith(HOSTS[platform])
        text = excerpt(post.text) if post.text else None
        caption = found[name].get("captionExcerpt")
        if platform == "twitter":
            assert caption is not None
            caption = caption.removesuffix("https://t.co/sim").rstrip() or None
            text = text and text[: len(caption or "")]
        if platform in ("tiktok", "youtube"):
            text = text and text[: len(caption or "")]
        assert caption == text, name
        assert (found[name].get("captionFolded") or "") == folded(found[name].get("captionExcerpt", ""))
        has_picture = platform not in ("linkedin", "tiktok") and post.content_type not in (
            "text",
            "link" if platform == "twitter" else "",
            "other" if platform == "threads" else "",  # audio
        )
        assert ("thumbnailUrl" in found[name]) == has_picture, (name, post.content_type)
        if has_picture:
            assert found[name]["thumbnailUrl"].startswith(bench.simulator.url)
        expires = found[name].get("thumbnailExpiresAt")
        assert expires == (
            NOW.replace(hour=0, minute=0) + 3 * DAY
            if has_picture and FACTS[platform].content.expiry_parameter
            else None
        )
    assert shown > 5
    pictures = [one["thumbnailUrl"] for one in found.values() if "thumbnailUrl" in one]
    for url in pictures[:3]:
        assert bench.simulator.client.get(url).headers["content-type"] == "image/png"
    bodies = "".join(str(one.get("captionExcerpt")) for one in found.values())
    assert "<script>" in bodies or platform != "instagram"


@every_platform
def test_content_costs_no_call_and_no_billed_post(bench: Bench, platform: Platform) -> None:
    spent = []
    for name, stores in (("without", False), ("with", True)):
        bench.connect(8, platform=platform, _id=name, workspace=name)
        bench.simulator.reset()
        report = bench.having(store_post_content=stores).collect(platform=platform, account_ids=[name])
        calls = bench.simulator.calls()["byKind"]
        spent.append((report.calls, report.requests, calls, billed(bench)))
    assert spent[0] == spent[1]
    assert spent[0][0] > 1
    assert (spent[0][3] > 0) == (platform == "twitter")


@pytest.mark.parametrize("platform", CAPTION_OF_LISTS)
def test_edited_caption_is_stored_and_a_removed_one_is_not_kept(bench: Bench, platform: Platform) -> None:
    account_id, post = connect(bench, platform), newest(bench, platform)
    bench.collect(platform=platform)
    before = contents(bench, account_id)
    for hours, change, after in ((1, {"value": "EDITED"}, "EDITED"), (2, {"delete": True}, None)):
        patch(bench, platform, post, CAPTION[platform], **change)
        bench.collect(SLOT + hours * HOUR, NOW + hours * HOUR, platform=platform)
        found = contents(bench, account_id)[post.platform_post_id]
        assert found.get("captionExcerpt") == after
        assert found.get("captionFolded") == (after and "edited")
        assert found["permalink"] == before[post.platform_post_id]["permalink"]


def test_post_on_x_is_edited_where_it_is_read_by_its_id(bench: Bench) -> None:
    # A later timeline has only posts that are newer than the newest known one.
    account_id, post = connect(bench, "twitter"), newest(bench, "twitter")
    bench.collect(platform="twitter")
    at = f"data.[id={post.platform_post_id}].text"
    bench.simulator.set_faults({"kind": "patch", "path": "2/tweets", "at": at, "value": "EDITED &amp; more"})
    bench.collect(SLOT + HOUR, NOW + HOUR, platform="twitter", every_post=True)
    assert contents(bench, account_id)[post.platform_post_id]["captionExcerpt"] == "EDITED & more"


def test_thumbnail_is_renewed_before_it_expires_and_not_in_every_hour(bench: Bench) -> None:
    account_id, post = connect(bench, "instagram"), newest(bench, "instagram", content_type="image")
    urls = []
    for hours in (0, 1, 25, 56, 57):
        bench.collect(SLOT + hours * HOUR, NOW + hours * HOUR)
        urls.append(contents(bench, account_id)[post.platform_post_id]["thumbnailUrl"])
    assert urls[0] == urls[1] == urls[2] != urls[3] == urls[4]


def test_another_picture_replaces_the_thumbnail_at_once(bench: Bench) -> None:
    account_id, post = connect(bench, "instagram"), newest(bench, "instagram", content_type="image")
    bench.collect()
    patch(
        bench, "instagram", post, PICTURE["instagram"], value="https://scontent.cdninstagram.com/v/2_n.jpg?oe=6A21A000"
    )
    bench.collect(SLOT + HOUR, NOW + HOUR)
    found = contents(bench, account_id)[post.platform_post_id]
    assert found["thumbnailUrl"].startswith("https://scontent.cdninstagram.com/v/2_n.jpg")
    assert found["thumbnailExpiresAt"].timestamp() == 0x6A21A000


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example/a.png", "javascript:alert(1)", "data:image/png;base64,AA", "ftp://a/b", "https://",
        "https:///a", "https://user:secret@host/a", "https://a b/c", "https://a/\n", "//evil.example/a",
        "https://a/" + "x" * 2100, 7, {"a": 1}, "https://[::1", "https://ä.example/",
    ],
    ids=lambda url: str(url)[:24].encode(errors="replace").decode(),
)  # fmt: skip
def test_url_that_is_not_https_is_dropped_and_counted(bench: Bench, url: object) -> None:
    account_id, post = connect(bench, "instagram"), newest(bench, "instagram", content_type="image")
    patch(bench, "instagram", post, PICTURE["instagram"], value=url)
    report = bench.collect()
    assert report.dropped_content == 1
    assert "1 captions or URLs dropped" in report.summary()
    found = contents(bench, account_id)[post.platform_post_id]
    assert "thumbnailUrl" not in found
    assert "thumbnailExpiresAt" not in found
    assert found["permalink"].startswith(HOSTS["instagram"])


@pytest.mark.parametrize("value", [5, ["a"], {"text": "a"}, True])
def test_caption_that_is_no_text_is_dropped_and_counted(bench: Bench, value: object) -> None:
    account_id, post = connect(bench, "facebook"), newest(bench, "facebook")
    patch(bench, "facebook", post, CAPTION["facebook"], value=value)
    assert bench.collect(platform="facebook").dropped_content == 1
    assert "captionExcerpt" not in contents(bench, account_id)[post.platform_post_id]


def test_caption_with_control_characters_does_not_fail_the_account(bench: Bench) -> None:
    account_id, post = connect(bench, "instagram"), newest(bench, "instagram")
    patch(bench, "instagram", post, CAPTION["instagram"], value="a\x00\x1bb")
    report = bench.collect()
    assert (report.ok, report.failures) == (1, [])
    assert contents(bench, account_id)[post.platform_post_id]["captionExcerpt"] == "ab"


@every_platform
def test_deleted_post_loses_its_content(bench: Bench, platform: Platform) -> None:
    account_id, post = connect(bench, platform), newest(bench, platform)
    bench.collect(platform=platform)
    assert contents(bench, account_id)[post.platform_post_id]
    # A list that is late still names the post; a read by its id finds that it is gone.
    bench.simulator.set_faults({"kind": "partial", "account": post.platform_post_id})
    bench.collect(SLOT + HOUR, NOW + HOUR, platform=platform, every_post=True)
    gone = stored(bench, account_id)[post.platform_post_id]
    assert "deletedAt" in gone
    assert "content" not in gone
    bench.collect(SLOT + 2 * HOUR, NOW + 2 * HOUR, platform=platform, every_post=True)
    assert "content" not in stored(bench, account_id)[post.platform_post_id]


@every_platform
def test_unchanged_content_is_not_written_again(
    bench: Bench, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = connect(bench, platform)
    bench.collect(platform=platform)
    known = {post["_id"] for post in stored(bench, account_id).values()}
    written = list[str]()

    def noted(posts: Any) -> int:
        written.extend(post["_id"] for post in posts)
        return 0

    monkeypatch.setattr(bench.store.posts, "put", noted)
    bench.collect(SLOT + HOUR, NOW + HOUR, platform=platform)
    assert known
    assert not known.intersection(written)


@every_platform
def test_content_is_neither_requested_nor_stored_if_it_is_off(bench: Bench, platform: Platform) -> None:
    account_id = connect(bench, platform)
    bench.collect(platform=platform)
    assert any(contents(bench, account_id).values())
    other = bench.connect(9, platform=platform, workspace="w2")["_id"]
    bench.collect(platform=platform, account_ids=[other])
    versions = [data_version(bench.redis, workspace) for workspace in ("w", "w2")]
    off = bench.having(store_post_content=False)
    # The other account is not collected, and its content is removed all the same.
    off.collect(SLOT + HOUR, NOW + HOUR, platform=platform, account_ids=[account_id])
    for one in (account_id, other):
        assert not any(contents(bench, one).values())
        assert stored(bench, one)
    # Answers that are cached with content are no longer valid.
    assert all(data_version(bench.redis, w) != v for w, v in zip(("w", "w2"), versions, strict=True))
    assert bench.store.db["posts"].count_documents({"content": {"$exists": True}}) == 0
    # Switched on again, content comes with the next list.
    bench.collect(SLOT + 2 * HOUR, NOW + 2 * HOUR, platform=platform, every_post=True)
    assert any(contents(bench, account_id).values())


@pytest.mark.parametrize(("platform", "days"), [("twitter", 1), ("linkedin", 180)])
def test_content_that_was_not_seen_for_long_is_removed(bench: Bench, platform: Platform, days: int) -> None:
    account_id = connect(bench, platform)
    bench.collect(platform=platform)
    bench.store.accounts.disconnect(account_id, NOW)
    last = NOW + timedelta(days=days)
    bench.collect(SLOT + HOUR, last - timedelta(minutes=1), platform=platform)
    assert any(contents(bench, account_id).values())
    bench.collect(SLOT + HOUR, last, platform=platform)
    assert not any(contents(bench, account_id).values())


def test_post_on_x_that_became_a_month_old_loses_its_content(bench: Bench) -> None:
    account_id = connect(bench, "twitter")
    bench.collect(platform="twitter")
    oldest = min(
        (p for p in living(bench, "twitter").values() if contents(bench, account_id)[p.platform_post_id]),
        key=lambda post: post.published_at,
    )
    later = oldest.published_at + timedelta(days=30, minutes=1)
    bench.collect(SLOT + (later - NOW) // HOUR * HOUR, later, platform="twitter")
    assert contents(bench, account_id)[oldest.platform_post_id] == {}


@pytest.mark.parametrize(
    ("platform", "module", "name"), [("instagram", instagram, "_MEDIA"), ("facebook", facebook, "Listing")]
)
def test_field_that_the_api_no_longer_has_costs_no_number(
    bench: Bench, platform: Platform, module: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = connect(bench, platform)
    bench.collect(platform=platform)
    before, kept = len(bench.rows()), contents(bench, account_id)
    changed = {"content_fields": "no_such_field"}
    there = getattr(module, name)
    monkeypatch.setattr(
        module, name, replace(there, **changed) if platform == "instagram" else partial_listing(changed)
    )
    report = bench.collect(SLOT + HOUR, NOW + HOUR, platform=platform, every_post=True)
    assert report.failures == []
    assert len(bench.rows(SLOT + HOUR)) >= before
    # Content that is not requested any more is not known to be gone.
    assert {name: one for name, one in contents(bench, account_id).items() if name in kept} == kept


def partial_listing(changed: dict[str, str]) -> Any:
    """Return a `Listing` that is made with other values than it is given."""
    return lambda *args, **options: Listing(*args, **{**options, **changed})


def test_content_is_removed_while_redis_is_away(bench: Bench, absent_redis: Redis) -> None:
    account_id = connect(bench, "instagram")
    bench.collect()
    bench.store.accounts.disconnect(account_id, NOW)
    away = replace(bench.having(store_post_content=False), redis=absent_redis)
    with pytest.raises(RedisUnavailable):
        away.collect(SLOT + HOUR, NOW + HOUR)
    assert not any(contents(bench, account_id).values())
