"""The content of posts in the platforms' answers: recorded ones, and their markup."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from pipelines.platforms.bluesky import answers as bluesky
from pipelines.platforms.data.post import Content, Post
from pipelines.platforms.facebook import answers as facebook
from pipelines.platforms.instagram import answers as instagram
from pipelines.platforms.linkedin import answers as linkedin
from pipelines.platforms.threads import answers as threads
from pipelines.platforms.twitter import answers as twitter
from tests.recorded import recorded


def content(post: Post) -> Content:
    assert post.content is not None
    return post.content


def test_recorded_media(fixtures: Path) -> None:
    (first, *_) = recorded(fixtures, "instagram/pyfacebook_media_list_page1")["data"]
    found = content(instagram.listed_post(first))
    assert (found.permalink, found.caption, found.thumbnail_url) == (
        "https://www.instagram.com/p/CSgf9BChwVq/",
        None,
        "example media_url",
    )


def test_picture_of_a_video_is_never_the_video() -> None:
    video = {"id": "1", "media_type": "VIDEO", "media_product_type": "REELS", "media_url": "https://a/b.mp4"}
    assert content(instagram.listed_post(video)).thumbnail_url is None
    assert (
        content(instagram.listed_post({**video, "thumbnail_url": "https://a/b.jpg"})).thumbnail_url == "https://a/b.jpg"
    )


def test_post_of_threads_has_its_text_and_no_recording_for_a_picture(fixtures: Path) -> None:
    (first, *_) = recorded(fixtures.parent / "fixtures-more", "threads/restfb_replies_list")["data"]
    assert content(threads.listed_post(first)).caption == "First Reply"
    post = {"id": "1", "media_url": "https://a/b", "thumbnail_url": "https://a/c"}
    found = {
        media: content(threads.listed_post({**post, "media_type": media})).thumbnail_url
        for media in ("IMAGE", "CAROUSEL_ALBUM", "VIDEO", "AUDIO", "TEXT_POST")
    }
    pictures = {"IMAGE": "https://a/b", "CAROUSEL_ALBUM": "https://a/b", "VIDEO": "https://a/c"}
    assert found == {**pictures, "AUDIO": None, "TEXT_POST": None}


def test_recorded_post_of_a_page(fixtures: Path) -> None:
    (first, *_) = recorded(fixtures, "facebook/pyfacebook_feed_page1")["data"]
    assert content(facebook.listed_post(first)).caption == "Happy July 4th! 🇺🇸"


@pytest.mark.parametrize(
    ("link", "permalink"),
    [("/reel/12/", "https://www.facebook.com/reel/12/"), ("//evil.example/", "//evil.example/"),
     ("https://www.facebook.com/1_2", "https://www.facebook.com/1_2"), (None, None), (7, 7)],
)  # fmt: skip
def test_path_of_a_reel_gets_its_host(link: object, permalink: object) -> None:
    reel = facebook.listed_reel({"id": "12", "created_time": "2026-04-06T17:50:09+0000", "permalink_url": link})
    assert content(reel).permalink == permalink


def test_recorded_tweet(fixtures: Path) -> None:
    body = recorded(fixtures, "x/pytwitter_user_timeline")
    tweet = body["data"][0]
    found = content(twitter.listed_post(tweet, {}, "sns_sdks"))
    assert (found.permalink, found.caption) == (f"https://x.com/sns_sdks/status/{tweet['id']}", tweet["text"])


def test_tweet_without_a_usable_name_has_an_address(fixtures: Path) -> None:
    for name in (None, "a/../b", ""):
        found = twitter.content_of({"id": "5", "text": "&lt;b&gt; &amp;amp; &quot;"}, {}, name)
        assert (found.permalink, found.caption) == ("https://x.com/i/status/5", "<b> &amp; &quot;")


def test_recorded_video_has_its_preview(fixtures: Path) -> None:
    video = recorded(fixtures, "x/pytwitter_media_object_public_metrics")
    tweet = {"id": "5", "attachments": {"media_keys": ["3_1", video["media_key"]]}}
    assert twitter.content_of(tweet, {video["media_key"]: video}, None).thumbnail_url == video["preview_image_url"]
    photo = {"media_key": "3_1", "type": "photo", "url": "https://pbs.twimg.com/media/a.jpg"}
    both: dict[str, Any] = {"3_1": photo, video["media_key"]: video}
    assert twitter.content_of(tweet, both, None).thumbnail_url == photo["url"]


def test_recorded_post_of_an_organization(fixtures: Path) -> None:
    element = recorded(fixtures, "linkedin/ebx_post_video_dark")
    found = content(linkedin.listed_post(element))
    assert (found.permalink, found.caption, found.thumbnail_url) == (
        "https://www.linkedin.com/feed/update/urn:li:share:6844785523593134080/",
        "comment on Oct 20",
        None,
    )


@pytest.mark.parametrize(
    ("commentary", "text"),
    [
        ("Hello @[Acme Corp](urn:li:organization:1234)!", "Hello Acme Corp!"),
        ("with {hashtag|#|Technology} now", "with #Technology now"),
        (r"with {hashtag|\#|mytag} now", "with #mytag now"),
        (r"with {hashtag\|#\|mytag} now", "with #mytag now"),
        (r"\(a\) \\ \{b\} \@c \<script\> 5 \* 3", r"(a) \ {b} @c <script> 5 * 3"),
        (r"@[A \[B\]] (urn:li:person:1)", "A [B]"),
        (r"C:\Users, an unescaped @ and {curly", r"C:\Users, an unescaped @ and {curly"),
        ("plain", "plain"),
        (None, None),
        (5, 5),
    ],
)
def test_markup_of_linkedin_becomes_text(commentary: object, text: object) -> None:
    assert linkedin.plain_text(commentary) == text


def test_markup_that_never_closes_takes_no_long_time() -> None:
    began = time.process_time()
    for part in ("@[", "{hashtag|#|", "@[a](urn:li:", "\\"):
        linkedin.plain_text(part * 20_000)
    assert time.process_time() - began < 5


IMAGES = {"$type": "app.bsky.embed.images#view", "images": [{"thumb": "https://a/1", "fullsize": "https://a/2"}]}
VIEW: dict[str, Any] = {
    "uri": "at://did:plc:z72i7hdynmk6r22z27h6tvur/app.bsky.feed.post/3l6oveex3ii2l",
    "record": {"text": "Good morning", "createdAt": "2026-11-20T08:00:00.000Z"},
    "indexedAt": "2026-11-20T08:00:01.000Z",
}


@pytest.mark.parametrize(
    ("embed", "picture"),
    [
        (None, None),
        (IMAGES, "https://a/1"),
        ({**IMAGES, "images": []}, None),
        (
            {"$type": "app.bsky.embed.external#view", "external": {"uri": "https://b", "thumb": "https://a/3"}},
            "https://a/3",
        ),
        ({"$type": "app.bsky.embed.external#view", "external": {"uri": "https://b"}}, None),
        ({"$type": "app.bsky.embed.video#view", "playlist": "https://a/v", "thumbnail": "https://a/4"}, "https://a/4"),
        ({"$type": "app.bsky.embed.video#view", "playlist": "https://a/v"}, None),
        ({"$type": "app.bsky.embed.record#view", "record": {"embeds": [IMAGES]}}, None),
        ({"$type": "app.bsky.embed.recordWithMedia#view", "record": {}, "media": IMAGES}, "https://a/1"),
        ({"$type": "app.bsky.embed.later#view", "thumb": "https://a/5"}, None),
    ],
)
def test_post_of_bluesky_has_its_text_and_its_own_first_picture(embed: object, picture: str | None) -> None:
    found = content(bluesky.listed_post({**VIEW, "embed": embed} if embed else VIEW))
    assert (found.permalink, found.caption, found.thumbnail_url) == (
        "https://bsky.app/profile/did:plc:z72i7hdynmk6r22z27h6tvur/post/3l6oveex3ii2l",
        "Good morning",
        picture,
    )


def test_content_is_not_in_the_repr() -> None:
    post = Post("1", "post", "image", None, content=Content("https://planted", "planted", "https://planted"))
    assert re.search("planted", f"{post!r} {post.content!r}") is None
