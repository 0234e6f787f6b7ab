"""Watched accounts of the simulator, and a reader of them at instants that a test chooses."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from pydantic import SecretStr
from redis import Redis

from metrics.documents import AccountDocument, Document, Platform, WatchedDocument
from metrics.periods import DAY
from metrics.platforms.registry import FACTS
from metrics.settings import PLATFORM_APIS, Settings
from metrics.store import Store
from metrics.store.setup.namespaces import PUBLIC
from metrics.vault import Vault
from metrics.watching.lists import NewWatch, watch
from pipelines.watching.read import WatchedReader
from pipelines.watching.report import WatchReport
from simulator.registry import credentials
from simulator.world import SimAccount
from tests.pipelines.platforms.public.watching import SECRETS
from tests.simulator_fixture import Simulator

NOW = datetime(2026, 11, 20, 6, 10, tzinfo=UTC)
LENDER = 3
FIRST, SECOND, THIRD = 150, 151, 152
"""Accounts of others that every platform shows."""


@dataclass(frozen=True)
class Days:
    """Stores, a simulator, and helpers to watch its accounts and to read them; platform and reader share the clock."""

    store: Store
    redis: Redis
    settings: Settings
    simulator: Simulator

    @classmethod
    def of(cls, store: Store, redis: Redis, settings: Settings, simulator: Simulator) -> "Days":
        urls = {f"{api}_url": simulator.url for api in PLATFORM_APIS}
        secrets = {name: SecretStr(text) for name, text in SECRETS.items()}
        return cls(store, redis, settings.model_copy(update={**urls, **secrets}), simulator)

    def having(self, **settings: Any) -> "Days":
        return replace(self, settings=self.settings.model_copy(update=settings))

    def account(self, platform: Platform, index: int) -> SimAccount:
        return self.simulator.world.account(platform, index)

    def name_of(self, platform: Platform, index: int) -> str:
        """The name by which a person adds an account: its id, or its handle where only that is found."""
        account = self.account(platform, index)
        return account.platform_account_id if FACTS[platform].public.by_id else f"@{account.handle}"

    def watch(self, platform: Platform, index: int, workspace: str = "w", at: datetime = NOW) -> str:
        """Watch an account of the simulator; return its id."""
        wanted = NewWatch(platform, self.name_of(platform, index))
        return watch(self.store, workspace, wanted, at, 1000).document["_id"]

    def connect(self, platform: Platform, index: int = LENDER, workspace: str = "w", **more: Any) -> AccountDocument:
        """Connect an account, which lends its token; it is not watched itself unless `unwatched` is False."""
        account = self.account(platform, index)
        account_id = f"{platform}{index}-{workspace}"
        document: AccountDocument = {
            "_id": account_id,
            "workspaceId": workspace,
            "platform": platform,
            "platformAccountId": account.platform_account_id,
            "handle": account.handle,
            "state": "active",
            "connectedAt": NOW - 9 * DAY,
            "unwatched": True,
            "credentials": Vault(self.settings.secret_keys).seal(credentials(account), account_id),
        }
        document.update(more)  # type: ignore[typeddict-item]
        self.store.accounts.put([document])
        return document

    def read(self, platform: Platform, now: datetime = NOW, **options: Any) -> WatchReport:
        """Read the watched accounts of a platform at an instant."""
        self.simulator.set_clock(now)
        reader = WatchedReader(self.store, self.redis, Vault(self.settings.secret_keys), self.settings)
        return reader.read(platform, run_id="run", now=now, **options)

    def watched(self, watched_id: str) -> WatchedDocument:
        found = self.store.deletion.find_one(PUBLIC.accounts, {"_id": watched_id})
        assert found is not None
        return cast("WatchedDocument", found)

    def rows(self, watched_id: str, **more: Any) -> list[Document]:
        """The observations of a watched account, without what differs between readings."""
        found = self.store.db[PUBLIC.log].find({"metadata.accountId": watched_id, **more})
        return sorted(found, key=lambda row: (row["timestamp"], row["metadata"].get("postId", ""), row["collectedAt"]))

    def values(self, watched_id: str) -> dict[tuple[datetime, str], Document]:
        """The effective metrics of an account and its posts, by slot and by the platform's id of the post."""
        return {(row["timestamp"], row["metadata"].get("platformPostId", "")): row["metrics"]
                for row in self.rows(watched_id)}  # fmt: skip

    def records(self, watched_id: str) -> list[Document]:
        return list(self.store.db[PUBLIC.collections].find({"accountId": watched_id}).sort("slot", 1))

    def calls(self) -> int:
        """How many calls the simulator counted."""
        return sum(sum(kinds.values()) for name, kinds in self.simulator.calls().items() if name == "byKind")


def later(days: float) -> datetime:
    """Return an instant so many days after the first reading."""
    return NOW + timedelta(days=days)
