"""Failures that others met when collecting such data: one test per case, with the number of the case."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from metrics.clock import utcnow
from metrics.redis.keys import account_pause_key
from pipelines.platforms.instagram.api import Instagram
from simulator import truth
from tests.pipelines.collect.conftest import NOW, SLOT, Bench
from tests.pipelines.collect.test_contract import LATER, NEXT, followers, living, problems, stored, true_followers


def media(bench: Bench, kind: str, index: int = 8) -> list[str]:
    """The newest Instagram media of an account of one kind: `image`, `carousel`, `video`."""
    posts = living(bench, "instagram", index)
    found = [name for name, post in posts.items() if post.content_type == kind and post.metric_type == "post"]
    return sorted(found, key=lambda name: posts[name].published_at, reverse=True)


def values(bench: Bench, name: str, account: str = "a8") -> dict[str, Any]:
    """The metrics of posts in the hour, by the platform's id."""
    post = stored(bench, account)[name]
    (row,) = bench.rows(postId=post["_id"])
    return {**row["metrics"], "unavailable": row.get("unavailable", {})}


def test_03_limit_within_the_first_timeline_loses_no_older_post(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.platforms.twitter.posts.PAGE", 6)
    account = bench.connect(5, platform="twitter")
    limit = {"kind": "account_limit", "account": account["platformAccountId"], "path": "/tweets", "page": 2}
    bench.simulator.set_faults({**limit, "times": 1})
    bench.collect(platform="twitter")
    assert 0 < len(stored(bench, account["_id"])) < len(living(bench, "twitter", 5))
    bench.simulator.set_faults()
    # The window of the limit is over.
    bench.redis.delete(account_pause_key("twitter", account["platformAccountId"]))
    bench.collect(NEXT, LATER, platform="twitter")
    assert stored(bench, account["_id"]).keys() >= living(bench, "twitter", 5, LATER).keys()


@pytest.mark.parametrize(("platform", "odd"), [("twitter", "abc"), ("linkedin", "12345")])
def test_06_malformed_id_loses_itself_alone(bench: Bench, platform: Any, odd: str) -> None:
    account = bench.connect(8, platform=platform)
    bench.collect(platform=platform)
    bench.store.posts.put(
        [{"_id": "odd", "workspaceId": "w", "accountId": account["_id"], "platform": platform, "platformPostId": odd,
          "metricType": "post", "contentType": "text", "publishedAt": NOW, "announced": True}]
    )  # fmt: skip
    bench.collect(NEXT, LATER, platform=platform)
    assert problems(bench, account["_id"], NEXT) == [odd]
    young = [post for post in living(bench, platform).values() if LATER - post.published_at < timedelta(days=2)]
    seen = {row["metadata"].get("platformPostId") for row in bench.rows(NEXT)}
    assert {post.platform_post_id for post in young} <= seen


@pytest.mark.parametrize("platform", ["instagram", "facebook"])
def test_07_list_that_asks_for_less_is_asked_for_less(bench: Bench, platform: Any) -> None:
    account = bench.connect(8, platform=platform)
    bench.simulator.set_faults({"kind": "too_much_data", "value": 7})
    assert bench.collect(platform=platform).failures == []
    assert stored(bench, account["_id"]).keys() == living(bench, platform).keys()


@pytest.mark.parametrize("language", ["de", "pt", "th"])
def test_09_errors_are_decided_by_their_code_and_english_words(bench: Bench, language: str) -> None:
    bench.connect(8)
    image = media(bench, "image")[0]
    bench.simulator.set_faults(
        {"kind": "localised", "value": language}, {"kind": "refused_metric", "metric": "reach", "object": image}
    )
    bench.collect()
    found = values(bench, image)
    assert found["unavailable"]["reach"] == "not_supported"
    assert {"likes", "views", "saves"} <= found.keys()


def test_10_one_odd_medium_blinds_no_other(bench: Bench) -> None:
    bench.connect(8)
    bench.connect(9)
    odd, *others = media(bench, "image")
    bench.simulator.set_faults({"kind": "refused_metric", "metric": "views", "object": odd})
    bench.collect()
    assert values(bench, odd)["unavailable"]["views"] == "not_supported"
    assert "likes" in values(bench, odd)
    assert all("views" in values(bench, name) for name in others)
    assert bench.store.quarantine.of("instagram", Instagram.api_version) == []
    # The metric of the post is requested again tomorrow, not in the next hour.
    assert stored(bench, "a8")[odd]["refused"] == ["views"]


def test_12_day_without_a_value_leaves_its_neighbours(bench: Bench) -> None:
    account = bench.connect(8, platform="facebook")
    slot = SLOT.replace(hour=15)
    bench.simulator.set_faults(
        {"kind": "patch", "path": "insights", "at": "data.[name=page_media_view].values.0", "value": {}}
    )
    bench.collect(slot, slot + timedelta(minutes=70), platform="facebook")
    days = [row for back in range(4) for row in bench.rows(SLOT.replace(hour=23) - timedelta(days=back))]
    names = [set(row["metrics"]) for row in days if row["metadata"]["accountId"] == account["_id"]]
    assert any("profileViews" in one for one in names)
    assert sum("accountViews" in one for one in names) < len(names)


@pytest.mark.parametrize(
    ("platform", "path", "at", "value"),
    [
        ("facebook", "published_posts", "data.0.created_time", None),
        ("facebook", "published_posts", "data.0", 3),
        ("twitter", "/tweets", "data.0.created_at", "once upon a time"),
        ("twitter", "/tweets", "data.0.id", {"x": 1}),
        ("linkedin", "posts", "elements.0.publishedAt", "yesterday"),
        ("instagram", "media", "data.0.timestamp", 17),
    ],
)
def test_14_odd_item_of_a_list_is_left_out_alone(
    bench: Bench, platform: Any, path: str, at: str, value: object
) -> None:
    account = bench.connect(8, platform=platform)
    bench.simulator.set_faults({"kind": "patch", "path": path, "at": at, "value": value, "page": 1})
    report = bench.collect(platform=platform)
    assert followers(bench, account["_id"]) == true_followers(bench, platform, 8)
    assert len(living(bench, platform)) - len(stored(bench, account["_id"])) in (0, 1)
    assert any("item" in failure.message for failure in report.failures)


def test_15_token_without_insights_keeps_likes_and_comments(bench: Bench) -> None:
    bench.connect(8)
    bench.simulator.set_faults({"kind": "permission", "path": "insights"})
    bench.collect()
    posts = [row for row in bench.rows() if "postId" in row["metadata"]]
    assert {row["metadata"]["platformPostId"] for row in posts} >= living(bench, "instagram").keys()
    assert all("comments" in row["metrics"] for row in posts if row["metadata"]["metricType"] != "story")
    assert all(row["unavailable"].get("reach") == "permission_missing" for row in posts)


@pytest.mark.parametrize("value", [18446744073709551615, 27674957142767538857, "7", None, {"x": 1}, True])
def test_17_number_that_is_none_is_left_out_alone(bench: Bench, value: object) -> None:
    bench.connect(8)
    bench.connect(9)
    image = media(bench, "image")[0]
    bench.simulator.set_faults({"kind": "patch", "object": image, "at": "like_count", "value": value})
    report = bench.collect()
    assert (report.ok, report.failed) == (2, 0)
    found = values(bench, image)
    assert found["unavailable"]["likes"] == "provider_error"
    true = bench.simulator.world.post("instagram", image)
    assert true is not None
    assert found["comments"] == truth.post_value(bench.simulator.world, true, "comments_count", NOW)
    assert "no_impossible_values" in problems(bench, "a8")
    assert followers(bench, "a9") == true_followers(bench, "instagram", 9)


def test_20_reel_in_both_lists_is_one_post(bench: Bench) -> None:
    account = bench.connect(8, platform="facebook")
    bench.simulator.set_faults({"kind": "reels_among_posts"})
    bench.collect(platform="facebook")
    assert stored(bench, account["_id"]).keys() == living(bench, "facebook").keys()


@pytest.mark.parametrize(("kind", "hours"), [("monthly_cap", 4), ("no_credits", 1)])
def test_28_cap_and_credits_are_looked_at_again_within_hours(bench: Bench, kind: str, hours: int) -> None:
    bench.connect(8, platform="twitter")
    bench.simulator.set_faults({"kind": kind, "times": 1})
    (failure,) = bench.collect(platform="twitter").failures
    assert failure.reason == "rate_limited"
    key = next(iter(bench.redis.scan_iter("tm:{twitter}:paused*")))
    until = int(bench.redis.get(key) or 0) - utcnow().timestamp()
    assert 0 < until <= hours * 3600 + 2


def test_fifty_accounts_and_one_of_each_kind_of_bad(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(50):
        bench.connect(index)
    platform_ids = [bench.simulator.world.account("instagram", index).platform_account_id for index in range(50)]
    bad = {3, 7, 11, 17, 23, 29, 31, 37}
    bench.simulator.set_faults(
        {"kind": "patch", "object": platform_ids[3], "path": platform_ids[3], "at": "followers_count", "value": 2**64},
        {"kind": "account_limit", "account": platform_ids[7]},
        {"kind": "retry_after", "account": platform_ids[7], "value": 99_999_999_999_999},
        {"kind": "html", "account": platform_ids[11]},
        {"kind": "expired_token", "account": platform_ids[17]},
        {"kind": "repeated_cursor", "account": platform_ids[23]},
        {"kind": "foreign_body", "account": platform_ids[29], "value": []},
    )
    bench.store.db["accounts"].update_one({"_id": "a31"}, {"$set": {"credentials": b"sealed by nobody"}})
    read = Instagram.read

    def unforeseen(api: Instagram, access: Any, *arguments: Any) -> Any:
        if access.platform_account_id == platform_ids[37]:
            raise ZeroDivisionError("nobody thought of it")
        return read(api, access, *arguments)

    monkeypatch.setattr(Instagram, "read", unforeseen)
    report = bench.collect()
    assert report.expected == 50
    assert {failure.account_id for failure in report.failures} <= {f"a{index}" for index in bad}
    for index in set(range(50)) - bad:
        assert followers(bench, f"a{index}") == true_followers(bench, "instagram", index), index
    (place,) = report.unforeseen
    assert place.startswith("ZeroDivisionError at ")
    assert "nobody thought of it" not in str(report)
    assert bench.record("a37")["reason"] == "internal_error"


@pytest.mark.parametrize(("path", "at"), [("posts", "elements.0.id"), ("posts", "elements.-1.id")])
def test_urn_in_the_encoding_of_keys_is_the_same_post(bench: Bench, path: str, at: str) -> None:
    account = bench.connect(8, platform="linkedin")
    bench.collect(platform="linkedin")
    newest = max(name for name in stored(bench, account["_id"]) if ":share:" in name)
    encoded = {"kind": "patch", "path": path, "at": at, "value": quote(newest, safe="")}
    bench.simulator.set_faults(encoded)
    report = bench.collect(NEXT, LATER, platform="linkedin")
    assert [failure.message for failure in report.failures] == []


def test_name_of_another_organization_is_not_taken(bench: Bench) -> None:
    account = bench.connect(8, platform="linkedin", handle="kept")
    bench.simulator.set_faults({"kind": "patch", "path": "organizations", "at": "id", "value": 1})
    assert bench.collect(platform="linkedin").failures == []
    assert bench.store.accounts.get(account["_id"])["handle"] == "kept"
