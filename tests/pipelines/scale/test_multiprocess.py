"""An hour in shards, each collected by a process of its own on this machine."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from pipelines.partitions import slot_key
from tests.pipelines.deployment import Deployment
from tests.pipelines.scale.machines import MATERIALIZE, ROOT, assert_true, connect, environment_of

# Each of the run's four steps starts a process, and each of these loads the definitions.
pytestmark = pytest.mark.long
ACCOUNTS = 6


def test_every_number_of_an_hour_that_processes_share_is_true(deployment: Deployment, tmp_path: Path) -> None:
    connect(deployment, ACCOUNTS)
    environment = environment_of(deployment.having(collect_shards=2), "multiprocess", tmp_path / "dagster")
    hour = slot_key(deployment.hour)
    ended = subprocess.run(
        [sys.executable, "-m", *MATERIALIZE, hour],
        env=environment, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    with dg.DagsterInstance.from_config(environment["DAGSTER_HOME"]) as instance:
        (record,) = instance.get_run_records()
        events = [entry.dagster_event for entry in instance.all_logs(record.dagster_run.run_id)]
        shards = {
            e.step_key: e.pid for e in events if e and e.is_step_success and "instagram_shard[" in str(e.step_key)
        }
        assert len(shards) == len(set(shards.values())) == 2
        (event,) = instance.fetch_materializations(dg.AssetKey("raw_instagram"), limit=5).records
        assert event.asset_materialization is not None
        assert event.asset_materialization.metadata["accounts_ok"].value == ACCOUNTS
    assert_true(deployment, ACCOUNTS)
