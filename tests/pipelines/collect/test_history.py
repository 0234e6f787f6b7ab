"""The history of accounts: all that the platform still returns is read once, and stored in the right slots."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from metrics.aggregation.accounts import PERIOD_SUMS
from metrics.clock import utcnow
from metrics.collection.histories import request_histories
from metrics.documents import AccountDocument, Platform
from metrics.ids import post_id
from metrics.periods import DAY, HOUR, PERIODS, period_start, slot_of
from metrics.store.workspace_settings import Days as RetentionDays
from metrics.upkeep.retention import Horizon
from pipelines.collect.ladder import due
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED, api_facts
from pipelines.rollup import roll
from tests.pipelines.collect.conftest import NOW, SLOT, Bench
from tests.pipelines.collect.history import Past
from tests.platform_fields import set_page_sizes

every = pytest.mark.parametrize("platform", PLATFORMS_IMPLEMENTED)

CALLS: dict[Platform, int] = {
    "instagram": 2800, "facebook": 600, "twitter": 40, "linkedin": 50, "tiktok": 40, "youtube": 50, "pinterest": 8,
    "threads": 900, "bluesky": 8,
}  # fmt: skip
"""The most calls for a year: five totals a day on Instagram, one call each, and one call per post on Meta."""


def fewest_days(platform: Platform) -> int:
    """Return how many days of a year a platform answers for at least."""
    policy = api_facts(platform).days
    return min((policy.reach - policy.lag).days, 365) if policy is not None else 0


@pytest.fixture
def past(bench: Bench) -> Past:
    """A bench with the default retention: 400 days, of which the first eight are not rolled up."""
    return Past(bench.having(retention_days=400))


@every
def test_year_of_a_fresh_account_equals_the_truth(
    past: Past, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_page_sizes(monkeypatch, 20)
    _compare_year(past, platform, fewest_posts=40)


@pytest.mark.long
@pytest.mark.usefixtures("every_post")
@every
def test_year_of_an_account_with_as_many_posts_as_usual_equals_the_truth(past: Past, platform: Platform) -> None:
    _compare_year(past, platform, fewest_posts=200)


def _compare_year(past: Past, platform: Platform, fewest_posts: int) -> None:
    """Read the year of a fresh account with more than `fewest_posts`, and compare all of it with the truth."""
    now = utcnow()
    account = past.connect(platform)
    report = past.read()
    assert (report.ended, report.failures) == ({"done": 1}, []), past.of(account)
    history, operation = past.of(account), past.operation(account)
    stored = past.stored_days(account)
    for day, values in past.true_days(account, now).items():
        assert stored.get(day, {}) == values, day
    posts = past.true_posts(account, now)
    ids = {post_id(account["_id"], post.platform_post_id) for post in posts}
    assert {row["metadata"]["postId"] for row in past.rows(account)} == ids
    assert len(past.rows(account)) == len(ids) > fewest_posts
    assert {row["timestamp"] for row in past.rows(account)} <= {slot_of(now), slot_of(now) + HOUR}, "numbers of now"
    assert min(post.published_at for post in posts) < now - timedelta(days=300)
    assert history["posts"] == {"done": len(ids), "expected": len(ids)}
    assert history["days"]["done"] == history["days"]["expected"] >= fewest_days(platform)
    assert operation["state"] == "succeeded"
    assert operation["progress"] == {
        name: history["posts"][name] + history["days"][name] for name in ("done", "expected")
    }  # fmt: skip
    assert (
        past.bench.simulator.calls()["byAccount"][account["platformAccountId"]] == history["calls"] <= CALLS[platform]
    )


def test_days_before_the_connection_are_rolled_up_from_these_values_alone(past: Past) -> None:
    past = Past(past.bench.having(retention_days=80))
    now, store = utcnow(), past.bench.store
    accounts = [past.connect(platform) for platform in PLATFORMS_IMPLEMENTED if api_facts(platform).days]
    past.read()
    assert len(store.marks.pending("daily")) >= 70
    for period in PERIODS:
        starts = [mark.start for mark in store.marks.pending(period) if mark.start <= now]
        roll(store, period, starts, run_id="r", horizon=Horizon.of(store, past.bench.settings, now))
    for account in accounts:
        _compare_days(past, account, now)
        query = {"accountId": account["_id"], "periodStart": {"$lt": period_start("daily", now) - 31 * DAY}}
        for period in PERIODS:
            rows = list(store.rollups.accounts.find({**query, "period": period}))
            assert rows
            assert {row["status"] for row in rows} == {"complete"}
            assert {tuple(row["coverage"].values()) for row in rows} == {(0, 0)}
    assert [one for period in PERIODS for one in store.marks.pending(period)] == []


def _compare_days(past: Past, account: AccountDocument, now: datetime) -> None:
    """Compare the daily rollups with the truth, including posts that were published on the day."""
    published = Counter(post.published_at.date() for post in past.true_posts(account, now))
    found = past.bench.store.rollups.accounts.find({"accountId": account["_id"], "period": "daily"})
    days = {row["periodStart"].date(): row["aggregatedMetrics"] for row in found}
    told = 0
    for day, values in past.true_days(account, now, days=65).items():
        if not values:
            continue
        shown = {name: values[name] for name in (*PERIOD_SUMS, "reach") if name in values}
        assert {name: days[day][name] for name in shown} == shown
        assert days[day]["postCount"] == published[day], day
        assert not {"followers", "totalLikes"} & days[day].keys()
        told += 1
    assert told >= min(fewest_days(account["platform"]), 60)


def test_gains_of_old_posts_are_no_gains_of_the_day_that_they_were_read_on(past: Past) -> None:
    now, store = utcnow(), past.bench.store
    account = past.connect()
    past.read()
    roll(store, "daily", [period_start("daily", now)], run_id="r")
    rows = list(store.rollups.subjects.find({"accountId": account["_id"], "periodStart": period_start("daily", now)}))
    entries = [entry for row in rows for entry in row["metrics"].values() if "net" in entry]
    assert len(rows) > 40
    assert {(entry["net"], entry.get("baseline")) for entry in entries} == {(0, True)}


def test_nothing_is_read_that_is_not_kept(past: Past) -> None:
    past.bench.store.retention.set("w", RetentionDays(observations=60))
    account = past.connect("linkedin")
    past.read()
    oldest = Horizon.of(past.bench.store, past.bench.settings, utcnow()).derivable("w", "daily")
    assert min(past.stored_days(account)) == oldest.date()
    assert past.of(account)["days"]["expected"] < 60


def test_posts_of_as_many_days_are_read_as_are_set(past: Past) -> None:
    few = Past(past.bench.having(history_posts_days=20))
    account = few.connect("facebook")
    few.read()
    since = utcnow() - timedelta(days=20)
    posts = few.bench.store.posts.of_account(account["_id"], since=since - timedelta(days=300), alive=False)
    assert posts
    assert min(post["publishedAt"] for post in posts) >= since - timedelta(minutes=5)
    none = Past(past.bench.having(history_posts_days=0))
    other = none.connect("facebook", 4)
    none.read()
    assert none.rows(other) == []
    assert none.of(other)["state"] == "done"


@pytest.mark.parametrize("platform", [one for one in PLATFORMS_IMPLEMENTED if one != "twitter"])
def test_hour_reads_what_is_due_of_posts_that_the_history_read(past: Past, platform: Platform) -> None:
    now = utcnow()
    account, slot = past.connect(platform), slot_of(now) - HOUR
    past.read()
    read = len(past.rows(account))
    # The instant is that of the beginning: an hour that ends meanwhile would make the slot an old one.
    past.bench.collect(slot, now, platform)
    on_the_ladder = [post for post in past.true_posts(account, now) if due(post.published_at, slot)]
    assert len(past.rows(account)) - read == len(on_the_ladder)


def test_history_reads_what_the_hour_did_not(past: Past) -> None:
    now = utcnow()
    account = past.bench.connect(3, platform="facebook", connectedAt=now)
    past.bench.collect(slot_of(now), now, "facebook")
    read = {row["metadata"]["postId"] for row in past.rows(account)}
    request_histories(past.bench.store, [account])
    past.read()
    assert len(past.rows(account)) == len({row["metadata"]["postId"] for row in past.rows(account)}) > len(read) > 20


def test_days_before_the_connection_that_still_settle_are_read_by_the_hours(past: Past) -> None:
    account = past.bench.connect(connectedAt=NOW)
    past.bench.collect(SLOT - HOUR)
    query = {"metadata.metricType": "account", "metrics.reach": {"$exists": True}}
    days = past.bench.store.db["metrics"].find({"metadata.accountId": account["_id"], **query})
    assert {row["timestamp"].date() for row in days} == {NOW.date() - back * DAY for back in (1, 2, 3)}


def test_each_day_is_asked_for_once_whatever_is_asked_again(past: Past) -> None:
    account = past.connect("linkedin")
    past.read()
    past.bench.simulator.reset()
    request_histories(past.bench.store, [account], again=[account["_id"]])
    past.read()
    kinds = past.bench.simulator.calls()["byKind"]
    assert past.of(account)["state"] == "done"
    assert set(kinds) == {"posts"}


def test_days_between_a_disconnection_and_the_next_connection_are_read(past: Past) -> None:
    account = past.connect("twitter", connectedAt=utcnow() - timedelta(days=300))
    lost, history = utcnow().date() - timedelta(days=20), past.of(account)
    history["asked"] = [["2025-01-01", (lost - DAY).isoformat()]]
    past.bench.store.memories.keep_history(account["_id"], history)
    past.read()
    assert min(past.stored_days(account)) == lost
    (asked,) = past.of(account)["asked"]
    assert asked[0] == "2025-01-01"
    assert asked[1] >= (utcnow().date() - 3 * DAY).isoformat()
