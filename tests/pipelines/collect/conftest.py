"""A collector against the simulator, at one instant, with accounts to connect."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from redis import Redis

from metrics.clock import isoformat
from metrics.documents import AccountDocument, Platform
from metrics.periods import HOUR, slot_of
from metrics.platforms.registry import STORING_NEEDS_CONSENT
from metrics.redis.events import Announcer
from metrics.redis.keys import events_key
from metrics.settings import PLATFORM_APIS, Settings
from metrics.store import Store
from metrics.vault import Vault
from pipelines.collect.collector import Collector
from pipelines.collect.report import CollectReport
from pipelines.platforms.http import retries
from simulator.registry import credentials
from tests.redis_streams import entries
from tests.retained import keep
from tests.simulator_fixture import Simulator

NOW = datetime(2026, 11, 20, 16, 20, tzinfo=UTC)
SLOT = slot_of(NOW)


@dataclass(frozen=True)
class Bench:
    """Stores, a simulator and helpers for tests of collection."""

    store: Store
    redis: Redis
    settings: Settings
    simulator: Simulator

    def having(self, **settings: Any) -> "Bench":
        """Return the same bench with other settings; the database's expiries are changed accordingly."""
        changed = self.settings.model_copy(update=settings)
        keep(self.store, changed)
        return replace(self, settings=changed)

    def connect(
        self, index: int = 0, workspace: str = "w", platform: Platform = "instagram", **fields: Any
    ) -> AccountDocument:
        """Connect account `index` of the simulator as `a<index>`, of another platform as `<platform><index>`."""
        account = self.simulator.world.account(platform, index)
        account_id = fields.get("_id", f"{'a' if platform == 'instagram' else platform}{index}")
        document: AccountDocument = {
            "_id": account_id,
            "workspaceId": workspace,
            "platform": platform,
            "platformAccountId": account.platform_account_id,
            "handle": account.handle,
            "state": "active",
            "connectedAt": NOW - timedelta(days=9),
            "credentials": Vault(self.settings.secret_keys).seal(credentials(account), account_id),
        }
        document.update(fields)  # type: ignore[typeddict-item]
        self.store.accounts.put([document])
        if platform in STORING_NEEDS_CONSENT:
            self.store.consents.set(workspace, platform, given=True)
        return document

    def collect(
        self, slot: datetime = SLOT, now: datetime = NOW, platform: Platform = "instagram", **options: Any
    ) -> CollectReport:
        """Collect a slot at an instant; platform and simulator share the clock."""
        self.simulator.set_clock(now)
        collector = Collector(
            self.store, self.redis, Announcer(self.redis), Vault(self.settings.secret_keys), self.settings
        )
        return collector.collect(platform, slot, run_id="run", now=now, **options)

    def rows(self, slot: datetime = SLOT, **scope: str) -> list[dict[str, Any]]:
        """Return the observations of a slot."""
        return list(self.store.observations.page({"workspaceId": "w", **scope}, slot, slot + HOUR, limit=2000))

    def record(self, account_id: str = "a0", slot: datetime = SLOT) -> dict[str, Any]:
        """Return the record of an account's collection."""
        found = next(r for r in self.store.collections.of_slot(slot) if r["accountId"] == account_id)
        return dict(found)

    def state(self, account_id: str = "a0") -> str:
        """Return an account's state."""
        return self.store.accounts.get(account_id)["state"]


def subject_and_instant(row: dict[str, Any]) -> tuple[str, str | None, str]:
    """Return the subject of an observation and when it was read."""
    metadata = row["metadata"]
    return metadata["accountId"], metadata.get("postId"), isoformat(row["collectedAt"])


def announced(redis: Redis, workspace_id: str = "w") -> set[tuple[str, str | None, str]]:
    """Return that of every observation that was announced."""
    found = [entry for _, entry in entries(redis, events_key(workspace_id))]
    events = [orjson.loads(e[b"data"]) for e in found if e[b"event"] in (b"metrics:update", b"metrics:post")]
    return {(data["accountId"], data.get("postId"), data["collectedAt"]) for data in events}


@pytest.fixture(autouse=True)
def _few_posts_by_default(few_posts: None) -> None:
    """Let accounts publish a fifth of their usual posts, unless a test says that it needs every post."""


@pytest.fixture
def bench(
    store: Store, redis_client: Redis, settings: Settings, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> Bench:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    urls = {f"{api}_url": simulator.url for api in PLATFORM_APIS}
    return Bench(store, redis_client, settings.model_copy(update=urls), simulator)
