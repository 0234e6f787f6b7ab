"""Steps that share an hour: each account is in one of them, and the last step reports on the whole hour."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from metrics.errors import MongoUnavailable
from metrics.settings import PREFIX, Settings
from pipelines import resources
from pipelines.assets.outside import OUTSIDE
from pipelines.assets.sharded import sharded_asset
from pipelines.collect.collector import Collector
from pipelines.collect.report import CollectReport
from pipelines.collect.shards import Shard
from pipelines.partitions import slot_key
from pipelines.resources import Clients, Tidemark, clients
from pipelines.runs.tags import ASSETS, OPERATION, PARTITION
from tests.pipelines.deployment import Deployment, materialized

ASSET = sharded_asset("instagram")
SHARD_STEP = "raw_instagram.instagram_shard["
NO_RETRIES: dict[str, Any] = {"execution": {"config": {"retries": {"disabled": {}}}}}


def job() -> dg.JobDefinition:
    """The job of the asset, as another process would load it."""
    collect = dg.define_asset_job("collect", [ASSET], executor_def=dg.in_process_executor)
    return dg.Definitions([*OUTSIDE, ASSET], jobs=[collect], resources={"tidemark": Tidemark()}).resolve_job_def(
        "collect"
    )


def shard_steps(result: Any) -> set[str]:
    return {e.step_key for e in result.all_events if e.is_step_start and str(e.step_key).startswith(SHARD_STEP)}


def test_accounts_are_collected_once_and_counted_together(deployment: Deployment, instance: dg.DagsterInstance) -> None:
    accounts = {deployment.connect(index)["_id"] for index in range(5)}
    deployment.connect(5, state="needs_reauth")
    result = deployment.materialize(ASSET, [slot_key(deployment.hour)], instance)
    assert shard_steps(result) == {f"{SHARD_STEP}{Shard.of_account(one, 3).name}]" for one in [*accounts, "a5"]}
    (metadata,) = materialized(result).values()
    assert (metadata["accounts_ok"], metadata["accounts_skipped"]) == (5, 1)
    scope, hour = {"workspaceId": "w", "metricType": "account"}, deployment.hour
    rows = deployment.clients.store.observations.page(scope, hour, hour + timedelta(hours=1), limit=100)
    assert sorted(row["metadata"]["accountId"] for row in rows) == sorted(accounts)
    limits = {limit.name: limit.limit for limit in instance.event_log_storage.get_pool_limits()}
    assert limits["platform_instagram"] == 6, "two runs of three shards"


def test_operation_on_one_account_needs_one_shard(deployment: Deployment) -> None:
    for index in range(5):
        deployment.connect(index)
    operation = deployment.clients.store.operations.request("collect", "w", account_id="a3")
    tags = {OPERATION: operation["_id"], ASSETS: "1"}
    result = deployment.materialize(ASSET, [slot_key(deployment.hour)], None, **tags)
    assert shard_steps(result) == {f"{SHARD_STEP}{Shard.of_account('a3', 3).name}]"}
    found = deployment.clients.store.operations.get(operation["_id"])
    assert (found["state"], found["accounts"]) == ("succeeded", {"ok": 1, "failed": 0, "skipped": 0})


@pytest.fixture
def _own_clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the clients that steps open in this process, which keeps them for as long as it lives."""
    opened: list[Clients] = []

    def noted(settings: Settings) -> Clients:
        opened.append(clients(settings))
        return opened[-1]

    monkeypatch.setattr(resources, "clients", noted)
    yield
    for one in opened:
        one.store.close()
        one.redis.close()
    clients.cache_clear()


@pytest.mark.usefixtures("_own_clients")
def test_shard_that_failed_is_executed_again_alone_whatever_their_number_is_by_then(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mongo_url", "mongo_db", "redis_url", "instagram_url", "collect_shards"):
        monkeypatch.setenv(PREFIX + name.upper(), str(getattr(deployment.clients.settings, name)))
    monkeypatch.setenv("TIDEMARK_SECRET_KEYS", deployment.clients.settings.secret_keys[0].get_secret_value())
    for index in range(5):
        deployment.connect(index)
    lost = Shard.of_account("a0", 3)
    tags = {PARTITION: slot_key(deployment.hour)}
    whole = dg.reconstructable(job)
    collect = Collector.collect

    def without_mongo(self: Collector, *args: Any, shard: Shard, **options: Any) -> CollectReport:
        if shard == lost:
            raise MongoUnavailable("MongoDB does not answer")
        return collect(self, *args, shard=shard, **options)

    with dg.instance_for_test() as instance:
        monkeypatch.setattr(Collector, "collect", without_mongo)
        failed = dg.execute_job(whole, instance, run_config=NO_RETRIES, tags=tags)
        assert not failed.success
        assert materialized(failed) == {}
        monkeypatch.setattr(Collector, "collect", collect)
        monkeypatch.setenv("TIDEMARK_COLLECT_SHARDS", "8")
        options = dg.ReexecutionOptions.from_failure(failed.run_id, instance)
        again = dg.execute_job(whole, instance, reexecution_options=options, tags=tags)
        assert again.success
        assert shard_steps(again) == {f"{SHARD_STEP}{lost.name}]"}
        (metadata,) = materialized(again).values()
    assert metadata["accounts_ok"] == 5
