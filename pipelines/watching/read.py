"""Read the watched accounts of a platform that are due, of all workspaces or of one.

Where the platform allows it, accounts that several workspaces watch are read once (`PublicNumbers.shared`). Where a
connected account lends its token, each workspace is read with its own. An account that fails never takes its neighbours
with it, and one that has to wait for a limit is among the first of the next run.
"""

import os
import sys
import threading
import time
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from redis import Redis

from metrics.batches import batched
from metrics.clock import utcnow
from metrics.documents import Platform, WatchedDocument
from metrics.periods import HOUR, midnight, slot_of
from metrics.platforms.registry import FACTS
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault
from metrics.watching.own import watch_own
from pipelines.collect.pauses import Pauses
from pipelines.platforms.errors import BudgetUsed, CallsUsed, PlatformError, RateLimited
from pipelines.platforms.public.base import Refusal, Skipped
from pipelines.platforms.public.registry import open_public_reader
from pipelines.watching.budgets import WatchedPosts, WatchedQuotas
from pipelines.watching.keep import Keeper
from pipelines.watching.lenders import Lender, Lenders
from pipelines.watching.look import Look, Missed
from pipelines.watching.report import WatchReport
from pipelines.watching.route import Route, Unread

CHUNK = 50
"""Accounts that are read and then stored together: as many as most calls that are about several accounts take."""
LENT_CHUNK = 10
_THREADS = 4
_NICE = 10


def slot_at(now: datetime) -> datetime:
    """Return the slot of a reading: the hour that ended last, or in the first hour of a UTC day the present one."""
    slot = slot_of(now)
    return slot - HOUR if slot.hour else slot


@dataclass(frozen=True)
class WatchedReader:
    """Reads watched accounts. The caller opens and closes the clients that it gets."""

    store: Store
    redis: Redis
    vault: Vault
    settings: Settings

    def read(
        self,
        platform: Platform,
        *,
        run_id: str,
        now: datetime | None = None,
        workspace_ids: Collection[str] | None = None,
    ) -> WatchReport:
        """Read the accounts of a platform that were not looked at on the present UTC day, and return a report.

        Raises:
            KeyError: the platform has no route to accounts of others.
            MongoUnavailable: MongoDB does not answer; read again, which goes on with the accounts that are left.
        """
        now = now or utcnow()
        started = time.monotonic()
        ended = watch_own(self.store, platform, now)
        due = [
            one
            for one in self.store.watch_lists.to_look_at(platform, midnight(now.date()))
            if one["_id"] not in ended and (workspace_ids is None or one["workspaceId"] in workspace_ids)
        ]
        report = WatchReport(platform, due=len(due))
        if due:
            self._read(platform, due, report, run_id, now)
        report.seconds = time.monotonic() - started
        return report

    def _read(
        self, platform: Platform, due: Sequence[WatchedDocument], report: WatchReport, run_id: str, now: datetime
    ) -> None:
        own, pauses = Pauses(self.redis, platform), Pauses(self.redis, platform, public=True)
        quotas = WatchedQuotas(self.redis, self.settings, platform)
        reader = open_public_reader(platform, self.settings, pauses.check_platform, quotas)
        facts = FACTS[platform].public_numbers
        look = Look(
            self.store,
            Route(reader, own, pauses, report),
            Keeper(self.store, slot_at(now), now, run_id, reader.api_version, report),
            WatchedPosts.of(self.redis, self.settings, platform, now.date()),
            shared=facts is not None and facts.shared,
        )
        with ThreadPoolExecutor(_THREADS, f"watch-{platform}", initializer=_step_back) as pool:
            if facts is not None and facts.lends:
                lenders = Lenders(self.store, self.redis, self.vault, self.settings, platform, own, pauses)
                work, parts = _Lent(look, lenders).read, _by_workspace(due)
            else:
                work, parts = _Open(look).read, list(_known(look, due))
            list(pool.map(work, parts))


