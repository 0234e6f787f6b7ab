"""A raw asset's partition tells the truth about its hour."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from redis import Redis

from metrics.accounts import Vault
from metrics.events import Announcer
from metrics.settings import Settings
from metrics.store import Store
from pipelines.assets.raw import raw_asset
from pipelines.partitions import slot_key
from pipelines.resources import Clients, Tidemark
from pipelines.tags import ASSETS, OPERATION
from tests.simulator_fixture import Simulator


class Stack:
    """The clients of a run, with accounts of the simulator."""

    def __init__(self, store: Store, redis: Redis, settings: Settings, simulator: Simulator) -> None:
        there = settings.model_copy(update={"instagram_url": simulator.url})
        self.clients = Clients(there, store, redis, Announcer(redis))
        self.simulator = simulator
        self.hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

    def connect(self, index: int, *, token: str | None = None) -> str:
        """Connect an account, by default with the token that opens it."""
        account = self.simulator.world.account("instagram", index)
        sealed = Vault(self.clients.settings.secret_keys).seal({"access_token": token or account.token})
        self.clients.store.accounts.put(
            [{"_id": f"a{index}", "workspaceId": "w", "platform": "instagram", "handle": account.handle,
              "platformAccountId": account.platform_account_id, "state": "active",
              "connectedAt": self.hour - timedelta(days=2), "credentials": sealed}]
        )  # fmt: skip
        return f"a{index}"

    def materialize(self, **tags: str) -> dg.ExecuteInProcessResult:
        """Materialise the hour under way."""
        clients = self.clients

        class Fixed(Tidemark):
            def clients(self) -> Clients:
                return clients

        return dg.materialize(
            [raw_asset("instagram")], partition_key=slot_key(self.hour), resources={"tidemark": Fixed()}, tags=tags,
            raise_on_error=False,
        )  # fmt: skip


@pytest.fixture
def stack(store: Store, redis_client: Redis, settings: Settings, simulator: Simulator) -> Stack:
    return Stack(store, redis_client, settings, simulator)


def completeness(result: dg.ExecuteInProcessResult) -> bool:
    return next(e.passed for e in result.get_asset_check_evaluations() if e.check_name == "completeness")


def test_hour_in_which_some_failed_is_materialised_with_a_red_check(stack: Stack) -> None:
    stack.connect(0)
    stack.connect(1, token="sim.instagram.1.never-given-out")
    result = stack.materialize()
    assert result.success
    assert not completeness(result)
    (materialization,) = result.asset_materializations_for_node("raw_instagram")
    assert materialization.metadata["accounts_failed"].value == 1
    assert "never-given-out" not in str(materialization.metadata)


def test_hour_in_which_every_account_failed_is_a_failed_partition(stack: Stack) -> None:
    stack.connect(1, token="sim.instagram.1.never-given-out")
    result = stack.materialize()
    assert not result.success
    assert result.asset_materializations_for_node("raw_instagram") == []


def test_failed_operation_on_one_account_does_not_fail_the_hour(stack: Stack) -> None:
    stack.connect(0)
    broken = stack.connect(1, token="sim.instagram.1.never-given-out")
    operation = stack.clients.store.operations.request("collect", "w", account_id=broken)
    result = stack.materialize(**{OPERATION: operation["_id"], ASSETS: "1"})
    assert result.success
    assert not completeness(result)
    assert stack.clients.store.operations.get(operation["_id"])["state"] == "failed"
