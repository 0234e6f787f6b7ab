"""Two runs of the same hour or period at once (schedule and backfill, double click) give the data of one run."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import dagster as dg
import pytest

from metrics.periods import HOUR, midnight, period_start
from pipelines.assets.raw import raw_asset
from pipelines.assets.rollups import rollup_asset
from pipelines.partitions import period_key, slot_key
from pipelines.rollup.write import STAMPS
from tests.pipelines.deployment import Deployment

RAW, DAILY, WEEKLY = raw_asset("instagram"), rollup_asset("daily"), rollup_asset("weekly")


def stored(deployment: Deployment) -> tuple[dict[Any, Any], dict[str, Any], dict[str, int]]:
    """The effective observations, the rollups without their stamps, and the periods that are still marked."""
    store, hour = deployment.clients.store, deployment.hour
    rows = store.observations.page({"workspaceId": "w"}, hour - HOUR, hour + HOUR, limit=5000)
    observed = {(r["metadata"].get("postId", r["metadata"]["accountId"]), r["timestamp"]): r["metrics"] for r in rows}
    documents = [*store.rollups.subjects.find({}), *store.rollups.accounts.find({})]
    rollups = {d["_id"]: {name: v for name, v in d.items() if name not in STAMPS} for d in documents}
    return observed, rollups, dict(store.marks.count().items())


def test_overlapping_runs_end_in_the_data_of_one(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(3):
        deployment.connect(index)
    # The clock stands still, because values that are read seconds later would be larger.
    instant = deployment.hour + timedelta(minutes=1)
    monkeypatch.setattr(deployment.simulator.clock, "now", lambda: instant)
    day = midnight(deployment.hour.date())
    steps: list[tuple[dg.AssetsDefinition, str]] = [
        (RAW, slot_key(deployment.hour)),
        (DAILY, period_key(day)),
        (WEEKLY, period_key(period_start("weekly", day))),
    ]
    for asset, key in steps:
        assert deployment.materialize(asset, [key]).success
    once = stored(deployment)
    assert len(once[0]) > 3
    together = Barrier(2)

    def run(asset: dg.AssetsDefinition, key: str) -> bool:
        together.wait()
        return deployment.materialize(asset, [key]).success

    with ThreadPoolExecutor(2) as pool:
        for asset, key in steps:
            assert all(pool.map(run, [asset] * 2, [key] * 2))
    assert stored(deployment)[:2] == once[:2]
