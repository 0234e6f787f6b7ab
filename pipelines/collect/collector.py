"""Collect all or some accounts of one platform in one slot, in parallel threads."""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis import Redis

from metrics.clock import utcnow
from metrics.documents import AccountDocument, AccountState, Platform
from metrics.errors import InvalidInput, RedisUnavailable
from metrics.periods import DAY, HOUR
from metrics.redis.events import Announcer
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault
from pipelines.collect.account_collector import AccountCollector
from pipelines.collect.circuit_breaker import PlatformCircuitBreaker
from pipelines.collect.days import DayReader, RequestedDays
from pipelines.collect.equipment import open_equipment
from pipelines.collect.posts.content import ContentRules, remove_unkept
from pipelines.collect.report import CollectReport
from pipelines.collect.shards import Shard, shards_of
from pipelines.platforms.base import Pooling

_THREADS_PER_CALL = 3


@dataclass(frozen=True, slots=True)
class _Named:
    """A selection of accounts; a field that is None does not limit it."""

    workspace_ids: Collection[str] | None
    account_ids: Collection[str] | None
    shard: Shard | None

    @property
    def everything(self) -> bool:
        return self.workspace_ids is None and self.account_ids is None and self.shard is None

    def holds(self, account_id: str) -> bool:
        """Tell whether an account of the selected workspaces is selected."""
        return (self.account_ids is None or account_id in self.account_ids) and (
            self.shard is None or self.shard.holds(account_id)
        )


class Collector:
    """Collects slots. The caller opens and closes the clients that it gets."""

    def __init__(self, store: Store, redis: Redis, announcer: Announcer, vault: Vault, settings: Settings) -> None:
        self._store = store
        self._redis = redis
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
        shard: Shard | None = None,
        now: datetime | None = None,
        requested: RequestedDays | None = None,
        every_post: bool = False,
        on_account: Callable[[], object] | None = None,
    ) -> CollectReport:
        """Collect the active accounts of a platform, or those selected, for a slot; return a report.

        With `shard`, collect only those of them that the shard holds. With `every_post`, read every
        living post, not only those that are due. `on_account` is called after each account, in the thread that
        collected it. `requested` has the provider's days that the run
        requested before. For a slot that ended longer ago than `collect_grace_minutes`, only the numbers are collected
        that the platform still answers for it.

        Raises:
            InvalidInput: the slot has not begun.
            MongoUnavailable: MongoDB does not answer.
            RedisUnavailable: everything was written, but not announced; collect again.
        """
        now = now or utcnow()
        if slot > now:
            raise InvalidInput(f"the slot {slot:%Y-%m-%d %H:%M} has not begun")
        named = _Named(workspace_ids, account_ids, shard)
        accounts = self._accounts(platform, named)
        report = CollectReport(platform, slot)
        # Accounts that wait for a person are not requested, but counted.
        report.skipped = len(self._ids(platform, "needs_reauth", named))
        report.unannounced = self._remove_content(platform, now)
        if accounts:
            self._longest_first(accounts, slot)
            self._collect_all(
                accounts,
                report,
                run_id,
                now,
                requested or RequestedDays(),
                on_account,
                whole=named.everything,
                every_post=every_post,
            )
        if report.unannounced:
            raise RedisUnavailable(
                f"{len(report.unannounced)} workspaces were collected but not announced: collect again"
            )
        return report

    def _remove_content(self, platform: Platform, now: datetime) -> set[str]:
        """Remove content of posts that may no longer be kept, and announce it.

        Return the workspaces for which this could not be announced; their cached answers have the content until they
        expire.
        """
        unannounced = set()
        for workspace_id in remove_unkept(self._store, ContentRules.of(self._settings, platform), platform, now):
            try:
                self._announcer.announce(workspace_id)
            except RedisUnavailable:
                unannounced.add(workspace_id)
        return unannounced

    def _collect_all(
        self,
        accounts: list[AccountDocument],
        report: CollectReport,
        run_id: str,
        now: datetime,
        requested: RequestedDays,
        on_account: Callable[[], object] | None,
        *,
        whole: bool,
        every_post: bool,
    ) -> None:
        """Collect accounts in parallel threads, in the given order, and add what became of them to the report.

        `whole` says that they are all accounts of the platform.
        """
        platform, slot = report.platform, report.slot
        old = now - (slot + HOUR) > timedelta(minutes=self._settings.collect_grace_minutes)
        # There are more threads than concurrent calls. Accounts that begin together also end together, and while they
        # write, others have to keep the platform busy. The HTTP client bounds the calls, and refuses those that are due
        # once a limit of the whole platform was noticed.
        threads = _THREADS_PER_CALL * self._settings.collect_concurrency
        with ExitStack() as stack:
            tools = stack.enter_context(
                open_equipment(self._store, self._redis, self._vault, self._settings, platform, now, whole=whole)
            )
            if isinstance(tools.api, Pooling):
                threads = max(threads, tools.api.threads)
                tools.api.expect(len(accounts), threads)
            pool = stack.enter_context(ThreadPoolExecutor(threads, thread_name_prefix=f"collect-{platform}"))
            collector = AccountCollector(
                self._store,
                tools.commands,
                self._announcer,
                tools.credentials,
                tools.api,
                tools.pauses,
                tools.budget,
                tools.content,
                tools.calls,
                DayReader(self._store, tools.api, slot, old, now, run_id, requested, tools.budget.bound),
                PlatformCircuitBreaker(),
                slot,
                old,
                now,
                run_id,
                every_post,
                self._store.consents.storing(platform),
            )

            def collect(account: AccountDocument) -> CollectReport:
                found = collector.collect(account)
                if on_account is not None:
                    on_account()
                return found

            report.merge(pool.map(collect, accounts))

    def shards(
        self,
        platform: Platform,
        of: int,
        *,
        workspace_ids: Collection[str] | None = None,
        account_ids: Collection[str] | None = None,
    ) -> list[Shard]:
        """Return those of `of` shards that have accounts of a platform to collect; at least one.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        named = _Named(workspace_ids, account_ids, None)
        states: tuple[AccountState, ...] = ("active", "needs_reauth", "unreachable")
        return shards_of((one for state in states for one in self._ids(platform, state, named)), of)

    def _longest_first(self, accounts: list[AccountDocument], slot: datetime) -> None:
        """Sort by the number of calls in the same hour a day ago, so that no long account runs alone at the end."""
        calls = self._store.collections.calls([account["_id"] for account in accounts], slot - DAY)
        accounts.sort(key=lambda account: calls.get(account["_id"], 0), reverse=True)

    def _accounts(self, platform: Platform, named: _Named) -> list[AccountDocument]:
        # Unreachable accounts may be back: `AccountCollector` decides in which slots they are requested again.
        states: tuple[AccountState, ...] = ("active", "unreachable")
        if named.everything:
            return self._store.accounts.find(platform=platform, states=states)
        return self._store.accounts.of_ids([one for state in states for one in self._ids(platform, state, named)])

    def _ids(self, platform: Platform, state: AccountState, named: _Named) -> list[str]:
        found = self._store.accounts.ids(platform, state, named.workspace_ids)
        return [one for one in found if named.holds(one)]