def _step_back() -> None:
    """Let other processes of the machine come first: the collection of own accounts must not wait for these readings.

    Linux has a priority for each thread; elsewhere, nothing happens.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def _by_workspace(due: Iterable[WatchedDocument]) -> list[list[WatchedDocument]]:
    found: dict[str, list[WatchedDocument]] = {}
    for one in due:
        found.setdefault(one["workspaceId"], []).append(one)
    return list(found.values())


def _known(look: Look, due: Sequence[WatchedDocument]) -> Iterable[list[WatchedDocument]]:
    """Look up the accounts of which the platform's id is not known; return all in parts, one account not in two."""
    place = {one["_id"]: number for number, one in enumerate(due)}
    found = [one for one in due if "platformAccountId" in one]
    unknown: dict[str, list[WatchedDocument]] = {}
    for one in due:
        if "platformAccountId" not in one:
            unknown.setdefault(one["key"], []).append(one)
    for some in batched(list(unknown.values()), CHUNK):
        known, missed = look.resolve([one for same in some for one in same], None)
        look.settle(missed)
        found += known
    groups: dict[str, list[WatchedDocument]] = {}
    # The order of `due` is that of waiting.
    for one in sorted(found, key=lambda one: place[one["_id"]]):
        groups.setdefault(one["platformAccountId"], []).append(one)
    for group in batched(list(groups.values()), CHUNK):
        yield [one for same in group for one in same]


@dataclass(frozen=True, slots=True)
class _Open:
    """Reads accounts with what the platform grants the app, or everybody."""

    look: Look

    def read(self, accounts: list[WatchedDocument]) -> None:
        """Read accounts, unless the budget of posts is used.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        if self.look.budget is not None and self.look.budget.used:
            self.look.settle([(one, Skipped(BudgetUsed())) for one in accounts])
        else:
            self.look.settle(self.look.read(accounts, None))


@dataclass(frozen=True, slots=True)
class _Lent:
    """Reads the accounts of a workspace through its connected accounts, one after the other until all are read."""

    look: Look
    lenders: Lenders

    def read(self, accounts: list[WatchedDocument]) -> None:
        """Read accounts of one workspace.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        left: list[Missed] = [(one, Skipped(CallsUsed())) for one in accounts]
        lender: Lender | PlatformError | None = None
        for lender in self.lenders.of(accounts[0]["workspaceId"]):
            if isinstance(lender, PlatformError):
                left = [(one, Skipped(lender)) for one, _ in left]
            elif not (left := self._through(lender, [one for one, _ in left])):
                return
        # Without any lender, the reader says what is missing.
        self.look.settle(left if lender is not None else self._ask([one for one, _ in left], None))

    def _through(self, lender: Lender, accounts: list[WatchedDocument]) -> list[Missed]:
        """Read accounts through a lender; return those that another one may still be able to read, and why."""
        while some := _affordable(accounts, lender.calls.left()):
            accounts = accounts[len(some) :]
            missed = self._ask(some, lender)
            waiting = [(one, why) for one, why in missed if _is_for_another(why)]
            self.look.settle([(one, why) for one, why in missed if not _is_for_another(why)])
            if waiting:
                return [*waiting, *((one, waiting[0][1]) for one in accounts)]
        return [(one, Skipped(CallsUsed())) for one in accounts]

    def _ask(self, accounts: Sequence[WatchedDocument], lender: Lender | None) -> list[Missed]:
        known, missed = self.look.resolve([one for one in accounts if "platformAccountId" not in one], lender)
        known = [*(one for one in accounts if "platformAccountId" in one), *known]
        return [*missed, *self.look.read(known, lender)]


def _affordable(accounts: Sequence[WatchedDocument], calls: int) -> list[WatchedDocument]:
    """Return the first accounts for which calls suffice: one for its numbers, and one to look it up if it is new."""
    some: list[WatchedDocument] = []
    for one in accounts[:LENT_CHUNK]:
        calls -= 1 if "platformAccountId" in one else 2
        if calls < 0:
            break
        some.append(one)
    return some


def _is_for_another(why: Unread) -> bool:
    """Tell whether another account of the workspace may read what one could not: for a limit, or a permission."""
    if isinstance(why, Refusal):
        return why.state == "off"
    return isinstance(why, Skipped) and isinstance(why.error, RateLimited)
