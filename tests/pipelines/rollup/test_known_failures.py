"""Failures that other tools are known for, one test each."""

from datetime import timedelta
from typing import Any

from metrics.aggregation import custom_rollups
from metrics.aggregation.totals import PeriodRollups, workspace_totals
from metrics.settings import Settings
from metrics.store import Store
from pipelines.rollup import count_unexplained, roll
from tests.pipelines.rollup.test_roll import DAY, NOW, account, at, entry, post, seen

OLD = DAY - timedelta(days=40)
WEEK = [DAY + timedelta(days=n) for n in range(7)]


def document(store: Store, period: str = "daily", start: Any = DAY) -> dict[str, Any]:
    found = store.rollups.accounts.find_one({"accountId": "a", "period": period, "periodStart": start})
    assert found is not None
    return found


def values(store: Store, period: str = "daily", start: Any = DAY) -> dict[str, Any]:
    metrics: dict[str, Any] = document(store, period, start)["aggregatedMetrics"]
    return metrics


def roll_days(store: Store, *days: Any) -> None:
    roll(store, "daily", days or [DAY], run_id="r", now=NOW)


def test_constant_growth_is_not_invented_between_two_readings(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(-1), followers=100), seen(at(23, WEEK[4]), followers=150)])
    roll_days(store, *WEEK)
    growth = [row["aggregatedMetrics"]["followerGrowth"] for row in store.rollups.accounts.find({"period": "daily"})]
    assert growth == [50]


def test_doubled_points_count_once(store: Store, settings: Settings) -> None:
    account(store, settings)
    post(store, "p", at(2))
    store.observations.append([seen(at(3), "p", likes=9)] * 2 + [seen(at(4), followers=10, profileViews=7)] * 2)
    roll_days(store)
    assert (values(store)["totalLikes"], values(store)["profileViews"]) == (9, 7)
    assert (entry(store, "a", "followers") or {})["samples"] == 1


def test_one_bad_metric_leaves_the_others(store: Store, settings: Settings) -> None:
    account(store, settings)
    post(store, "p", at(2))
    store.observations.append([seen(at(3), "p", likes=9, saves="n/a", nonsense=1)])
    roll_days(store)
    assert values(store)["totalLikes"] == 9
    assert "totalSaves" not in values(store)
    assert count_unexplained(store, DAY, DAY + timedelta(days=1), ["w"], NOW).total == 1


def test_stale_window_is_partial_and_says_so(store: Store, settings: Settings) -> None:
    account(store, settings, OLD)
    store.observations.append([seen(at(hour), followers=10) for hour in range(9)])
    roll_days(store)
    assert (document(store)["status"], document(store)["coverage"]) == (
        "partial",
        {"expectedSlots": 24, "observedSlots": 9},
    )


def test_edges_of_the_utc_day_are_in_one_day_each(store: Store, settings: Settings) -> None:
    account(store, settings, OLD)
    store.observations.append([seen(at(hour), followers=100 + hour) for hour in (-1, 0, 23, 24)])
    roll_days(store, DAY - timedelta(days=1), DAY, WEEK[1])
    assert [(values(store, start=day)["followers"]) for day in (DAY - timedelta(days=1), *WEEK[:2])] == [99, 123, 124]
    assert (entry(store, "a", "followers") or {})["samples"] == 2


def test_late_correction_is_seen(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(3), followers=100)])
    roll_days(store)
    store.observations.append([seen(at(3), late=600, followers=90)])
    roll_days(store)
    assert values(store)["followers"] == 90
    assert [mark.start for mark in store.marks.pending("weekly")] == [DAY]


def test_week_counts_nothing_twice(store: Store, settings: Settings) -> None:
    account(store, settings)
    post(store, "p", at(0))
    store.observations.append([seen(at(1, day), "p", likes=10 + n) for n, day in enumerate(WEEK)])
    for _ in range(2):
        roll_days(store, *WEEK)
        roll(store, "weekly", [DAY], run_id="r", now=NOW)
    assert values(store, "weekly")["totalLikes"] == 16


def test_missing_key_for_duplicates_makes_no_second_document(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(1), followers=1)])
    for run in ("r1", "r2"):
        roll(store, "daily", [DAY, DAY], run_id=run, now=NOW)
    assert [row["_id"] for row in store.rollups.accounts.find()] == ["a|daily|2026-03-02T00:00:00Z"]


def test_estimates_are_not_stored_as_measured(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(1), followers=10), seen(at(1, WEEK[2]), followers=30)])
    roll_days(store, *WEEK[:3])
    assert entry(store, "a", "followers", WEEK[1]) is None


def test_daily_reach_is_never_summed(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(23, day), reach=50, followers=1) for day in WEEK])
    roll_days(store, *WEEK)
    roll(store, "weekly", [DAY], run_id="r", now=NOW)
    roll(store, "monthly", [DAY.replace(day=1)], run_id="r", now=NOW)
    assert "reach" not in values(store, "weekly")
    assert document(store, "monthly", DAY.replace(day=1))["unavailable"]["reach"] == "not_additive"
    (three_days,) = custom_rollups(store, "w", DAY, WEEK[3], connections=store.accounts.connections(), now=NOW)
    assert three_days["unavailable"]["reach"] == "not_additive"
    period = PeriodRollups(DAY, WEEK[3], {"a": three_days})
    total = workspace_totals(period, store.accounts.connections(), NOW)
    assert total is not None
    assert total["unavailable"]["reach"] == "not_additive"


def test_follower_losses_are_shown(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(-1), followers=200), seen(at(5), followers=150, newFollowers=20)])
    roll_days(store)
    assert (values(store)["followerGrowth"], values(store)["followerGrowthRate"]) == (-50, -25)


def test_deleted_posts_stay_in_counts(store: Store, settings: Settings) -> None:
    account(store, settings)
    post(store, "p", at(2))
    post(store, "q", at(3))
    store.posts.mark_deleted(["q"], at(5))
    store.observations.append([seen(at(4), "p", likes=1), seen(at(4), "q", likes=2)])
    roll_days(store)
    counts = values(store)
    assert (counts["postCount"], counts["deletedPostCount"], counts["totalLikes"]) == (2, 1, 3)


def test_growth_against_a_zero_or_unknown_base_is_absent(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(1), followers=0), seen(at(1, WEEK[1]), followers=5)])
    roll_days(store, *WEEK[:2])
    for day in WEEK[:2]:
        assert document(store, start=day)["unavailable"]["followerGrowthRate"] == "no_observation"


def test_lifetime_total_is_not_shown_as_a_periods(store: Store, settings: Settings) -> None:
    account(store, settings)
    post(store, "p", OLD)
    store.observations.append([seen(at(1), "p", likes=5000), seen(at(9), "p", likes=5003)])
    roll_days(store)
    assert values(store)["totalLikes"] == 3
