"""Collecting against the simulator: what is written equals the truth, number for number."""

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from metrics.accounts import Vault
from metrics.catalog import offered
from metrics.documents import AccountDocument
from metrics.events import Announcer
from metrics.periods import slot_of
from metrics.settings import Settings
from metrics.store import Store
from pipelines.collect.collector import Collector
from pipelines.collect.report import CollectReport
from simulator import truth
from tests.simulator_fixture import Simulator

NOW = datetime(2026, 11, 20, 16, 20, tzinfo=UTC)
SLOT = slot_of(NOW)


@pytest.fixture
def collector(store: Store, redis_client: Redis, settings: Settings, simulator: Simulator) -> Collector:
    simulator.set_clock(NOW)
    here = settings.model_copy(update={"instagram_url": simulator.url})
    return Collector(store, Announcer(redis_client), Vault(here.secret_keys), here)


def connect(
    store: Store, settings: Settings, simulator: Simulator, index: int = 0, workspace: str = "w"
) -> AccountDocument:
    account = simulator.world.account("instagram", index)
    document: AccountDocument = {
        "_id": f"a{index}",
        "workspaceId": workspace,
        "platform": "instagram",
        "platformAccountId": account.platform_account_id,
        "handle": account.handle,
        "state": "active",
        "connectedAt": NOW - timedelta(days=1),
        "credentials": Vault(settings.secret_keys).seal({"access_token": account.token}),
    }
    store.accounts.put([document])
    return document


def collect(collector: Collector, slot: datetime = SLOT, **options: object) -> CollectReport:
    return collector.collect("instagram", slot, run_id="run", **{"now": NOW, **options})  # type: ignore[arg-type]


def test_every_number_equals_the_truth(
    store: Store, settings: Settings, simulator: Simulator, collector: Collector
) -> None:
    connect(store, settings, simulator)
    report = collect(collector)
    assert (report.ok, report.failed, report.failures) == (1, 0, [])
    rows = store.observations.page({"workspaceId": "w"}, SLOT, SLOT + timedelta(hours=1), limit=1000)
    world, checked = simulator.world, 0
    for row in rows:
        metadata = row["metadata"]
        if metadata["metricType"] == "account":
            continue
        post = world.post(metadata["platformPostId"])
        assert post is not None
        for name, offer in offered("instagram", metadata["metricType"], metadata["contentType"]).items():
            if name in row.get("unavailable", {}):
                assert row["unavailable"][name] == "privacy_threshold"
                continue
            # The clock goes on while the account is read: a count may be that of a second later.
            possible = {truth.post_value(world, post, offer.field, NOW + timedelta(seconds=s)) for s in range(20)}
            assert row["metrics"][name] in possible, (name, metadata)
            checked += 1
    assert checked > 100


def test_account_levels_equal_the_truth(
    store: Store, settings: Settings, simulator: Simulator, collector: Collector
) -> None:
    connect(store, settings, simulator)
    collect(collector)
    (row,) = store.observations.page(
        {"accountId": "a0", "metricType": "account"}, SLOT, SLOT + timedelta(hours=1), limit=10
    )
    account = simulator.world.account("instagram", 0)
    assert row["metrics"]["followers"] == truth.account_value(simulator.world, account, "followers_count", NOW)
    assert set(row["metrics"]) == {"followers", "following", "posts"}
