"""The content of posts over HTTP: what is shown of it, and the search of captions."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from redis import Redis

from metrics.documents import Platform, PostDocument
from metrics.post_content import folded
from metrics.redis.events import Announcer
from metrics.settings import Settings
from metrics.store import Store
from tests.serving.conftest import NOW, account, post, post_observation, reading, serving
from tests.serving.endpoints.test_posts import POSTS

FIELDS = {"permalink", "captionExcerpt", "thumbnailUrl", "thumbnailExpiresAt"}
LINK, PICTURE = "https://www.instagram.com/p/1/", "https://scontent.cdninstagram.com/1_n.jpg?oe=6A21A000"
CAPTIONS = {
    "plain": "Opening on Saturday: Straße & Brot",
    "pattern": "100% (off) [a-z]+ .* ^now$ \\d {1}",
    "html": "<script>alert('x')</script> \"quoted\"",
    "arabic": "صباح الخير خصم",
    "emoji": "Family 👨‍👩‍👧‍👦 day",
    "operator": "$where: $literal price $5",
}


def with_caption(post_id: str, caption: str, platform: Platform = "instagram", **more: Any) -> PostDocument:
    content = {
        "seenAt": NOW, "permalink": LINK, "captionExcerpt": caption, "captionFolded": folded(caption),
        "thumbnailUrl": PICTURE, "thumbnailExpiresAt": NOW + timedelta(days=2), **more,
    }  # fmt: skip
    return {**post(post_id, "a1", "w1"), "platform": platform, "content": content}  # type: ignore[typeddict-item]


@pytest.fixture
def captioned(seeded: Store) -> Store:
    """The posts `p1` and `p2` without content, and one for each of `CAPTIONS`."""
    seeded.posts.put([with_caption(name, text) for name, text in CAPTIONS.items()])
    return seeded


def found(client: httpx.Client, q: str, **query: Any) -> set[str]:
    answer = client.get(POSTS, params={"q": q, **query})
    assert answer.status_code == 200, answer.text
    return {row["postId"] for row in answer.json()["data"]}


def fields(client: httpx.Client, post_id: str) -> dict[str, Any]:
    """The content of a post in the list, which is the same on the page of the post."""
    (row,) = client.get(POSTS, params={"postIds": post_id}).json()["data"]
    page = client.get(f"/analytics/post/{post_id}/metrics").json()["data"]
    shown = {name: row[name] for name in FIELDS & row.keys()}
    assert {name: page[name] for name in FIELDS & page.keys()} == shown
    assert not {"content", "captionFolded", "seenAt"} & (row.keys() | page.keys())
    return shown


def test_content_is_in_the_list_and_on_the_page_of_a_post(client: httpx.Client, captioned: Store) -> None:
    assert fields(client, "html") == {
        "permalink": LINK, "captionExcerpt": CAPTIONS["html"], "thumbnailUrl": PICTURE,
        "thumbnailExpiresAt": f"{NOW + timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip
    assert fields(client, "p1") == {}


@pytest.mark.parametrize(
    ("platform", "seen", "expires", "shown"),
    [
        ("instagram", 0, 0, {"permalink", "captionExcerpt"}),
        ("instagram", 24 * 400, 48, FIELDS),
        ("twitter", 22, 48, FIELDS),
        ("twitter", 25, 48, set()),
        ("linkedin", 24 * 181, 48, set()),
    ],
)
def test_what_has_expired_is_absent(
    client: httpx.Client, seeded: Store, platform: Platform, seen: int, expires: int, shown: set[str]
) -> None:
    content = {"seenAt": NOW - timedelta(hours=seen), "thumbnailExpiresAt": NOW + timedelta(hours=expires)}
    seeded.posts.put([with_caption("old", "Something", platform, **content)])
    assert set(fields(client, "old")) == shown
    assert found(client, "something") == ({"old"} if shown else set())


@pytest.mark.parametrize(
    ("q", "ids"),
    [
        ("saturday", {"plain"}),
        ("STRASSE", {"plain"}),
        ("  Saturday:\n strasse ", {"plain"}),
        ("(off) [A-Z]+", {"pattern"}),
        (".*", {"pattern"}),
        ("^now$", {"pattern"}),
        ("\\d", {"pattern"}),
        ("[a-c]", set()),
        ("<script>", {"html"}),
        ('"quoted"', {"html"}),
        ("الخير", {"arabic"}),
        ("👨‍👩‍👧‍👦", {"emoji"}),
        ("$literal", {"operator"}),
        ("$where:", {"operator"}),
        ("day", {"plain", "emoji"}),
        ("&amp;", set()),
        ("nothing of it", set()),
    ],
)
def test_captions_are_searched_for_a_text_and_not_for_a_pattern(
    client: httpx.Client, captioned: Store, q: str, ids: set[str]
) -> None:
    assert found(client, q) == ids
    assert found(client, q, sort="publishedAt") == ids


def test_search_works_with_filters_pages_and_orders(client: httpx.Client, seeded: Store) -> None:
    seeded.accounts.put([account("a3", "w1")])
    times = [NOW - timedelta(days=2, minutes=n) for n in range(9)]
    posts: list[PostDocument] = [
        {**with_caption(f"s{n}", f"Sale {n}" if n % 2 else f"Other {n}"), "publishedAt": at,
         "accountId": "a3" if n > 4 else "a1", "contentType": "video" if n in (1, 5) else "image"}
        for n, at in enumerate(times)
    ]  # fmt: skip
    seeded.posts.put(posts)
    seeded.observations.append([post_observation(NOW - timedelta(hours=1), f"s{n}", likes=n) for n in range(9)])
    assert found(client, "sale") == {"s1", "s3", "s5", "s7"}
    assert found(client, "sale", accountId="a3") == {"s5", "s7"}
    assert found(client, "sale", contentType="video") == {"s1", "s5"}
    assert found(client, "sale", platform="facebook") == set()
    assert found(client, "sale", postIds="s2,s3,s4") == {"s3"}
    for sort, order, ids in (
        ("likes", "desc", ["s7", "s5", "s3", "s1"]),
        ("publishedAt", "desc", ["s1", "s3", "s5", "s7"]),
        ("publishedAt", "asc", ["s7", "s5", "s3", "s1"]),
    ):
        walked, cursor = list[str](), dict[str, str]()
        while True:
            query = {"q": "sale", "sort": sort, "order": order, "limit": "3", **cursor}
            body = client.get(POSTS, params=query).json()
            walked += [row["postId"] for row in body["data"]]
            if not body["page"]["hasMore"]:
                break
            cursor = {"cursor": body["page"]["nextCursor"]}
        assert walked == ids, (sort, order)
    cursor = {"cursor": client.get(POSTS, params={"q": "sale", "limit": 1}).json()["page"]["nextCursor"]}
    assert client.get(POSTS, params={"q": "other", "limit": 1, **cursor}).status_code == 400


def test_cached_search_follows_a_new_caption(client: httpx.Client, captioned: Store, announcer: Announcer) -> None:
    assert found(client, "saturday") == {"plain"}
    answers = [client.get(POSTS, params={"q": "saturday"}) for _ in range(2)]
    assert answers[1].headers["x-cache"] == "hit"
    captioned.posts.put([with_caption("plain", "Opening on Sunday")])
    announcer.announce("w1")
    assert found(client, "saturday") == set()
    assert found(client, "sunday") == {"plain"}


@pytest.mark.parametrize("q", ["", " ", "a", " a ", "\n\t", "x" * 101, "\x00\x01\x02"])
def test_text_that_is_too_short_or_too_long_is_refused(client: httpx.Client, q: str) -> None:
    answer = client.get(POSTS, params={"q": q})
    errors = [{"parameter": "q", "message": "must be a text of 2 to 100 characters"}]
    assert (answer.status_code, answer.json()["errors"]) == (400, errors)


def test_longest_text_is_found(client: httpx.Client, seeded: Store) -> None:
    seeded.posts.put([with_caption("long", "ﷺ" * 100)])
    assert found(client, "ﷺ" * 100) == {"long"}


@pytest.fixture
def off(seeded: Store, settings: Settings) -> Iterator[httpx.Client]:
    """A client of a server that does not store content."""
    with (
        serving(settings.model_copy(update={"store_post_content": False})) as address,
        reading(address, seeded) as opened,
    ):
        yield opened


def test_nothing_is_shown_or_found_if_content_is_not_stored(
    client: httpx.Client, off: httpx.Client, captioned: Store
) -> None:
    # The first server caches its answers in the same Redis.
    assert fields(client, "plain")
    assert found(client, "saturday") == {"plain"}
    assert fields(off, "plain") == {}
    assert found(off, "saturday") == set()
    assert found(off, "saturday", sort="publishedAt") == set()
    assert fields(client, "plain")


def test_content_is_in_no_export(client: httpx.Client, captioned: Store) -> None:
    days = {"startDate": f"{NOW - timedelta(days=5):%Y-%m-%d}", "endDate": f"{NOW:%Y-%m-%d}"}
    for dataset in ("metrics", "aggregated"):
        for kind in ("csv", "json", "parquet", "ndjson"):
            answer = client.get("/analytics/workspace/w1/export", params={"dataset": dataset, "format": kind, **days})
            assert answer.status_code in (200, 400)
            for text in (b"Saturday", LINK.encode(), b"cdninstagram"):
                assert text not in answer.content


def test_query_of_a_search_is_in_no_log(
    client: httpx.Client, captioned: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG", "tidemark"):
        found(client, "saturday planted text")
    own = [record for record in caplog.records if record.name.startswith("tidemark")]
    assert any(getattr(record, "fields", {}).get("path") == POSTS for record in own)
    assert not any("planted" in str(vars(record)) for record in own)


def test_time_of_an_instant_is_that_of_the_thumbnail(client: httpx.Client, captioned: Store) -> None:
    shown = fields(client, "plain")["thumbnailExpiresAt"]
    assert datetime.fromisoformat(shown) == NOW + timedelta(days=2)


def test_redis_has_content_only_in_answers_about_posts(
    client: httpx.Client, captioned: Store, redis_client: Redis
) -> None:
    found(client, "saturday")
    fields(client, "plain")
    for path in ("metrics", "accounts"):
        client.get(f"/analytics/workspace/w1/{path}")
    holding = {
        name.decode()
        for name in redis_client.scan_iter()
        if redis_client.type(name) == b"string" and b"Saturday" in (redis_client.get(name) or b"")
    }
    assert all(":cache:" in name or "cache" in name for name in holding)
    kinds = {kind for kind in ("posts", "metrics", "accounts", "aggregated") if any(f":{kind}:" in n for n in holding)}
    assert kinds <= {"posts", "metrics"}
