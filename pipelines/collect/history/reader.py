"""Read the histories of accounts in one run: one turn per account, a few at a time, until the run's time is over."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Lock

from redis import Redis

from metrics.clock import utcnow
from metrics.documents import AccountDocument, History, Platform
from metrics.errors import NotFound, RedisUnavailable
from metrics.redis.events import Announcer
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault
from pipelines.collect.equipment import Equipment, open_equipment
from pipelines.collect.history.progress import Progress
from pipelines.collect.history.report import HistoryReport
from pipelines.collect.history.turn import Turn

ACCOUNTS_AT_ONCE = 4
CALLS_AT_ONCE = 2
"""Concurrent calls per platform. They are few, because hourly collection runs at the same time and goes first."""

SECONDS = 240.0
"""Time after which a run ends, so that the next run can start with accounts that were requested since."""

LAST_STEP_SECONDS = 180.0
"""Extra time for the step that is being executed when the run's time is over.

If a run takes longer, it hangs or its process is gone: Dagster ends it, and the next run continues. So a code server
that died delays histories by some minutes at most.
"""


class HistoryReader:
    """Reads histories. The caller opens and closes the clients that it gets."""

    def __init__(self, store: Store, redis: Redis, announcer: Announcer, vault: Vault, settings: Settings) -> None:
        self._store = store
        self._redis = redis
        self._announcer = announcer
        self._vault = vault
        self._settings = settings

    def read(
        self, *, run_id: str, seconds: float = SECONDS, say: Callable[[str], object] = lambda _: None
    ) -> HistoryReport:
        """Read requested histories that are not finished; return a report. `say` gets lines on the progress.

        Each account has one turn in a run; the accounts that have waited longest come first.

        Raises:
            MongoUnavailable: MongoDB does not answer: the next run reads what is unfinished.
            RedisUnavailable: everything was written, but not announced.
        """
        report = HistoryReport()
        progress = Progress(self._store, self._announcer, run_id, say)
        deadline = time.monotonic() + seconds

        def time_is_over() -> bool:
            return time.monotonic() >= deadline

        with ExitStack() as stack, ThreadPoolExecutor(ACCOUNTS_AT_ONCE, thread_name_prefix="history") as pool:
            shop = _Shop(self._store, self._redis, self._vault, self._settings, stack)
            waiting = _Waiting(self._store)

            def work() -> None:
                while not time_is_over() and (one := waiting.next()) is not None:
                    account, history = one
                    tools = shop.tools(account["platform"])
                    Turn(
                        self._store, self._announcer, self._settings, tools, progress, report, account, history,
                        run_id, time_is_over,
                    ).take()  # fmt: skip

            for done in [pool.submit(work) for _ in range(ACCOUNTS_AT_ONCE)]:
                done.result()
        self._announce(progress)
        return report

    def _announce(self, progress: Progress) -> None:
        """Announce again the changes whose announcement failed, so that clients reload what they have cached."""
        for workspace_id in sorted(progress.unannounced):
            try:
                self._announcer.announce(workspace_id)
            except RedisUnavailable:
                raise RedisUnavailable(
                    f"{len(progress.unannounced)} workspaces were written to but not announced"
                ) from None


class _Shop:
    """The equipment of each platform, opened at the turn of its first account."""

    def __init__(self, store: Store, redis: Redis, vault: Vault, settings: Settings, stack: ExitStack) -> None:
        self._store, self._redis, self._vault, self._stack = store, redis, vault, stack
        fewer = min(CALLS_AT_ONCE, settings.collect_concurrency)
        self._settings = settings.model_copy(update={"collect_concurrency": fewer})
        self._tools: dict[Platform, Equipment] = {}
        self._lock = Lock()

    def tools(self, platform: Platform) -> Equipment:
        """Return the equipment of a platform."""
        with self._lock:
            if platform not in self._tools:
                opened = open_equipment(self._store, self._redis, self._vault, self._settings, platform, utcnow())
                self._tools[platform] = self._stack.enter_context(opened)
            return self._tools[platform]


class _Waiting:
    """A queue of the accounts whose history is to be read. Each is returned once; new requests come at the end."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._seen: set[str] = set()
        self._rest: Iterator[str] = iter(())

    def next(self) -> tuple[AccountDocument, History] | None:
        """Return the next account with its history, or None if there is none."""
        with self._lock:
            while True:
                account_id = next(self._rest, None)
                if account_id is None:
                    fresh = [one for one, _ in self._store.memories.unfinished_histories(utcnow())]
                    self._rest = iter([one for one in fresh if one not in self._seen])
                    account_id = next(self._rest, None)
                if account_id is None:
                    return None
                self._seen.add(account_id)
                history = self._store.memories.history(account_id)
                try:
                    account = self._store.accounts.get(account_id)
                except NotFound:
                    # The account was erased while its history was requested. If its memory stayed, the sensor would
                    # request runs for it for ever.
                    self._store.memories.forget(account_id)
                    continue
                if history is not None:
                    return account, history
