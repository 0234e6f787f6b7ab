"""The progress of a collection: in its operation, and in the events that streams send while it runs."""

from typing import Any

import dagster as dg
import orjson
import pytest

from metrics.errors import RedisUnavailable
from metrics.redis.events import Announcer
from metrics.redis.keys import events_key
from pipelines.assets.raw import raw_asset
from pipelines.assets.sharded import sharded_asset
from pipelines.partitions import slot_key
from pipelines.runs import account_progress
from pipelines.runs.tags import ASSETS, OPERATION
from tests.pipelines.deployment import Deployment
from tests.redis_streams import entries

WRONG = "sim.instagram.1.never-given-out"


@pytest.fixture(params=[raw_asset, sharded_asset], ids=["one step", "shards"])
def asset(request: pytest.FixtureRequest) -> dg.AssetsDefinition:
    found: dg.AssetsDefinition = request.param("instagram")
    return found


def statuses(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the data of the events of operations, oldest first."""
    stream = entries(deployment.clients.redis, events_key("w"))
    found = [orjson.loads(fields[b"data"]) for _, fields in stream if fields[b"event"] == b"collection:status"]
    return [data for data in found if "operationId" in data]


def collect(deployment: Deployment, asset: dg.AssetsDefinition, account_id: str | None = None) -> dict[str, Any]:
    """Carry out an operation on the accounts of one platform; return it."""
    operation = deployment.clients.store.operations.request("collect", "w", account_id=account_id)
    tags = {OPERATION: operation["_id"], ASSETS: "1"}
    deployment.materialize(asset, [slot_key(deployment.hour)], None, **tags)
    return dict(deployment.clients.store.operations.get(operation["_id"]))


def test_events_count_the_accounts_of_every_platform(
    asset: dg.AssetsDefinition, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_progress, "REPORT_EVERY_SECONDS", 0.0)
    for index in range(3):
        deployment.connect(index, token=WRONG if index == 1 else None)
    deployment.connect(3, state="needs_reauth")
    deployment.connect(0, platform="linkedin")
    operation = collect(deployment, asset)
    told = [(data["state"], data["platforms"]["instagram"]) for data in statuses(deployment)]
    assert told[0] == ("running", {"done": 0, "expected": 3})
    assert [state for state, _ in told[:-1]] == ["running"] * (len(told) - 1)
    counts = [counted["done"] for _, counted in told]
    assert counts == sorted(counts)
    assert {1, 2, 3} <= set(counts), "each account is reported, also the one that fails"
    assert {data["platforms"]["linkedin"]["expected"] for data in statuses(deployment)} == {1}
    assert operation["platforms"] == {
        "instagram": {"done": 3, "expected": 3}, "linkedin": {"done": 0, "expected": 1},
    }  # fmt: skip


def test_operation_on_one_account_expects_one(asset: dg.AssetsDefinition, deployment: Deployment) -> None:
    deployment.connect(0)
    account = deployment.connect(1)["_id"]
    assert collect(deployment, asset, account_id=account)["platforms"] == {"instagram": {"done": 1, "expected": 1}}


def test_repeated_step_counts_no_account_twice(deployment: Deployment) -> None:
    store = deployment.clients.store.operations
    operation = store.request("collect", "w")["_id"]
    store.expect(operation, {"instagram": 4})
    for step, done in (("1_of_2", 1), ("2_of_2", 1), ("1_of_2", 1), ("1_of_2", 2)):
        store.count(operation, "instagram", step, done)
    assert store.get(operation)["platforms"] == {"instagram": {"done": 3, "expected": 4}}
    store.finish(operation, "succeeded")
    assert store.count(operation, "instagram", "1_of_2", 4) is None


def test_collection_goes_on_without_its_progress(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_progress, "REPORT_EVERY_SECONDS", 0.0)
    deployment.connect(0)
    announce = Announcer.announce

    def fails_for_progress(self: Announcer, workspace_id: str, events: Any = ()) -> str:
        if any(event.name == "collection:status" and event.data.get("platforms", {}).get("instagram", {}).get("done")
               and event.data["state"] == "running" for event in events):  # fmt: skip
            raise RedisUnavailable("Redis does not answer")
        return announce(self, workspace_id, events)

    monkeypatch.setattr(Announcer, "announce", fails_for_progress)
    assert collect(deployment, raw_asset("instagram"))["state"] == "succeeded"
