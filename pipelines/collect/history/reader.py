"""A run over histories: accounts take turns, a few at a time, until none is left or the time is over."""

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
from pipelines.collect.equipment import Equipment, equipped
from pipelines.collect.history.progress import Progress
from pipelines.collect.history.report import HistoryReport
from pipelines.collect.history.turn import Turn

ACCOUNTS_AT_ONCE = 4
CALLS_AT_ONCE = 2
"""Of a platform: the hours, which run beside, have most of what it takes."""

SECONDS = 240.0
"""After that long a run ends, so that accounts that were asked for since get their turn with the next one."""

LAST_STEP_SECONDS = 180.0
"""The step that a run is at when its time is over may take that much longer.

A run that takes more hangs, or its process is gone: Dagster ends it, and the next one goes on. So a code server that
died holds histories up for some minutes at the most.
"""


class HistoryReader:
    """Reads histories; its clients are the caller's."""

    def __init__(self, store: Store, redis: Redis, announcer: Announcer, vault: Vault, settings: Settings) -> None:
        self._store = store
        self._redis = redis
        self._announcer = announcer
        self._vault = vault
        self._settings = settings

    def read(
        self, *, run_id: str, seconds: float = SECONDS, say: Callable[[str], object] = lambda _: None
    ) -> HistoryReport:
        """Read what was asked for and not read yet; return what came of it. `say` gets a line now and then.

        Each account has one turn in a run, those that waited longest the first.

        Raises:
            MongoUnavailable: MongoDB does not answer: what is unfinished is read by the next run.
            RedisUnavailable: everything was written, but not announced.
        """
        report = HistoryReport()
        progress = Progress(self._store, self._announcer, run_id, say)
        deadline = time.monotonic() + seconds

        def over() -> bool:
            return time.monotonic() >= deadline

        with ExitStack() as stack, ThreadPoolExecutor(ACCOUNTS_AT_ONCE, thread_name_prefix="history") as pool:
            shop = _Shop(self._store, self._redis, self._vault, self._settings, stack)
            waiting = _Waiting(self._store)

            def work() -> None:
                while not over() and (one := waiting.next()) is not None:
                    account, history = one
                    tools = shop.tools(account["platform"])
                    Turn(
                        self._store, self._announcer, self._settings, tools, progress, report, account, history,
                        run_id, over,
                    ).take()  # fmt: skip

            for done in [pool.submit(work) for _ in range(ACCOUNTS_AT_ONCE)]:
                done.result()
        self._announce(progress)
        return report

    def _announce(self, progress: Progress) -> None:
        """Announce once more where that failed: what was written is then read again by who had it cached."""
        for workspace_id in sorted(progress.unannounced):
            try:
                self._announcer.announce(workspace_id)
            except RedisUnavailable:
                raise RedisUnavailable(
                    f"{len(progress.unannounced)} workspaces were written to but not announced"
                ) from None


class _Shop:
    """The tools of each platform, opened when the first account of it has its turn."""

    def __init__(self, store: Store, redis: Redis, vault: Vault, settings: Settings, stack: ExitStack) -> None:
        self._store, self._redis, self._vault, self._stack = store, redis, vault, stack
        fewer = min(CALLS_AT_ONCE, settings.collect_concurrency)
        self._settings = settings.model_copy(update={"collect_concurrency": fewer})
        self._tools: dict[Platform, Equipment] = {}
        self._lock = Lock()

    def tools(self, platform: Platform) -> Equipment:
        """Return the tools of a platform."""
        with self._lock:
            if platform not in self._tools:
                opened = equipped(self._store, self._redis, self._vault, self._settings, platform, utcnow())
                self._tools[platform] = self._stack.enter_context(opened)
            return self._tools[platform]


class _Waiting:
    """The accounts whose history is to be read, each handed out once; those asked for meanwhile come at the end."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._seen: set[str] = set()
        self._rest: Iterator[str] = iter(())

    def next(self) -> tuple[AccountDocument, History] | None:
        """Return the next account with its history, None where there is none."""
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
                    # It was erased while its history was asked for: left there, this would ask for runs for ever.
                    self._store.memories.forget(account_id)
                    continue
                if history is not None:
                    return account, history
