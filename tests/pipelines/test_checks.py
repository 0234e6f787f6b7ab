"""Freshness speaks by itself, also where nothing is collected, and stands in the way of no collection."""

import dagster as dg

from pipelines.definitions import build
from tests.pipelines.deployment import Deployment


def evaluations(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    """Whether each asset passed the check `freshness`."""
    found = result.get_asset_check_evaluations()
    return {one.asset_key.to_user_string(): one.passed for one in found if one.check_name == "freshness"}


def test_freshness_is_evaluated_without_a_collection(deployment: Deployment, instance: dg.DagsterInstance) -> None:
    deployment.connect(0)
    job = build({"tidemark": deployment.resource}).resolve_job_def("check_freshness")
    found = evaluations(job.execute_in_process(instance=instance))
    assert len(found) == 4
    assert not found["raw_instagram"]
    assert found["raw_facebook"], "nothing is expected of a platform without accounts"


def test_collection_skips_no_step() -> None:
    job = build().resolve_job_def("collect_hourly")
    assert not [name for name in job.graph.node_dict if "freshness" in name]
