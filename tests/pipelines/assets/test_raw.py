"""The metadata and checks of raw partitions describe their hour correctly, with one step and with shards."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import dagster as dg
import pytest

from metrics.documents import Observation
from metrics.redis.versions import data_version
from metrics.store.workspace_settings import Days
from pipelines.assets.raw import raw_asset
from pipelines.assets.sharded import sharded_asset
from pipelines.partitions import slot_key
from pipelines.runs.tags import ASSETS, OPERATION
from tests.pipelines.deployment import Deployment, check_of, check_passed, materialized

FIRST = datetime(2000, 1, 1, tzinfo=UTC)
WRONG = "sim.instagram.1.never-given-out"


@pytest.fixture(params=[raw_asset, sharded_asset], ids=["one step", "shards"])
def asset(request: pytest.FixtureRequest) -> dg.AssetsDefinition:
    found: dg.AssetsDefinition = request.param("instagram")
    return found


def hours(deployment: Deployment, count: int = 1) -> list[str]:
    """The keys of the last hours, including the present one."""
    return [slot_key(deployment.hour - timedelta(hours=back)) for back in range(count)][::-1]


def problems(deployment: Deployment) -> dict[str, list[str]]:
    """The problems in an account's record of the present hour."""
    records = deployment.clients.store.collections.of_slot(deployment.hour)
    return {one["accountId"]: [p["what"] for p in one["problems"]] for one in records if "problems" in one}


def test_hour_in_which_some_failed_is_materialised_with_a_red_check(
    asset: dg.AssetsDefinition, deployment: Deployment
) -> None:
    deployment.connect(0)
    deployment.connect(1, token=WRONG)
    result = deployment.materialize(asset, hours(deployment))
    assert result.success
    assert not check_passed(result)
    (metadata,) = materialized(result).values()
    assert (metadata["accounts_failed"], metadata["complete_percent"]) == (1, 50)
    assert "never-given-out" not in str(metadata)


def test_hour_in_which_every_account_failed_is_a_failed_partition_with_a_red_check(
    asset: dg.AssetsDefinition, deployment: Deployment
) -> None:
    deployment.connect(1, token=WRONG)
    result = deployment.materialize(asset, hours(deployment))
    assert not result.success
    assert materialized(result) == {}
    assert not check_passed(result)


