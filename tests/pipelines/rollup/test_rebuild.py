"""Rebuild: rollups follow from the log, and a check changes none of them."""

from datetime import timedelta

import pytest

from metrics.documents import Document
from metrics.errors import InvalidInput
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.workspace_settings import Days
from metrics.upkeep.retention import Horizon
from pipelines.rollup import compare_with_log, rebuild, roll
from tests.pipelines.rollup.test_roll import DAY, NOW, account, at, entry, seen

END = DAY + timedelta(days=3)


@pytest.fixture
def rolled(store: Store, settings: Settings) -> Store:
    """Roll up three days, their week and their month."""
    account(store, settings)
    store.observations.append([seen(at(hour), followers=100 + hour) for hour in range(0, 72, 6)])
    rebuild(store, DAY, END, run_id="first", now=NOW)
    return store


def test_rebuild_derives_days_week_and_month(rolled: Store) -> None:
    assert rolled.rollups.accounts.count_documents({}) == 5
    assert rolled.rollups.accounts.count_documents({"period": "monthly"}) == 1


def test_rebuild_of_what_is_right_changes_nothing(rolled: Store) -> None:
    assert rebuild(rolled, DAY, END, run_id="again", now=NOW).changed == 0


def test_check_finds_nothing_where_all_is_right(rolled: Store) -> None:
    report = compare_with_log(rolled, DAY, END, run_id="check", now=NOW)
    assert (report.differences, report.compared) == ([], 10)


def test_check_lists_differences_and_changes_nothing(rolled: Store) -> None:
    rolled.rollups.accounts.update_one({"periodStart": DAY}, {"$set": {"aggregatedMetrics.followers": 5}})
    rolled.rollups.subjects.delete_one({"_id": "a|daily|2026-03-03T00:00:00Z"})
    before = list(rolled.rollups.accounts.find())
    report = compare_with_log(rolled, DAY, END, run_id="check", now=NOW)
    assert sorted(map(str, report.differences)) == [
        "aggregated_metrics a|daily|2026-03-02T00:00:00Z: different aggregatedMetrics.followers",
        "subject_rollups a|daily|2026-03-03T00:00:00Z: missing",
    ]
    assert list(rolled.rollups.accounts.find()) == before
    assert not [name for name in rolled.db.list_collection_names() if name.startswith("check_")]


def test_check_sets_apart_periods_that_wait_to_be_rolled_up(rolled: Store) -> None:
    rolled.observations.append([seen(at(30), followers=500)])
    rolled.marks.touch([("w", "daily", DAY + timedelta(days=1))])
    rolled.rollups.accounts.update_one(
        {"periodStart": DAY, "period": "daily"}, {"$set": {"aggregatedMetrics.followers": 5}}
    )
    report = compare_with_log(rolled, DAY, END, run_id="check", now=NOW)
    assert [str(one) for one in report.differences] == [
        "aggregated_metrics a|daily|2026-03-02T00:00:00Z: different aggregatedMetrics.followers"
    ]
    assert {one.id for one in report.waiting} >= {"a|daily|2026-03-03T00:00:00Z"}
    assert all("|2026-03-02T" not in one.id for one in report.waiting if "daily" in one.id)


def test_check_sets_apart_periods_that_were_rolled_up_meanwhile(rolled: Store) -> None:
    late_once: list[bool] = []

    def late(_done: int, _total: int) -> None:
        """After the days were derived for the comparison, append late data and roll it up."""
        if not late_once:
            late_once.append(True)
            rolled.observations.append([seen(at(31), followers=500)])
            rolled.marks.touch([("w", "daily", DAY + timedelta(days=1))])
            roll(rolled, "daily", [DAY + timedelta(days=1)], run_id="late", now=NOW)

    report = compare_with_log(rolled, DAY + timedelta(days=1), END, run_id="check", now=NOW, progress=late)
    assert report.differences == []
    assert report.waiting


def test_rebuild_repairs_what_check_found(rolled: Store) -> None:
    rolled.rollups.subjects.update_one({"periodStart": DAY}, {"$set": {"metrics.followers.net": -7}})
    assert rebuild(rolled, DAY, END, run_id="repair", now=NOW).changed > 0
    assert compare_with_log(rolled, DAY, END, run_id="check", now=NOW).differences == []


def test_rollups_of_days_older_than_the_log_stay(rolled: Store) -> None:
    old = {
        "_id": "old",
        "workspaceId": "w",
        "accountId": "a",
        "period": "daily",
        "periodStart": DAY - timedelta(days=2),
    }
    rolled.rollups.accounts.insert_one(dict(old))
    report = rebuild(rolled, DAY - timedelta(days=2), END, run_id="r", now=NOW)
    assert (report.before_log, rolled.rollups.accounts.count_documents({"_id": "old"})) == (2, 1)


def test_what_is_older_than_kept_stays_whatever_comes_late(rolled: Store, settings: Settings) -> None:
    def stored() -> list[Document]:
        return list(rolled.rollups.accounts.find({"periodStart": {"$lt": END}}).sort("_id", 1))

    before, much_later = stored(), NOW + timedelta(days=60)
    rolled.db["metrics"].delete_many({"metadata.workspaceId": "w"})
    rolled.observations.append([seen(at(1), followers=1)])
    rolled.marks.touch([("w", "daily", DAY)])
    rolled.retention.set("w", Days(observations=30))
    horizon = Horizon.of(rolled, settings, much_later)
    report = roll(rolled, "daily", [DAY], run_id="late", horizon=horizon, now=much_later)
    assert (report.left_as_they_are, report.accounts, rolled.marks.pending("daily")) == ({"w"}, 0, [])
    rebuilt = rebuild(rolled, DAY, END, run_id="again", horizon=horizon, now=much_later)
    assert (rebuilt.before_log, rebuilt.changed, stored()) == (3, 0, before)


@pytest.mark.parametrize(("start", "end"), [(END, DAY), (DAY, DAY), (NOW + timedelta(days=1), NOW + timedelta(days=2))])
def test_range_that_does_not_exist_is_refused(rolled: Store, start, end) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidInput):
        rebuild(rolled, start, end, run_id="r", now=NOW)


def test_start_that_is_none_is_refused_and_changes_nothing(rolled: Store) -> None:
    before = list(rolled.rollups.subjects.find())
    with pytest.raises(InvalidInput, match="is not the start of a weekly period"):
        roll(rolled, "weekly", [DAY + timedelta(days=1)], run_id="r", now=NOW)
    with pytest.raises(InvalidInput, match="daily, weekly, monthly"):
        roll(rolled, "yearly", [DAY], run_id="r", now=NOW)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="has not begun"):
        roll(rolled, "daily", [NOW.replace(year=2027)], run_id="r", now=NOW)
    assert list(rolled.rollups.subjects.find()) == before
    assert entry(rolled, "a", "followers") is not None
