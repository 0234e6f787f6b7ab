"""Collection against the simulator: all written values equal the truth, and failures stay limited to their account."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from redis import Redis

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.documents import PLATFORMS, Platform
from metrics.errors import InvalidInput, RedisUnavailable
from metrics.ids import post_id
from metrics.periods import DAY, HOUR, midnight, slot_of
from metrics.redis.events import Announcer
from metrics.store.collections import record_id
from metrics.vault import Vault
from pipelines.collect import collector
from pipelines.collect.collector import Collector
from pipelines.collect.ladder import FOLLOWED_UNTIL
from pipelines.collect.shards import Shard
from pipelines.platforms.errors import RateLimited, Transient
from pipelines.platforms.instagram.api import Instagram
from simulator import truth
from simulator.instagram.world import MIN_STORY_VIEWERS
from tests.pipelines.collect.conftest import NOW, SLOT, Bench

DAY_FIELDS = {"reach": "reach", "accountViews": "views", "newFollowers": "follower_count"}


def test_every_number_equals_the_truth(bench: Bench) -> None:
    bench.connect()
    report = bench.collect()
    assert (report.ok, report.failed, report.failures) == (1, 0, [])
    world, checked = bench.simulator.world, 0
    for row in bench.rows():
        metadata = row["metadata"]
        if metadata["metricType"] == "account":
            continue
        post = world.post(metadata["platform"], metadata["platformPostId"])
        assert post is not None
        for name, offer in offered("instagram", metadata["metricType"], metadata["contentType"]).items():
            if name in row.get("unavailable", {}):
                assert row["unavailable"][name] == "privacy_threshold"
                continue
            # The clock runs while the account is read: a count may be that of a second later.
            possible = {truth.post_value(world, post, offer.field, NOW + timedelta(seconds=s)) for s in range(20)}
            assert row["metrics"][name] in possible, (name, metadata)
            checked += 1
    assert checked > 100


def test_account_levels_equal_the_truth(bench: Bench) -> None:
    bench.connect()
    bench.collect()
    (row,) = bench.rows(metricType="account")
    account = bench.simulator.world.account("instagram", 0)
    assert row["metrics"]["followers"] == truth.account_value(bench.simulator.world, account, "followers_count", NOW)
    assert set(row["metrics"]) == {"followers", "following", "posts"}


def test_provider_days_go_into_their_last_slot_and_are_not_written_twice(bench: Bench) -> None:
    bench.connect()
    slot = SLOT - HOUR
    bench.collect(slot)
    world, account = bench.simulator.world, bench.simulator.world.account("instagram", 0)
    for day in (date(2026, 11, 17), date(2026, 11, 18), date(2026, 11, 19)):
        last = slot.replace(day=day.day, hour=23)
        (row,) = bench.rows(last, metricType="account")
        for name, field in DAY_FIELDS.items():
            assert row["metrics"][name] == truth.day_value(world, account, field, day)
        assert row["metrics"]["weeklyReach"] == truth.week_value(world, account, "reach", day)
    before = bench.store.db["metrics"].count_documents({"timestamp": last})
    bench.collect(slot)
    assert bench.store.db["metrics"].count_documents({"timestamp": last}) == before


def test_repetition_changes_no_effective_number(bench: Bench) -> None:
    bench.connect()
    bench.collect()
    first = {row["metadata"].get("postId"): set(row["metrics"]) for row in bench.rows()}
    bench.collect()
    assert {row["metadata"].get("postId"): set(row["metrics"]) for row in bench.rows()} == first


def test_accounts_of_many_calls_come_first(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    one_thread = partial(ThreadPoolExecutor, 1)
    monkeypatch.setattr(collector, "ThreadPoolExecutor", lambda _, **options: one_thread(**options))
    for index, calls in enumerate((1, 9, 4)):
        bench.connect(index)
        bench.collect(SLOT - DAY, NOW - DAY, account_ids=[f"a{index}"])
        of_yesterday = {"_id": record_id(f"a{index}", SLOT - DAY)}
        assert bench.store.db["collections"].update_one(of_yesterday, {"$set": {"calls": calls}}).matched_count
    bench.collect()
    records = sorted(bench.store.collections.of_slot(SLOT), key=lambda record: record["finishedAt"])
    assert [record["accountId"] for record in records] == ["a1", "a2", "a0"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_living_post_is_read_on_request(bench: Bench, platform: Platform) -> None:
    account = bench.connect(platform=platform)["_id"]

    def read(hours: int, **options: Any) -> set[str]:
        bench.collect(SLOT + hours * HOUR, NOW + hours * HOUR, platform, **options)
        return {row["metadata"]["postId"] for row in bench.rows(SLOT + hours * HOUR) if "postId" in row["metadata"]}

    first, due, every = read(0), read(1), read(2, every_post=True)
    posts = bench.store.posts.of_account(account, since=NOW + 2 * HOUR - FOLLOWED_UNTIL)
    living = {post["_id"] for post in posts if post["metricType"] != "story"}
    assert every >= living, "also the posts that are read once a day or once a week"
    assert len(due) < len(living) <= len(first)


def test_old_slot_gets_no_snapshot(bench: Bench) -> None:
    bench.connect()
    report = bench.collect(SLOT - timedelta(days=2))
    assert report.not_recoverable == {"snapshots of accounts", "snapshots of posts"}
    assert bench.rows(SLOT - timedelta(days=2)) == []
    assert bench.record(slot=SLOT - timedelta(days=2))["notRecoverable"] == sorted(report.not_recoverable)
    (row,) = bench.rows((SLOT - timedelta(days=2)).replace(hour=23))
    assert "reach" in row["metrics"]
    assert "followers" not in row["metrics"]


def test_old_slot_of_a_day_under_way_writes_nothing_of_it(bench: Bench) -> None:
    bench.connect()
    assert bench.collect(SLOT - 5 * HOUR).rows == 0
    assert bench.record(slot=SLOT - 5 * HOUR)["state"] == "skipped"


def test_slot_in_the_future_is_refused(bench: Bench) -> None:
    with pytest.raises(InvalidInput, match="has not begun"):
        bench.collect(SLOT + HOUR)


def test_expired_token_needs_reauth_and_is_not_asked_again(bench: Bench) -> None:
    account = bench.connect()
    bench.connect(1)
    bench.simulator.set_faults({"kind": "expired_token", "account": account["platformAccountId"]})
    report = bench.collect()
    assert (report.ok, report.failed) == (1, 1)
    assert bench.state() == "needs_reauth"
    assert bench.record()["reason"] == "needs_reauth"
    bench.simulator.client.delete("/_control/calls")
    assert bench.collect().skipped == 1
    assert account["platformAccountId"] not in bench.simulator.calls()["byAccount"]


def test_reauth_is_announced(bench: Bench) -> None:
    bench.connect()
    bench.simulator.set_faults({"kind": "expired_token"})
    bench.collect()
    events = bench.redis.xrange("tm:{w}:events")
    assert b"needs_reauth" in str(events).encode()


def test_credentials_of_another_account_need_reauth(bench: Bench) -> None:
    there = bench.connect(1, workspace="v")
    bench.connect(0, credentials=there["credentials"])
    report = bench.collect()
    assert (report.ok, report.failed) == (1, 1)
    assert bench.state("a0") == "needs_reauth"


def test_unreadable_credentials_need_reauth(bench: Bench) -> None:
    bench.connect(credentials=b"sealed with another key")
    bench.collect()
    assert bench.state() == "needs_reauth"


@pytest.mark.usefixtures("every_post")
def test_deleted_post_is_marked_and_no_longer_read(bench: Bench) -> None:
    world = bench.simulator.world
    gone = next(
        p
        for index in range(60)
        for p in world.posts(world.account("instagram", index), NOW - timedelta(days=2), NOW)
        if p.deleted_at and p.deleted_at > NOW
    )
    bench.connect(gone.account_index)
    bench.collect(now=NOW)
    bench.collect(SLOT, now=NOW)
    our_id = post_id(f"a{gone.account_index}", gone.platform_post_id)
    assert bench.rows(postId=our_id)
    later = gone.deleted_at.replace(hour=23, minute=59) if gone.deleted_at else NOW
    slot = later.replace(minute=0, second=0, microsecond=0)
    bench.collect(slot, now=later)
    (post,) = bench.store.db["posts"].find({"_id": our_id})
    assert "deletedAt" in post
    assert bench.rows(slot, postId=our_id) == []


def test_day_of_a_post_that_is_found_late_is_rolled_again(bench: Bench) -> None:
    bench.connect()
    bench.collect()
    days = [mark.start for mark in bench.store.marks.pending("daily")]
    bench.store.marks.settle(bench.store.marks.claim("daily", days))
    posts = bench.store.posts.of_account("a0", since=NOW - timedelta(days=9))
    found_late = next(post for post in posts if slot_of(post["publishedAt"]).date() < SLOT.date())
    bench.store.db["posts"].delete_one({"_id": found_late["_id"]})
    bench.collect()
    assert midnight(found_late["publishedAt"].date()) in [mark.start for mark in bench.store.marks.pending("daily")]


def test_story_with_few_viewers_is_under_the_threshold(bench: Bench) -> None:
    world = bench.simulator.world
    story = next(
        p
        for index in range(50)
        for p in world.posts(world.account("instagram", index), NOW - timedelta(days=2), NOW)
        if p.metric_type == "story"
        and truth.post_value(world, p, "reach", p.published_at + timedelta(seconds=60)) < MIN_STORY_VIEWERS
    )
    bench.connect(story.account_index)
    now = story.published_at + timedelta(seconds=30)
    slot = now.replace(minute=0, second=0, microsecond=0)
    report = bench.collect(slot, now=now)
    (row,) = bench.rows(slot, postId=post_id(f"a{story.account_index}", story.platform_post_id))
    assert (row["metrics"], set(row["unavailable"].values())) == ({}, {"privacy_threshold"})
    assert report.failures == []


def test_retired_metric_is_lost_alone(bench: Bench) -> None:
    bench.connect()
    bench.connect(1)
    bench.simulator.set_faults({"kind": "retired_metric", "metric": "shares"})
    report = bench.collect()
    assert report.quarantined
    assert all(text.startswith("shares of ") for text in report.quarantined)
    rows = [row for row in bench.rows() if row["metadata"]["metricType"] != "account"]
    assert all("shares" not in row["metrics"] for row in rows)
    assert all("reach" in row["metrics"] for row in rows if "reach" not in row.get("unavailable", {}))
    noted = [bench.record(name).get("quarantined", []) for name in ("a0", "a1")]
    assert sorted(report.quarantined) in noted


def test_media_older_than_the_business_account_keep_what_their_node_tells(bench: Bench) -> None:
    bench.connect()
    days = timedelta(days=1)
    bench.simulator.set_faults({"kind": "before_conversion", "seconds": days.total_seconds()})
    report = bench.collect()
    assert (report.ok, report.failures) == (1, [])
    before: list[dict[str, Any]] = []
    since: list[dict[str, Any]] = []
    for row in bench.rows():
        if row["metadata"]["metricType"] == "post":
            published = bench.store.posts.get(row["metadata"]["postId"])["publishedAt"]
            (before if NOW - published > days else since).append(row)
    assert before
    for row in before:
        assert {"likes", "comments"} <= row["metrics"].keys()
        assert row["unavailable"]["reach"] == "not_recoverable"
    assert all("reach" in row["metrics"] for row in since)


def test_slow_answer_is_waited_for(bench: Bench) -> None:
    bench.connect()
    bench.simulator.set_faults({"kind": "slow", "seconds": 1.0, "times": 1})
    report = bench.collect()
    assert (report.ok, report.failures, report.retries) == (1, [], 0)


@pytest.mark.parametrize("kind", ["html", "broken_json", "error", "permission"])
def test_failing_account_leaves_its_neighbours(bench: Bench, kind: str) -> None:
    account = bench.connect(0)
    bench.connect(1)
    bench.simulator.set_faults({"kind": kind, "account": account["platformAccountId"]})
    report = bench.collect()
    assert (report.ok, report.failed) == (1, 1)
    assert (bench.record("a0")["state"], bench.record("a1")["state"]) == ("failed", "collected")
    assert bench.state() == "active"


@pytest.mark.parametrize("kind", ["broken_json", "error", "null_element"])
def test_passing_trouble_is_overcome(bench: Bench, kind: str) -> None:
    bench.connect()
    bench.simulator.set_faults({"kind": kind, "times": 1})
    report = bench.collect()
    assert (report.ok, report.failures) == (1, [])
    assert report.retries == 1


def test_wrong_base_url_is_said_per_account(bench: Bench) -> None:
    bench.connect()
    (failure,) = bench.having(instagram_url="http://no-such-host.invalid").collect().failures
    assert "no-such-host.invalid is not known" in failure.message


def test_known_post_without_observation_is_read_at_once(bench: Bench) -> None:
    account = bench.connect()
    world = bench.simulator.world
    found = world.posts(world.account("instagram", 0), NOW - timedelta(days=20), NOW - timedelta(days=8))
    post = next(p for p in found if p.metric_type != "story" and p.visible(NOW))
    our_id = post_id("a0", post.platform_post_id)
    bench.store.posts.put(
        [
            {
                "_id": our_id, "workspaceId": "w", "accountId": account["_id"], "platform": "instagram",
                "platformPostId": post.platform_post_id, "metricType": post.metric_type,
                "contentType": post.content_type, "publishedAt": post.published_at,
            }
        ]
    )  # fmt: skip
    bench.collect()
    assert bench.rows(postId=our_id)
    bench.collect(SLOT + HOUR, now=NOW + HOUR)
    assert bench.rows(SLOT + HOUR, postId=our_id) == []


def test_without_redis_the_data_stays_and_the_run_comes_again(bench: Bench, absent_redis: Redis) -> None:
    bench.connect()
    bench.simulator.set_clock(NOW)
    vault = Vault(bench.settings.secret_keys)
    collector = Collector(bench.store, absent_redis, Announcer(absent_redis), vault, bench.settings)
    with pytest.raises(RedisUnavailable, match="collect again"):
        collector.collect("instagram", SLOT, run_id="run", now=NOW)
    assert bench.rows()
    assert bench.record()["state"] == "collected"


def test_only_the_named_accounts_are_collected(bench: Bench) -> None:
    bench.connect(0)
    bench.connect(1, "v")
    assert bench.collect(workspace_ids=["v"]).workspaces == {"v"}
    assert bench.collect(account_ids=["a0"]).workspaces == {"w"}


def test_shards_collect_every_account_once(bench: Bench) -> None:
    accounts = [bench.connect(index)["_id"] for index in range(4)]
    bench.connect(4, state="needs_reauth")
    parts = [bench.collect(shard=Shard(3, index)) for index in range(3)]
    assert sum(part.ok for part in parts) == len(accounts)
    assert sum(part.skipped for part in parts) == 1
    assert len(bench.rows(metricType="account")) == len(accounts)


def test_refused_metric_is_not_asked_for_by_the_next_run(bench: Bench) -> None:
    bench.connect()
    bench.simulator.set_faults({"kind": "retired_metric", "metric": "saved"})
    bench.collect()
    assert bench.simulator.calls()["byKind"]["insights"] > 0
    bench.simulator.client.delete("/_control/calls")
    second = bench.collect()
    # After several posts of a kind were refused, the kind is not requested any more; a single post is, tomorrow.
    assert second.quarantined
    assert "insights" not in bench.simulator.calls()["byKind"]


def test_post_that_goes_between_list_and_read_is_no_trouble(bench: Bench) -> None:
    account = bench.connect()
    world = bench.simulator.world
    found = world.posts(world.account("instagram", 0), NOW - timedelta(days=2), NOW)
    post = next(p for p in found if p.metric_type != "story" and p.visible(NOW))
    bench.simulator.set_faults({"kind": "partial", "account": post.platform_post_id})
    report = bench.collect()
    assert (report.ok, report.failures) == (1, [])
    assert bench.rows(postId=post_id(account["_id"], post.platform_post_id)) == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Transient("busy"), "provider_error"),
        (RateLimited("enough", utcnow() + timedelta(hours=1), "account"), "rate_limited"),
    ],
)
def test_days_that_fail_leave_what_is_true_now(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr(Instagram, "read_days", failing)
    bench.connect()
    slot = NOW.replace(hour=15, minute=0)
    report = bench.collect(slot, now=NOW)
    assert (report.ok, report.failed) == (1, 0)
    assert bench.rows(slot)
    (failure,) = report.failures
    assert (failure.reason, failure.message.split(":")[0]) == (reason, "days")
    again = bench.collect(slot, now=NOW)
    assert again.failed == (1 if reason == "rate_limited" else 0)