def test_range_is_materialised_hour_by_hour_and_says_what_is_lost(
    asset: dg.AssetsDefinition, deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    deployment.connect(0)
    keys = hours(deployment, 4)
    result = deployment.materialize(asset, keys, instance)
    found = materialized(result)
    assert list(found) == keys[::-1]
    assert "snapshots of posts" in found[keys[0]]["not_recoverable"]
    assert "not_recoverable" not in found[keys[-1]]
    messages = [
        e.user_message for e in instance.all_logs(result.run_id) if "4 of 4 partitions (100 %)" in e.user_message
    ]
    assert len(messages) == 1


def test_plot_shows_the_hours_before(
    asset: dg.AssetsDefinition, deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    deployment.connect(0)
    before, now = hours(deployment, 2)
    deployment.materialize(asset, [before], instance)
    (metadata,) = materialized(deployment.materialize(asset, [now], instance)).values()
    assert metadata["last_day"].startswith("`" + "·" * 22 + "██`")


def test_failed_operation_on_one_account_does_not_fail_the_hour(
    asset: dg.AssetsDefinition, deployment: Deployment
) -> None:
    deployment.connect(0)
    broken = deployment.connect(1, token=WRONG)["_id"]
    operation = deployment.clients.store.operations.request("collect", "w", account_id=broken)
    result = deployment.materialize(asset, hours(deployment), None, **{OPERATION: operation["_id"], ASSETS: "1"})
    assert result.success
    assert not check_passed(result)
    assert deployment.clients.store.operations.get(operation["_id"])["state"] == "failed"


def test_observation_of_the_future_turns_the_check_red(asset: dg.AssetsDefinition, deployment: Deployment) -> None:
    account = deployment.connect(0)
    slot = deployment.hour + timedelta(hours=5)
    observation = Observation(
        "w", account["_id"], "instagram", "account", slot, slot + timedelta(hours=1), {"followers": 9}, "r", "v1"
    )
    deployment.clients.store.observations.append([observation])
    result = deployment.materialize(asset, hours(deployment))
    assert not check_passed(result, "no_future_timestamps")
    assert check_passed(result, "no_impossible_values")
    assert problems(deployment) == {account["_id"]: ["no_future_timestamps"]}


def test_impossible_value_turns_the_check_red_and_is_told_of_its_account(
    asset: dg.AssetsDefinition, deployment: Deployment
) -> None:
    account, hour = deployment.connect(0), deployment.hour
    deployment.connect(2)
    observation = Observation("w", account["_id"], "instagram", "account", hour, hour, {"unheardOf": 9}, "r", "v1")
    deployment.clients.store.observations.append([observation])
    before = data_version(deployment.clients.redis, "w")
    result = deployment.materialize(asset, hours(deployment))
    assert not check_passed(result, "no_impossible_values")
    assert problems(deployment) == {account["_id"]: ["no_impossible_values"]}
    assert data_version(deployment.clients.redis, "w") != before


def with_failures(result: dg.ExecuteInProcessResult) -> object:
    """The hours that the check calls incomplete."""
    return check_of(result).metadata["hours_with_failures"].value


def test_good_old_hour_does_not_turn_the_check_green_while_the_newest_one_is_incomplete(
    asset: dg.AssetsDefinition, deployment: Deployment
) -> None:
    deployment.connect(0)
    deployment.connect(1, token=WRONG)
    old, *_, newest, _ = hours(deployment, 6)
    assert not check_passed(deployment.materialize(asset, [newest]))
    backfilled = deployment.materialize(asset, [old])
    assert materialized(backfilled)[old]["accounts_failed"] == 0
    assert with_failures(backfilled) == newest
    assert not check_passed(backfilled)
    deployment.connect(1)
    assert check_passed(deployment.materialize(asset, [newest]))
    assert check_passed(deployment.materialize(asset, [old]))


def test_operation_reads_every_post_if_it_asks_for_that(asset: dg.AssetsDefinition, deployment: Deployment) -> None:
    account = deployment.connect(0)["_id"]
    deployment.materialize(asset, hours(deployment))
    posts = {post["_id"] for post in deployment.clients.store.posts.of_account(account, since=FIRST)}
    read: list[set[str]] = []
    choices: tuple[Literal["all"] | None, ...] = ("all", None)
    for every in choices:
        operation = deployment.clients.store.operations.request("collect", "w", posts=every)
        tags = {OPERATION: operation["_id"], ASSETS: "1"}
        run = deployment.materialize(asset, hours(deployment), None, **tags).run_id
        read.append(set(deployment.clients.store.db["metrics"].distinct("metadata.postId", {"runId": run})))
    assert read[0] == posts
    assert read[1] < posts


def test_operation_on_a_good_account_does_not_speak_for_the_others(
    asset: dg.AssetsDefinition, deployment: Deployment
) -> None:
    good = deployment.connect(0)["_id"]
    deployment.connect(1, token=WRONG)
    now = hours(deployment)
    deployment.materialize(asset, now)
    operation = deployment.clients.store.operations.request("collect", "w", account_id=good)
    result = deployment.materialize(asset, now, None, **{OPERATION: operation["_id"], ASSETS: "1"})
    assert deployment.clients.store.operations.get(operation["_id"])["state"] == "succeeded"
    assert with_failures(result) == now[0]


def test_good_old_hour_does_not_hide_an_impossible_value_of_the_newest_one(
    asset: dg.AssetsDefinition, deployment: Deployment
) -> None:
    account = deployment.connect(0)
    old, *_, newest, _ = hours(deployment, 6)
    hour = deployment.hour - timedelta(hours=1)
    observation = Observation("w", account["_id"], "instagram", "account", hour, hour, {"unheardOf": 9}, "r", "v1")
    deployment.clients.store.observations.append([observation])
    assert not check_passed(deployment.materialize(asset, [newest]), "no_impossible_values")
    found = check_of(deployment.materialize(asset, [old]), "no_impossible_values")
    assert not found.passed
    assert found.metadata["hours"].value == newest


def test_day_is_asked_once_by_the_hours_of_a_run(asset: dg.AssetsDefinition, deployment: Deployment) -> None:
    deployment.connect(0)
    simulator = deployment.simulator

    def asked(keys: list[str]) -> int:
        simulator.client.delete("/_control/calls").raise_for_status()
        assert deployment.materialize(asset, keys).success
        return sum(simulator.calls()["byKind"].values())

    day = (deployment.hour - timedelta(days=5)).replace(hour=0)
    of_the_day = [slot_key(day + timedelta(hours=hour)) for hour in range(24)]
    assert asked(of_the_day) == asked(of_the_day[-1:]) > 0


def old_hours(deployment: Deployment, first: int, last: int) -> list[str]:
    """The keys of all hours from the first hour of one day to that of another, both counted in days ago."""
    begin, end = (deployment.hour.replace(hour=0) - timedelta(days=days) for days in (first, last))
    return [slot_key(begin), slot_key(end)] if begin != end else [slot_key(begin)]


def said_of(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> str:
    return "\n".join(event.user_message for event in instance.all_logs(result.run_id))


def test_hour_older_than_kept_is_left_out_and_says_so(
    asset: dg.AssetsDefinition, deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    deployment = deployment.having(retention_days=30)
    deployment.connect(0)
    (key,) = old_hours(deployment, 45, 45)
    result = deployment.materialize(asset, [key], instance)
    assert result.success
    metadata = materialized(result)[key]
    assert (metadata["workspaces_older_than_kept"], metadata["dagster/partition_row_count"]) == (1, 0)
    assert f"{key}: Not collected for 1 workspaces" in said_of(instance, result)
    assert "Raise TIDEMARK_RETENTION_DAYS" in said_of(instance, result)
    found = check_of(result)
    assert (found.passed, found.metadata["hours_older_than_kept"].value) == (True, key)
    assert deployment.clients.store.db["metrics"].count_documents({}) == 0
    assert deployment.clients.store.db["collections"].count_documents({}) == 0
    assert deployment.simulator.calls()["byAccount"] == {}


def test_workspaces_that_keep_an_hour_get_it_whatever_the_others_keep(
    asset: dg.AssetsDefinition, deployment: Deployment
) -> None:
    deployment.connect(0)
    long = deployment.connect(1, workspaceId="long", connectedAt=deployment.hour - timedelta(days=60))
    deployment.clients.store.retention.set("w", Days(observations=30))
    (key,) = old_hours(deployment, 45, 45)
    metadata = materialized(deployment.materialize(asset, [key]))[key]
    assert (metadata["workspaces_older_than_kept"], metadata["accounts_expected"]) == (1, 1)
    assert deployment.simulator.calls()["byAccount"].keys() == {long["platformAccountId"]}


def test_range_over_the_edge_of_what_is_kept_gets_the_kept_part(
    asset: dg.AssetsDefinition, deployment: Deployment
) -> None:
    deployment = deployment.having(retention_days=30)
    deployment.connect(0)
    # The day 30 days ago is no longer complete.
    found = materialized(deployment.materialize(asset, old_hours(deployment, 30, 29)))
    older = {key: metadata.get("workspaces_older_than_kept", 0) for key, metadata in found.items()}
    kept = slot_key(deployment.hour.replace(hour=0) - timedelta(days=29))
    assert (len(older), {key for key, n in older.items() if not n}) == (25, {kept})
