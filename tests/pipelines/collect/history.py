"""Helpers for tests of history: accounts of the simulator that were just connected, and their true past."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from metrics.clock import utcnow
from metrics.collection.histories import request_histories
from metrics.documents import AccountDocument, Document, History, OperationDocument, Platform
from metrics.redis.events import Announcer
from metrics.vault import Vault
from pipelines.collect.history import HistoryReader, HistoryReport
from pipelines.platforms.registry import api_facts
from simulator.world import SimAccount, SimPost
from tests.pipelines.collect.conftest import Bench
from tests.provider_days import true_day

YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Past:
    """A bench with accounts whose history is requested."""

    bench: Bench

    def connect(self, platform: Platform = "instagram", index: int = 3, **fields: Any) -> AccountDocument:
        """Connect an account now, and request its history."""
        account = self.bench.connect(index, platform=platform, **{"connectedAt": utcnow(), **fields})
        request_histories(self.bench.store, [account], again=[account["_id"]])
        return account

    def read(self, seconds: float = 600.0) -> HistoryReport:
        """Read the requested histories in one run."""
        bench = self.bench
        vault = Vault(bench.settings.secret_keys)
        reader = HistoryReader(bench.store, bench.redis, Announcer(bench.redis), vault, bench.settings)
        return reader.read(run_id="history", seconds=seconds)

    def resume(self, account: AccountDocument) -> None:
        """End the pause of a history."""
        history = self.of(account)
        history["resumesAt"] = utcnow() - timedelta(seconds=1)
        self.bench.store.memories.keep_history(account["_id"], history)
        self.bench.redis.flushall()

    def of(self, account: AccountDocument) -> History:
        """The state of an account's history."""
        found = self.bench.store.memories.history(account["_id"])
        assert found is not None
        return found

    def operation(self, account: AccountDocument) -> OperationDocument:
        """The operation that reads an account's history."""
        return self.bench.store.operations.get(self.of(account)["operationId"])

    def sim(self, account: AccountDocument) -> SimAccount:
        """The account in the simulator."""
        found = self.bench.simulator.world.find(account["platform"], account["platformAccountId"])
        assert found is not None
        return found

    def true_posts(self, account: AccountDocument, now: datetime) -> list[SimPost]:
        """The posts of a year in the account's lists."""
        posts = self.bench.simulator.world.posts(self.sim(account), now - YEAR, now)
        return [post for post in posts if post.visible(now)]

    def true_days(self, account: AccountDocument, now: datetime, days: int = 365) -> dict[date, dict[str, int]]:
        """The true provider's days of the account in the year before its connection; none if its platform has none."""
        policy = api_facts(account["platform"]).days
        if policy is None:
            return {}
        newest = policy.newest(now)
        wanted = (newest - timedelta(days=back) for back in range(days))
        world, sim = self.bench.simulator.world, self.sim(account)
        return {day: true_day(world, sim, day, now) for day in wanted if day >= policy.oldest(now)}

    def stored_days(self, account: AccountDocument) -> dict[date, dict[str, int]]:
        """The account's own observations in the log, by day; each day is stored in its last slot."""
        rows = self.bench.store.db["metrics"].find(
            {"metadata.accountId": account["_id"], "metadata.metricType": "account"}
        )
        found: dict[date, dict[str, int]] = {}
        for row in sorted(rows, key=lambda row: row["collectedAt"]):
            assert row["timestamp"].hour == 23
            found.setdefault(row["timestamp"].date(), {}).update(row["metrics"])
        return found

    def rows(self, account: AccountDocument) -> list[Document]:
        """The observations of the account's posts."""
        query = {"metadata.accountId": account["_id"], "metadata.postId": {"$exists": True}}
        return list(self.bench.store.db["metrics"].find(query))
