"""A Facebook reel is one post, whichever of its two ids is stored, and whichever list fails."""

from datetime import timedelta

from metrics.documents import PostDocument
from metrics.ids import post_id
from metrics.periods import HOUR
from tests.pipelines.collect.conftest import NOW, SLOT, Bench
from tests.pipelines.collect.test_contract import LATER, NEXT, living, problems, stored


def test_list_of_posts_waits_for_that_of_the_reels(bench: Bench) -> None:
    account = bench.connect(8, platform="facebook")
    among = {"kind": "reels_among_posts"}
    # The answer itself does not say that it is a reel.
    bare = {"kind": "patch", "path": "published_posts", "at": "data.*.attachments", "delete": True}
    bench.simulator.set_faults(among, bare, {"kind": "error", "path": "video_reels"})
    bench.collect(platform="facebook")
    assert "published_posts" in problems(bench, account["_id"])
    bench.simulator.set_faults(among, bare)
    bench.collect(NEXT, LATER, platform="facebook")
    assert stored(bench, account["_id"]).keys() == living(bench, "facebook", now=LATER).keys()


def test_reels_that_are_never_listed_hold_the_posts_back_for_a_day_at_the_most(bench: Bench) -> None:
    account = bench.connect(8, platform="facebook")
    bench.simulator.set_faults({"kind": "patch", "path": "video_reels", "at": "", "value": {"status": "ok"}})
    for hour in range(25):
        assert stored(bench, account["_id"]) == {}
        bench.collect(SLOT + hour * HOUR, NOW + hour * HOUR, platform="facebook")
    assert stored(bench, account["_id"])


def test_reel_that_was_stored_as_a_post_is_merged_with_it(bench: Bench) -> None:
    account = bench.connect(8, platform="facebook")
    posts = living(bench, "facebook")
    reel = max((one for one in posts.values() if one.metric_type == "reel"), key=lambda one: one.published_at)
    bench.simulator.set_faults({"kind": "reels_among_posts"})
    listed = bench.simulator.client.get(
        f"/v25.0/{account['platformAccountId']}/video_reels",
        params={"fields": "id,post_id", "limit": 100},
        headers={"Authorization": f"Bearer {bench.simulator.world.account('facebook', 8).token}"},
    ).json()["data"]
    twin = next(one["post_id"] for one in listed if one["id"] == reel.platform_post_id)
    twin = twin if "_" in twin else f"{account['platformAccountId']}_{twin}"
    old: PostDocument = {
        "_id": post_id(account["_id"], twin), "workspaceId": "w", "accountId": account["_id"], "platform": "facebook",
        "platformPostId": twin, "metricType": "post", "contentType": "video", "publishedAt": reel.published_at,
    }  # fmt: skip
    bench.store.posts.put([old])
    bench.collect(platform="facebook")
    assert stored(bench, account["_id"])[twin]["sameAs"] == reel.platform_post_id
    for hour in range(1, 4):
        bench.collect(SLOT + hour * HOUR, NOW + hour * HOUR, platform="facebook")
    assert "deletedAt" in stored(bench, account["_id"])[twin]
    assert not bench.rows(SLOT + HOUR, postId=old["_id"])
    day = timedelta(days=1)
    listed = bench.store.posts.published("w", reel.published_at - day, reel.published_at + day)
    assert {reel.platform_post_id} == {post["platformPostId"] for post in listed} & {twin, reel.platform_post_id}
