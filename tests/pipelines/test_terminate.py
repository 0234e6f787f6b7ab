"""A run that is terminated in the UI, or because of its max_runtime, ends: no step is retried."""

import dagster as dg
import pytest
from dagster import DagsterRunStatus
from dagster._core.errors import DagsterExecutionInterruptedError

from metrics.clock import utcnow
from metrics.periods import midnight
from pipelines.assets.export import export_parquet
from pipelines.assets.outside import OUTSIDE
from pipelines.assets.raw import raw_asset
from pipelines.assets.rollups import rollup_asset
from pipelines.assets.sharded import sharded_asset
from pipelines.partitions import period_key, slot_key
from pipelines.resources import Clients, Tidemark

TODAY = midnight(utcnow().date())


@pytest.mark.parametrize(
    "asset",
    [raw_asset("twitter"), sharded_asset("twitter"), rollup_asset("daily"), export_parquet],
    ids=["raw", "sharded", "rollup", "export"],
)
def test_run_that_is_terminated_is_cancelled_at_once(asset: dg.AssetsDefinition, instance: dg.DagsterInstance) -> None:
    begun = []

    class Terminated(Tidemark):
        def clients(self) -> Clients:
            (run,) = instance.get_runs(limit=1)
            begun.append(run.run_id)
            # Dagster does this when a user terminates a run.
            instance.report_run_canceling(run)
            raise DagsterExecutionInterruptedError

    hourly = asset.key.to_user_string().startswith("raw_")
    dg.materialize(
        [*OUTSIDE, asset], instance=instance, selection=[asset],
        partition_key=slot_key(TODAY) if hourly else period_key(TODAY),
        resources={"tidemark": Terminated()}, raise_on_error=False,
    )  # fmt: skip
    assert len(begun) == 1
    assert instance.get_runs(limit=1)[0].status is DagsterRunStatus.CANCELED
