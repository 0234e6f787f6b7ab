"""Outages of MongoDB or Redis: the UI says what to do, partial work is not materialised, the next run repairs it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import import_module
from typing import Any

import dagster as dg
import pytest
from pymongo.uri_parser import parse_uri

from metrics.documents import Observation
from metrics.errors import MongoUnavailable
from metrics.periods import DAY, HOUR, midnight
from metrics.redis.client import connect
from metrics.redis.events import Announcer
from metrics.redis.keys import events_key
from metrics.settings import PREFIX
from metrics.store import Store
from pipelines import resources
from pipelines.assets import raw, rollups
from pipelines.collect.collector import Collector
from pipelines.partitions import period_key, slot_key
from tests.pipelines.deployment import Deployment, materialized
from tests.redis_streams import entries
from tests.tcp_proxy import TcpProxy
from tests.waiting import until
from tidemark.stack.ports import free_port

REMEDY = "when it answers again, run these partitions again"


@dataclass(frozen=True)
class Cut:
    """A deployment with a network connection to MongoDB that the test can cut."""

    deployment: Deployment
    network: TcpProxy

    def after(self, patch: pytest.MonkeyPatch, owner: Any, name: str, calls: int) -> None:
        """Cut the network after a number of calls of a function, before the next call."""
        works, left = getattr(owner, name), [calls]

        def then_cut(*args: Any, **options: Any) -> Any:
            if not left[0]:
                self.network.cut()
            left[0] -= 1
            return works(*args, **options)

        patch.setattr(owner, name, then_cut)

    def mend(self) -> None:
        """Mend the network, and wait until the driver has noticed: it asks a lost server twice a second at most."""
        self.network.mend()
        until(self._answers)

    def _answers(self) -> bool:
        try:
            self.deployment.clients.store.ping()
        except MongoUnavailable:
            return False
        return True


@pytest.fixture(autouse=True)
def _one_retry_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (raw, rollups):
        monkeypatch.setattr(module, "RETRIES", dg.RetryPolicy(max_retries=1))


@pytest.fixture
def cut(deployment: Deployment) -> Iterator[Cut]:
    settings = deployment.clients.settings
    ((_, port),) = parse_uri(str(settings.mongo_url))["nodelist"]
    network = TcpProxy(port)
    url = f"mongodb://{network.url.removeprefix('http://')}/?directConnection=true"
    store = Store.connect(settings.model_copy(update={"mongo_url": url}), server_selection_ms=300)
    yield Cut(replace(deployment, clients=replace(deployment.clients, store=store)), network)
    store.close()
    network.close()


def reason(result: dg.ExecuteInProcessResult) -> str:
    """The message that the UI shows for the failed step."""
    assert not result.success
    failed = [e.step_failure_data for e in result.all_events if e.is_step_failure]
    assert failed[-1].user_failure_data
    return str(failed[-1].user_failure_data.description)


def retries(result: dg.ExecuteInProcessResult) -> int:
    return sum(e.is_step_restarted for e in result.all_events)


def observe(deployment: Deployment, day: Any) -> None:
    """Observe followers of two accounts over a day."""
    for account in (deployment.connect(0), deployment.connect(1)):
        slots = [day + hour * HOUR for hour in range(24)]
        deployment.clients.store.observations.append(
            Observation("w", account["_id"], "instagram", "account", slot, slot + HOUR, {"followers": 9 + n}, "r", "v1")
            for n, slot in enumerate(slots)
        )


def test_hour_during_which_mongodb_went_away_fails_with_the_remedy_and_the_next_run_mends_it(
    cut: Cut, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment, asset = cut.deployment, raw.raw_asset("instagram")
    accounts = [deployment.connect(index)["_id"] for index in range(2)]
    before, now = (slot_key(deployment.hour - timedelta(hours=back)) for back in (1, 0))
    with monkeypatch.context() as patch:
        cut.after(patch, Collector, "collect", 1)
        failed = deployment.materialize(asset, [before, now], instance)
    assert "MongoDB does not answer" in reason(failed)
    assert REMEDY in reason(failed)
    assert retries(failed) == 1
    assert asset.partitions_def is not None
    status = instance.get_status_by_partition(asset.key, [before, now], asset.partitions_def)
    assert status is not None
    assert [str(status[key]).rsplit(".")[-1] for key in (before, now)] == ["FAILED", "MATERIALIZED"], "newest first"
    cut.mend()
    again = deployment.materialize(asset, [before], instance)
    assert list(materialized(again)) == [before]
    records = deployment.clients.store.collections.of_slot(deployment.hour - HOUR)
    assert sorted(record["accountId"] for record in records) == accounts


def test_day_that_was_half_written_is_not_green_and_is_whole_after_the_next_run(
    cut: Cut, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment, asset = cut.deployment, rollups.rollup_asset("daily")
    day = midnight(deployment.hour.date()) - DAY
    observe(deployment, day)
    deployment.clients.store.marks.touch([("w", "daily", day)])
    with monkeypatch.context() as patch:
        # Posts and accounts are written one after the other: the network is cut in between.
        cut.after(patch, import_module("pipelines.rollup.roll"), "write", 1)
        failed = deployment.materialize(asset, [period_key(day)], instance)
    assert "MongoDB does not answer" in reason(failed)
    assert REMEDY in reason(failed)
    assert materialized(failed) == {}
    cut.mend()
    store = deployment.clients.store
    assert store.rollups.accounts.count_documents({}) == 0, "no reader sees a part of it"
    assert [mark.start for mark in store.marks.pending("daily")] == [day], "and it is asked for again"
    again = deployment.materialize(asset, [period_key(day)], instance)
    assert list(materialized(again)) == [period_key(day)]
    found = list(store.rollups.accounts.find({"period": "daily"}))
    assert [one["aggregatedMetrics"]["followers"] for one in found] == [32, 32]
    assert store.marks.pending("daily") == []


@pytest.mark.parametrize("asset", ["raw", "rollup"])
def test_what_could_not_be_announced_fails_with_the_remedy_and_is_announced_by_the_next_run(
    deployment: Deployment, asset: str
) -> None:
    day = midnight(deployment.hour.date()) - DAY
    observe(deployment, day)
    made = raw.raw_asset("instagram") if asset == "raw" else rollups.rollup_asset("daily")
    key = slot_key(deployment.hour) if asset == "raw" else period_key(day)
    nowhere = deployment.clients.settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}"})
    with connect(nowhere, retries=0) as redis:
        away = replace(deployment.clients, settings=nowhere, redis=redis, announcer=Announcer(redis))
        failed = replace(deployment, clients=away).materialize(made, [key])
    assert REMEDY in reason(failed)
    assert materialized(failed) == {}
    events = events_key("w")
    assert deployment.clients.redis.xlen(events) == 0
    assert list(materialized(deployment.materialize(made, [key]))) == [key]
    announced = {entry[b"event"] for _, entry in entries(deployment.clients.redis, events)}
    assert (b"metrics:update" if asset == "raw" else b"metrics:aggregated") in announced
    assert deployment.clients.store.marks.pending("daily") == [] or asset == "raw"


def test_code_location_without_mongodb_says_so(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "PATIENCE_MS", 300)
    monkeypatch.setenv(f"{PREFIX}MONGO_URL", f"mongodb://127.0.0.1:{free_port()}")
    monkeypatch.setenv(f"{PREFIX}REDIS_URL", str(deployment.clients.settings.redis_url))
    result = dg.materialize(
        [raw.raw_asset("instagram")], partition_key=slot_key(deployment.hour),
        resources={"tidemark": resources.Tidemark()}, raise_on_error=False,
    )  # fmt: skip
    assert "MongoDB does not answer" in reason(result)
