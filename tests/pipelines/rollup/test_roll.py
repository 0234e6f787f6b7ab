"""Roll-ups: rollups of subjects and accounts follow from the log."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metrics.documents import Observation, PostDocument
from metrics.periods import PERIODS, period_start
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault
from pipelines.rollup import roll

DAY = datetime(2026, 3, 2, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def account(store: Store, settings: Settings, connected: datetime = DAY - timedelta(days=1)) -> None:
    store.accounts.put(
        [
            {
                "_id": "a",
                "workspaceId": "w",
                "platform": "instagram",
                "platformAccountId": "178",
                "handle": "h",
                "state": "active",
                "connectedAt": connected,
                "credentials": Vault(settings.secret_keys).seal({}, "a"),
            }
        ]
    )


def post(store: Store, post_id: str, published: datetime, content: str = "image") -> None:
    document: PostDocument = {
        "_id": post_id,
        "workspaceId": "w",
        "accountId": "a",
        "platform": "instagram",
        "platformPostId": f"t-{post_id}",
        "metricType": "post",
        "contentType": content,  # type: ignore[typeddict-item]
        "publishedAt": published,
    }
    store.posts.put([document])


def seen(slot: datetime, post_id: str | None = None, *, late: int = 0, **metrics: Any) -> Observation:
    return Observation(
        workspace_id="w",
        account_id="a",
        platform="instagram",
        metric_type="post" if post_id else "account",
        slot=slot,
        collected_at=slot + timedelta(hours=1, minutes=late),
        metrics=metrics,
        run_id="r",
        api_version="v25.0",
        post_id=post_id,
        platform_post_id=post_id and f"t-{post_id}",
        content_type="image" if post_id else None,
    )


def at(hour: int, day: datetime = DAY) -> datetime:
    return day + timedelta(hours=hour)


def entry(store: Store, subject: str, metric: str, day: datetime = DAY) -> dict[str, Any] | None:
    found = store.rollups.subjects.find_one({"subjectId": subject, "period": "daily", "periodStart": day})
    return found["metrics"].get(metric) if found else None


def test_post_published_under_our_eyes_starts_at_zero(store: Store, settings: Settings) -> None:
    account(store, settings)
    post(store, "p", at(5))
    store.observations.append([seen(at(5), "p", likes=3), seen(at(9), "p", likes=10)])
    roll(store, "daily", [DAY], run_id="r", now=NOW)
    assert entry(store, "p", "likes") == {"open": 0, "close": 10, "net": 10, "samples": 2}


def test_post_older_than_the_account_has_a_baseline(store: Store, settings: Settings) -> None:
    account(store, settings)
    post(store, "p", DAY - timedelta(days=9))
    store.observations.append([seen(at(5), "p", likes=300), seen(at(9), "p", likes=310)])
    roll(store, "daily", [DAY], run_id="r", now=NOW)
    assert entry(store, "p", "likes") == {"open": 300, "close": 310, "net": 10, "samples": 2, "baseline": True}


def test_open_is_found_after_a_gap_of_weeks(store: Store, settings: Settings) -> None:
    account(store, settings, DAY - timedelta(days=200))
    post(store, "p", DAY - timedelta(days=100))
    store.observations.append(
        [seen(DAY - timedelta(days=45), "p", likes=7, saves=1), seen(at(3), "p", likes=5, saves=2)]
    )
    roll(store, "daily", [DAY], run_id="r", now=NOW)
    assert entry(store, "p", "likes") == {"open": 7, "close": 5, "net": -2, "samples": 1}


def test_followers_have_levels_over_the_slots(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append(
        [
            seen(at(-1), followers=100),
            seen(at(1), followers=90),
            seen(at(2), followers=120),
            seen(at(2), late=5, followers=110),
        ]
    )
    roll(store, "daily", [DAY], run_id="r", now=NOW)
    assert entry(store, "a", "followers") == {
        "open": 100, "close": 110, "net": 10, "samples": 2, "min": 90, "max": 110, "sum": 200,
    }  # fmt: skip


def test_account_document_of_a_day(store: Store, settings: Settings) -> None:
    account(store, settings)
    post(store, "p", at(5))
    full = {"likes": 6, "comments": 1, "shares": 2, "saves": 1, "views": 200}
    store.observations.append(
        [seen(at(h), followers=100 + h) for h in range(24)] + [seen(at(23), reach=77, profileViews=5, late=60)]
    )
    store.observations.append([seen(at(9), "p", **full)])
    roll(store, "daily", [DAY], run_id="r", now=NOW)
    found = store.rollups.accounts.find_one({"accountId": "a"})
    assert found is not None
    metrics = found["aggregatedMetrics"]
    assert metrics["totalEngagement"] == 10
    assert metrics["engagementRate"] == metrics["avgEngagementRate"] == 5
    assert (metrics["reach"], metrics["profileViews"]) == (77, 5)
    assert metrics["postCountByType"] == {"image": 1}
    assert (found["status"], found["coverage"]) == ("complete", {"expectedSlots": 24, "observedSlots": 24})
    assert found["unavailable"]["totalClicks"] == "not_supported"
    assert "followerGrowthRate" not in metrics
    assert found["unavailable"]["followerGrowthRate"] == "no_observation"


def test_week_merges_its_days(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(24 * d), followers=100 + 10 * d, reach=50) for d in range(7)])
    store.observations.append([seen(at(23, DAY + timedelta(days=6)), weeklyReach=120)])
    roll(store, "daily", [DAY + timedelta(days=d) for d in range(7)], run_id="r", now=NOW)
    roll(store, "weekly", [DAY], run_id="r", now=NOW)
    found = store.rollups.accounts.find_one({"period": "weekly"})
    assert found is not None
    assert (found["aggregatedMetrics"]["followers"], found["aggregatedMetrics"]["followerGrowth"]) == (160, 60)
    assert (found["aggregatedMetrics"]["avgFollowers"], found["aggregatedMetrics"]["reach"]) == (130, 120)


def test_rolling_again_changes_nothing(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(h), followers=100) for h in range(24)])
    first = roll(store, "daily", [DAY], run_id="r1", now=NOW)
    before = list(store.rollups.accounts.find({}, dict.fromkeys(("rollId", "basis"), 0)))
    again = roll(store, "daily", [DAY], run_id="r2", now=NOW + timedelta(hours=1))
    assert (first.replaced, again.replaced, again.unchanged) == (2, 0, 2)
    assert list(store.rollups.accounts.find({}, dict.fromkeys(("rollId", "basis"), 0))) == before


def test_late_slot_marks_the_next_observed_day_whose_open_it_changed(store: Store, settings: Settings) -> None:
    account(store, settings)
    later = DAY + timedelta(days=3)
    store.observations.append([seen(at(1), followers=100), seen(at(1, later), followers=130)])
    roll(store, "daily", [DAY, later], run_id="r", now=NOW)
    for period in ("daily", "weekly", "monthly"):
        starts = [pending.start for pending in store.marks.pending(period)]
        store.marks.settle(store.marks.claim(period, starts))
    store.observations.append([seen(at(2), followers=110)])
    roll(store, "daily", [DAY], run_id="r", now=NOW)
    assert [pending.start for pending in store.marks.pending("daily")] == [later]
    roll(store, "daily", [later], run_id="r", now=NOW)
    assert store.marks.pending("daily") == []
    assert (entry(store, "a", "followers", later) or {})["open"] == 110


@pytest.mark.parametrize(
    ("platform", "daily", "weekly", "monthly"),
    [
        ("instagram", "no_observation", "no_observation", "not_additive"),
        ("facebook", "no_observation", "not_additive", "not_additive"),
        ("linkedin", "no_observation", "not_additive", "not_additive"),
        ("twitter", "not_supported", "not_supported", "not_supported"),
    ],
)
def test_reach_that_is_absent_says_why(
    store: Store, settings: Settings, platform: Any, daily: str, weekly: str, monthly: str
) -> None:
    account(store, settings)
    store.db["accounts"].update_one({"_id": "a"}, {"$set": {"platform": platform}})
    store.observations.append([replace(seen(at(1), followers=1), platform=platform)])
    reasons = []
    for period in PERIODS:
        start = period_start(period, DAY)
        roll(store, period, [start], run_id="r", now=NOW)
        found = store.rollups.accounts.find_one({"period": period, "periodStart": start})
        assert found is not None
        reasons.append(found["unavailable"]["reach"])
    assert reasons == [daily, weekly, monthly]
