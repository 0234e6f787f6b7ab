"""Tidemark's definitions with a test's stores; runs are executed in this process."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from metrics.documents import AccountDocument, Platform
from metrics.periods import slot_of
from metrics.vault import Vault
from pipelines.assets.outside import OUTSIDE
from pipelines.resources import Clients, Tidemark
from pipelines.runs.tags import RANGE_END, RANGE_START
from tests.retained import keep
from tests.simulator_fixture import Simulator


@dataclass(frozen=True)
class Deployment:
    """Stores, a simulator, and helpers to connect accounts and materialise partitions."""

    clients: Clients
    simulator: Simulator
    hour: datetime = field(default_factory=lambda: slot_of(datetime.now(UTC)))
    """The hour in which the test began: it stays the same when a full hour passes meanwhile."""

    @property
    def resource(self) -> Tidemark:
        """The resource `tidemark` with the clients of this test."""
        clients = self.clients

        class Fixed(Tidemark):
            def clients(self) -> Clients:
                return clients

        return Fixed()

    def having(self, **settings: Any) -> "Deployment":
        """Return the same deployment with other settings; the database's expiries are changed accordingly."""
        changed = self.clients.settings.model_copy(update=settings)
        keep(self.clients.store, changed)
        return replace(self, clients=replace(self.clients, settings=changed))

    def connect(
        self, index: int, *, platform: Platform = "instagram", token: str | None = None, **fields: Any
    ) -> AccountDocument:
        """Connect an account of the simulator in workspace `w`, by default with the token that opens it."""
        account = self.simulator.world.account(platform, index)
        account_id = fields.get("_id", f"{'a' if platform == 'instagram' else platform}{index}")
        sealed = Vault(self.clients.settings.secret_keys).seal({"access_token": token or account.token}, account_id)
        document: AccountDocument = {
            "_id": account_id, "workspaceId": "w", "platform": platform,
            "handle": account.handle, "platformAccountId": account.platform_account_id, "state": "active",
            "connectedAt": self.hour - timedelta(days=2), "credentials": sealed,
        }  # fmt: skip
        document.update(fields)  # type: ignore[typeddict-item]
        self.clients.store.accounts.put([document])
        return document

    def materialize(
        self, asset: dg.AssetsDefinition, keys: Sequence[str], instance: dg.DagsterInstance | None = None, **tags: str
    ) -> dg.ExecuteInProcessResult:
        """Materialise one partition, or all from the first key to the last in one run."""
        span = {RANGE_START: keys[0], RANGE_END: keys[-1]} if len(keys) > 1 else {}
        return dg.materialize(
            [*OUTSIDE, asset], instance=instance, selection=[asset],
            partition_key=None if span else keys[0], tags={**tags, **span},
            resources={"tidemark": self.resource}, raise_on_error=False,
        )  # fmt: skip


def check_of(result: dg.ExecuteInProcessResult, name: str = "completeness") -> dg.AssetCheckEvaluation:
    """Return the evaluation of a check in a run."""
    return next(e for e in result.get_asset_check_evaluations() if e.check_name == name)


def check_passed(result: dg.ExecuteInProcessResult, name: str = "completeness") -> bool:
    """Tell whether a check of a run passed."""
    return check_of(result, name).passed


def materialized(
    result: dg.ExecuteInProcessResult | dg.JobExecutionResult, asset: str | None = None
) -> dict[str | None, dict[str, Any]]:
    """Return the metadata of each partition that a run of one asset, or `asset` in a run of several, materialised."""
    found: dict[str | None, dict[str, Any]] = {}
    for event in result.get_asset_materialization_events():
        one = event.step_materialization_data.materialization
        if asset is not None and one.asset_key != dg.AssetKey(asset):
            continue
        assert one.partition not in found, "one event per partition"
        found[one.partition] = {name: value.value for name, value in one.metadata.items()}
    return found
