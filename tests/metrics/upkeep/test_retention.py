"""Data older than a workspace's retention is deleted; data of other workspaces stays."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from metrics.documents import Observation
from metrics.errors import InvalidInput
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.namespaces import OWN
from metrics.store.workspace_settings import Days
from metrics.upkeep.retention import Horizon, apply
from tests.retained import keep

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def post(workspace: str, name: str, days_ago: int) -> Observation:
    slot = NOW - timedelta(days=days_ago)
    return Observation(
        workspace, f"a-{workspace}", "instagram", "post", slot, slot, {"likes": 1}, "r", "v",
        post_id=name, platform_post_id=name, content_type="image",
    )  # fmt: skip


def test_silent_series_of_the_workspace_are_deleted(store: Store, settings: Settings) -> None:
    store.observations.append([post("w1", "old", 61), post("w1", "living", 61), post("w1", "living", 5)])
    store.observations.append([post("w2", "other", 61)])
    store.retention.set("w1", Days(observations=60))
    assert apply(store, Horizon.of(store, settings, NOW))[OWN.log] == 1
    left = sorted(row["metadata"]["postId"] for row in store.db[OWN.log].find())
    assert left == ["living", "living", "other"]


def test_rollups_are_deleted_by_their_period(store: Store, settings: Settings) -> None:
    for name, days in (("old", 101), ("young", 98)):
        end = datetime(2026, 6, 1, tzinfo=UTC) - timedelta(days=days)
        row = {"_id": name, "workspaceId": "w1", "accountId": "a", "period": "daily", "periodEnd": end}
        store.db["aggregated_metrics"].insert_one({**row, "periodStart": end - timedelta(days=1)})
    store.retention.set("w1", Days(rollups=100))
    apply(store, Horizon.of(store, settings, NOW))
    assert [row["_id"] for row in store.db["aggregated_metrics"].find()] == ["young"]


def test_marks_of_days_that_are_no_longer_exported_are_deleted(store: Store, settings: Settings) -> None:
    horizon = replace(Horizon.of(store, settings, NOW), observations=60)
    first = horizon.first_day(60)
    for days in (-1, 0, 1):
        store.exports.touch(["w1"], first + timedelta(days=days))
    assert apply(store, horizon)["export_marks"] == 1
    assert [mark.day for mark in store.exports.pending(NOW)] == [first, first + timedelta(days=1)]


def test_horizon_is_the_first_whole_day(store: Store, settings: Settings) -> None:
    store.retention.set("w1", Days(observations=60))
    changed = settings.model_copy(update={"retention_days": 400})
    keep(store, changed)
    horizon = Horizon.of(store, changed, NOW)
    assert horizon.observations_from("w1") == datetime(2026, 4, 3, tzinfo=UTC)
    assert horizon.observations_from("w2") < horizon.observations_from("w1")


def test_retention_of_the_database_counts_and_not_that_of_a_process(store: Store, settings: Settings) -> None:
    keep(store, settings.model_copy(update={"retention_days": 3650, "rollup_retention_days": 5000}))
    horizon = Horizon.of(store, settings.model_copy(update={"retention_days": 40, "rollup_retention_days": 40}), NOW)
    assert (horizon.observations, horizon.rollups) == (3650, 5000)
    record = {"workspaceId": "w", "accountId": "a", "platform": "twitter", "state": "collected"}
    store.db["collections"].insert_one({"_id": "one", **record, "slot": NOW - timedelta(days=50)})
    apply(store, horizon)
    assert store.db["collections"].count_documents({}) == 1


def test_day_is_derived_while_its_opening_is_kept_and_a_month_while_its_days_are(
    store: Store, settings: Settings
) -> None:
    store.retention.set("w1", Days(observations=60, rollups=100))
    horizon = Horizon.of(store, settings, NOW)
    assert horizon.derivable("w1", "daily") == horizon.observations_from("w1") + timedelta(days=8)
    assert horizon.derivable("w1", "monthly") == horizon.rollups_from("w1")


def test_longer_retention_restores_nothing(store: Store, settings: Settings) -> None:
    store.retention.set("w1", Days(observations=60))
    before = Horizon.of(store, settings, NOW)
    apply(store, before)
    store.retention.set("w1", Days())
    assert Horizon.of(store, settings, NOW).observations_from("w1") == before.observations_from("w1")


def test_too_short_retention_is_refused_and_a_valid_one_can_be_removed(store: Store) -> None:
    with pytest.raises(InvalidInput, match="at least 30 days"):
        store.retention.set("w1", Days(observations=29))
    store.retention.set("w1", Days(60, 90))
    store.retention.set("w1", Days(None, None))
    assert store.retention.all() == {}
