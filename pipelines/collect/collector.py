"""A slot of a platform: its accounts, several workspaces at a time."""

import hashlib
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from metrics import redisdb
from metrics.accounts import Vault
from metrics.clock import utcnow
from metrics.documents import AccountDocument, Platform
from metrics.errors import InvalidInput, RedisUnavailable
from metrics.events import Announcer
from metrics.periods import HOUR
from metrics.settings import Settings
from metrics.store import Store
from pipelines.collect.account import AccountCollector
from pipelines.collect.budget import PostBudget
from pipelines.collect.credentials import Credentials
from pipelines.collect.pauses import Pauses
from pipelines.collect.report import CollectReport
from pipelines.platforms.quarantine import Quarantine, Refused
from pipelines.platforms.registry import open_platform


def shard_of(account_id: str, shards: int) -> int:
    """Return the stable shard of an account."""
    return int.from_bytes(hashlib.sha256(account_id.encode()).digest()[:8], "big") % shards


class Collector:
    """Collects; its clients are the caller's."""

    def __init__(self, store: Store, announcer: Announcer, vault: Vault, settings: Settings) -> None:
        self._store = store
        self._announcer = announcer
        self._vault = vault
        self._settings = settings

    def collect(
        self,
        platform: Platform,
        slot: datetime,
        *,
        run_id: str,
        workspace_ids: Collection[str] | None = None,
        account_ids: Collection[str] | None = None,
        now: datetime | None = None,
    ) -> CollectReport:
        """Collect the active accounts of a platform for a slot, or those named; return what came of it.

        A slot that ended longer ago than `collect_grace_minutes` gets only what the platform still answers for it.

        Raises:
            InvalidInput: the slot has not begun.
            MongoUnavailable: MongoDB does not answer.
            RedisUnavailable: everything was written, but not announced; collect again.
        """
        now = now or utcnow()
        if slot > now:
            raise InvalidInput(f"the slot {slot:%Y-%m-%d %H:%M} has not begun")
        accounts = self._accounts(platform, workspace_ids, account_ids)
        report = CollectReport(platform, slot)
        self._skip(platform, workspace_ids, account_ids, report)
        if not accounts:
            return report
        old = now - (slot + HOUR) > timedelta(minutes=self._settings.collect_grace_minutes)
        quarantine = Quarantine()
        # Twice as many threads as calls: while one half waits for its platform, the other writes.
        threads = 2 * self._settings.collect_concurrency
        with (
            redisdb.connect(self._settings) as redis,
            ThreadPoolExecutor(threads, thread_name_prefix=f"collect-{platform}") as pool,
        ):
            pauses = Pauses(redis, platform)
            api = open_platform(platform, self._settings, quarantine, pauses.check_platform)
            quarantine.know(Refused.of(one) for one in self._store.quarantine.of(platform, api.api_version))
            credentials = Credentials(self._store, self._vault, redis, api)
            budget = PostBudget(redis, platform, self._settings.posts_per_day(platform), now.date())
            one = AccountCollector(
                self._store, self._announcer, credentials, api, pauses, budget, slot, old, now, run_id
            )
            report.merge(pool.map(one.collect, accounts))
        self._store.quarantine.add(platform, api.api_version, [one.document() for one in quarantine.new])
        if report.unannounced:
            raise RedisUnavailable(
                f"{len(report.unannounced)} workspaces were collected but not announced: collect again"
            )
        return report

    def _accounts(
        self, platform: Platform, workspace_ids: Collection[str] | None, account_ids: Collection[str] | None
    ) -> list[AccountDocument]:
        found = self._store.accounts.find(platform=platform, states=["active"])
        return [a for a in found if _named(a, workspace_ids, account_ids)]

    def _skip(
        self,
        platform: Platform,
        workspace_ids: Collection[str] | None,
        account_ids: Collection[str] | None,
        report: CollectReport,
    ) -> None:
        """Count accounts that wait for a person: no call is made for them, and they are not hidden either."""
        waiting = self._store.accounts.find(platform=platform, states=["needs_reauth"])
        report.skipped += sum(_named(a, workspace_ids, account_ids) for a in waiting)


def _named(
    account: AccountDocument, workspace_ids: Collection[str] | None, account_ids: Collection[str] | None
) -> bool:
    return (workspace_ids is None or account["workspaceId"] in workspace_ids) and (
        account_ids is None or account["_id"] in account_ids
    )
