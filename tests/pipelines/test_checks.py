"""Freshness is evaluated even if nothing is collected, and does not block collection."""

import asyncio
from datetime import timedelta

import dagster as dg
import pytest
from dagster._core.loader import LoadingContextForTest

from metrics.documents import PLATFORMS
from pipelines.assets.raw import raw_asset
from pipelines.assets.sharded import sharded_asset
from pipelines.definitions import build
from pipelines.partitions import slot_key
from tests.pipelines.deployment import Deployment


def evaluations(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    """Return, by asset, if it passed the check `freshness`."""
    found = result.get_asset_check_evaluations()
    return {one.asset_key.to_user_string(): one.passed for one in found if one.check_name == "freshness"}


def test_freshness_is_evaluated_without_a_collection(deployment: Deployment, instance: dg.DagsterInstance) -> None:
    deployment.connect(0)
    job = build({"tidemark": deployment.resource}).resolve_job_def("check_freshness")
    found = evaluations(job.execute_in_process(instance=instance))
    assert len(found) == len(PLATFORMS)
    assert not found["raw_instagram"]
    assert found["raw_facebook"], "nothing is expected of a platform without accounts"


def test_collection_skips_no_step() -> None:
    job = build().resolve_job_def("collect_hourly")
    assert not [name for name in job.graph.node_dict if "freshness" in name]


@pytest.mark.parametrize("asset", [raw_asset("instagram"), sharded_asset("instagram")], ids=["one step", "shards"])
def test_freshness_is_never_older_than_what_was_materialised_last(
    asset: dg.AssetsDefinition, deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    """The UI shows no check that is older than the newest materialisation, which here is of an old hour."""
    deployment.connect(0)
    build({"tidemark": deployment.resource}).resolve_job_def("check_freshness").execute_in_process(instance=instance)
    seen = []
    for back in (5, 1):
        result = deployment.materialize(asset, [slot_key(deployment.hour - timedelta(hours=back))], instance)
        assert result.success
        key = dg.AssetCheckKey(asset.key, "freshness")
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
        assert asyncio.run(record.targets_latest_materialization(LoadingContextForTest(instance)))
        assert record.evaluation is not None
        seen.append(record.evaluation.passed)
    assert seen == [False, True]
