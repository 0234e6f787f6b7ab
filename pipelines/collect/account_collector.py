"""Collect one account in one slot: read it, write observations and a record, and announce them.

A failure of one account does not affect the others.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from metrics.collection.appending import Entry
from metrics.documents import AccountDocument, AccountState, Document, FailureReason, Observation
from metrics.errors import CredentialError, MongoUnavailable, NotFound, RedisUnavailable
from metrics.redis.events import Announcer, Event, account_status, observation_event
from metrics.store import Store
from pipelines.collect import observe
from pipelines.collect.budgets.calls import CallBudgets
from pipelines.collect.budgets.posts import PostBudget
from pipelines.collect.circuit_breaker import PlatformCircuitBreaker
from pipelines.collect.credentials import Credentials
from pipelines.collect.days import DayReader
from pipelines.collect.due_posts import choose_posts
from pipelines.collect.grouped.commands import GroupedCommands
from pipelines.collect.ladder import LAST_HOUR
from pipelines.collect.pauses import Pauses
from pipelines.collect.plausible import ALL_ZERO, is_all_zero, without_values
from pipelines.collect.posts.content import ContentRules
from pipelines.collect.posts.facts import store_posts
from pipelines.collect.reasons import error_place, reason_of
from pipelines.collect.records import LONGEST_MESSAGE, record
from pipelines.collect.redaction import redact
from pipelines.collect.report import INTERNAL_ERROR, NO_IMPOSSIBLE_VALUES, CollectReport, Failure, Part
from pipelines.platforms.base import PlatformApi
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import AccountUnreachable, NeedsReauth, PlatformError, RateLimited
from pipelines.platforms.memory import Memory

UNREACHABLE_AFTER = 2
"""An account is marked `unreachable` after the platform denied it in so many slots in a row; a person has to act."""

REQUESTED_HOURLY = 24
"""Slots for which an unreachable account is still requested hourly; after that, once a day. An outage that denies every
account is over within a day in most cases."""

NO_CONSENT = (
    "the platform's terms forbid to store what its API returns, unless the workspace has its consent: see "
    "`tidemark consents give`"
)
_LONGEST_REASON = 300
_LONGEST_PART = 200


class Erased(Exception):
    """The account was erased while it was collected: nothing may be written about it."""


@dataclass(frozen=True)
class AccountCollector:
    """Collects accounts of one platform in one slot; shared by the threads of a run.

    `old` means that the slot's grace is over: its levels can no longer be read. `every_post` means that every living
    post is read, not only those that are due. `consenting` are the workspaces in which the platform's numbers may be
    stored, None for all.
    """

    store: Store
    commands: GroupedCommands
    announcer: Announcer
    credentials: Credentials
    api: PlatformApi
    pauses: Pauses
    budget: PostBudget
    content: ContentRules
    calls: CallBudgets
    days: DayReader
    circuit: PlatformCircuitBreaker
    slot: datetime
    old: bool
    now: datetime
    run_id: str
    every_post: bool
    consenting: Collection[str] | None = None

    def collect(self, account: AccountDocument) -> CollectReport:
        """Collect one account and return a report of it.

        Only an error that concerns all accounts is raised. Every other error, foreseen or not, concerns this account
        alone: it is recorded and counted.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        if self.consenting is not None and account["workspaceId"] not in self.consenting:
            return self._without_consent(account)
        report = CollectReport(account["platform"], self.slot, expected=1, workspaces={account["workspaceId"]})
        tally = Tally(budget=self.calls.of(account))
        started = time.monotonic()
        try:
            self._collect(account, tally, report)
        except MongoUnavailable:
            raise
        except (Erased, NotFound):
            report.expected, report.workspaces = 0, set()
        except Exception as error:  # noqa: BLE001
            # The other accounts must be collected whatever this error is.
            self._fail_unforeseen(account, error, tally, report)
        if self._take_back(account):
            # The account was erased after it had been read: what was written since is deleted, and not reported.
            report = CollectReport(account["platform"], self.slot)
        report.calls, report.requests, report.retries = tally.calls, tally.requests, tally.retries
        report.waited_seconds = min(tally.waited_seconds, time.monotonic() - started)
        return report

    def _without_consent(self, account: AccountDocument) -> CollectReport:
        """Record that an account is not requested, because the terms of its platform forbid to store the answers."""
        report = CollectReport(account["platform"], self.slot, skipped=1)
        if self.store.accounts.exists(account["_id"]):
            self._write(account, "skipped", report, Tally(), reason="terms", message=NO_CONSENT)
        return report

    def _collect(self, account: AccountDocument, tally: Tally, report: CollectReport) -> None:
        kept = self.commands.memory_of(account["_id"])
        if account["state"] == "unreachable" and not self._asks_again(kept):
            report.expected, report.skipped = 0, 1
            return
        try:
            self.circuit.check()
            observations, memory = self._read(account, kept.get("reading", {}), tally, report)
        except (PlatformError, CredentialError) as error:
            self.circuit.note(error, requested=tally.requests > 0)
            self._check_it_exists(account)
            if isinstance(error, RateLimited):
                self.pauses.note(account, error)
            self._fail(account, error, tally, report)
            return
        self.circuit.note(None)
        if limit := tally.limited or tally.near_limit:
            self.pauses.note(account, limit)
        self._succeed(account, observations, tally, report)
        if not self.old and (memory.kept() != kept.get("reading") or "refusals" in kept):
            # Kept last, so that after a crash the next reading lists again whatever was not written.
            self.store.memories.keep(account, memory.kept(), kept.get("reading"))

    def _check_it_exists(self, account: AccountDocument) -> None:
        """Raise if the account was erased while it was read.

        Raises:
            Erased: the account is gone; nothing may be written about it.
        """
        if not self.commands.exists(account["_id"]):
            raise Erased

    def _take_back(self, account: AccountDocument) -> bool:
        """Delete what was written about the account if it was erased meanwhile; return whether it was.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        try:
            return self.commands.take_back(account)
        except RedisUnavailable:
            # Nothing was announced about it since, or only events from before: the erasure itself waits for Redis.
            return True

    def _asks_again(self, kept: Document) -> bool:
        """Tell whether an unreachable account is requested in this slot."""
        slots = kept.get("refusals", {}).get("slots", 0)
        return not self.old and (slots < REQUESTED_HOURLY or self.slot.hour == LAST_HOUR)

    def _read(
        self, account: AccountDocument, kept: Mapping[str, Any], tally: Tally, report: CollectReport
    ) -> tuple[list[Observation], Memory]:
        """Return the observations of an account, and the memory for its next reading; `kept` is the previous memory."""
        self.pauses.check(account)

        def observe_with(access: Access) -> tuple[list[Observation], Memory]:
            # A reading that broke off kept nothing: the second one starts from the same memory.
            memory = Memory.of(kept)
            return self._observe(account, access, memory, tally, report), memory

        def note_unrenewed(error: PlatformError) -> None:
            self._note_part(account, "token", f"could not be renewed: {error}", report)

        return self.credentials.with_access(account, self.now, tally, observe_with, note_unrenewed)

    def _observe(
        self, account: AccountDocument, access: Access, memory: Memory, tally: Tally, report: CollectReport
    ) -> list[Observation]:
        found: list[Observation] = []
        if self.old:
            report.not_recoverable.update(("snapshots of accounts", "snapshots of posts"))
        else:
            found += self._snapshot(account, access, memory, tally, report)
        requests_before = tally.requests
        found += self._past_days(account, access, tally, report)
        found += self._days_of_posts(account, access, tally, report)
        found += self._reported_days(account, access, memory, tally, report)
        if tally.requests > requests_before:
            # Reading the days took time, in which the account may have been erased.
            self._check_it_exists(account)
        return found

    def _past_days(
        self, account: AccountDocument, access: Access, tally: Tally, report: CollectReport
    ) -> list[Observation]:
        """Return observations of the provider's days; note what could not be read, as long as it can be read later."""
        try:
            days, reading = self.days.read(account, access, tally)
        except NeedsReauth:
            raise
        except PlatformError as error:
            if self.old:
                raise
            self._note_unread_days(account, "days", error, tally, report)
            return []
        self._note_failures(account, {f"days: {what}": why for what, why in reading.failures.items()}, tally, report)
        self._note_odd(account, reading.odd, report)
        return days

    def _days_of_posts(
        self, account: AccountDocument, access: Access, tally: Tally, report: CollectReport
    ) -> list[Observation]:
        """Return observations of what the platform tells of posts by day only; note what could not be read."""
        try:
            days, reading = self.days.read_posts(account, access, tally)
        except NeedsReauth:
            raise
        except PlatformError as error:
            self._note_unread_days(account, "days of posts", error, tally, report)
            return []
        failures = {f"days of posts: {what}": why for what, why in reading.failures.items()}
        self._note_failures(account, failures, tally, report)
        self._note_odd(account, reading.odd, report)
        return days

    def _note_unread_days(
        self, account: AccountDocument, what: str, error: PlatformError, tally: Tally, report: CollectReport
    ) -> None:
        """Note days that could not be read. The snapshot cannot be read again, so it is kept; the days can be."""
        self._note_part(account, what, str(error), report, reason_of(error))
        if isinstance(error, RateLimited):
            tally.note_limit(error)

    def _reported_days(
        self, account: AccountDocument, access: Access, memory: Memory, tally: Tally, report: CollectReport
    ) -> list[Observation]:
        """Return observations of the days in the platform's files; note what could not be read of them."""
        days, reading = self.days.read_reports(account, access, memory, tally)
        self._note_failures(account, {f"reports: {what}": why for what, why in reading.failures.items()}, tally, report)
        return days

    def _snapshot(
        self, account: AccountDocument, access: Access, memory: Memory, tally: Tally, report: CollectReport
    ) -> list[Observation]:
        choice = choose_posts(
            self.store,
            self.commands.ever_observed,
            account,
            self.slot,
            self.now,
            memory,
            self.budget,
            every_post=self.every_post,
        )
        if choice.held_back:
            held_back = f"{choice.held_back} held back: the budget of distinct posts is used until 00:00 UTC"
            self._note_part(account, "posts", held_back, report, "rate_limited")
        try:
            reading = self.api.read(access, choice.wanted, tally)
        finally:
            # Posts that were read by their ids were counted when they were answered.
            self.budget.settle(choice.reserved, ())
        self._check_it_exists(account)
        store_posts(self.store, account, reading, choice.stored, self.now, self.content)
        report.dropped_content += reading.dropped_content
        self.budget.note(post.platform_post_id for post, _ in reading.posts)
        if reading.handle is not None and reading.handle != account["handle"]:
            self.store.accounts.set_handle(account["_id"], reading.handle)
        if reading.held_back:
            held_back = f"{reading.held_back} held back: the account's budget of calls within 24 hours is used"
            self._note_part(account, "posts", held_back, report, "rate_limited")
        report.quarantined |= reading.quarantined
        self._note_failures(account, reading.failures, tally, report)
        self._note_odd(account, reading.odd, report)
        if is_all_zero(self.store, account, reading, self.slot):
            without_values(reading)
            self._note_part(account, "counts", ALL_ZERO, report)
        return list(observe.observations(account, reading, self.slot, self.run_id, self.api.api_version))

    def _note_failures(
        self, account: AccountDocument, failures: Mapping[str, str], tally: Tally, report: CollectReport
    ) -> None:
        """Note the parts that a reading lacks, by name with a message; a limit that was met explains all of them."""
        reason: FailureReason = "rate_limited" if tally.limited or tally.quota_used else "provider_error"
        for what, message in failures.items():
            self._note_part(account, what, message, report, reason)

    def _note_odd(self, account: AccountDocument, odd: Mapping[str, str], report: CollectReport) -> None:
        """Note each value that is not a number. The note carries the name of the check that reports it."""
        for what, value in odd.items():
            self._note_part(account, NO_IMPOSSIBLE_VALUES, f"{what}: {value}; it was left out", report)
        if odd:
            report.impossible[account["_id"]] = report.impossible.get(account["_id"], 0) + len(odd)

    def _note_part(
        self,
        account: AccountDocument,
        what: str,
        message: str,
        report: CollectReport,
        reason: FailureReason = "provider_error",
    ) -> None:
        """Record a part that could not be read of an account that was otherwise collected."""
        text = f"{what}: {message}"
        report.failures.append(
            Failure(account["workspaceId"], account["_id"], "partly collected", reason, redact(text, account))
        )
        report.parts.append(Part(what[:_LONGEST_PART], reason, message[:LONGEST_MESSAGE]))

    def _succeed(self, account: AccountDocument, found: list[Observation], tally: Tally, report: CollectReport) -> None:
        workspace_id = account["workspaceId"]
        self._write(account, "skipped" if self.old and not found else "collected", report, tally, found)
        report.ok = 1
        events = [observation_event(o) for o in found]
        if account["state"] == "unreachable" and self.store.accounts.change_state(
            account, "active", "the platform shows it again"
        ):
            events.append(account_status(workspace_id, account["_id"], "active", "reachable"))
        self._announce(workspace_id, events, report)

    def _fail(
        self, account: AccountDocument, error: PlatformError | CredentialError, tally: Tally, report: CollectReport
    ) -> None:
        reason = reason_of(error)
        message = str(error)[:LONGEST_MESSAGE]
        if account["state"] == "unreachable" and isinstance(error, AccountUnreachable):
            # The account waits for a person already, and is still denied.
            report.expected, report.skipped = 0, 1
            self.store.memories.refused(account, self.slot)
            self._write(account, "skipped", report, tally, reason=reason, message=message)
            return
        report.failed = 1
        text = redact(str(error), account)
        report.failures.append(Failure(account["workspaceId"], account["_id"], "failed", reason, text))
        self._write(account, "failed", report, tally, reason=reason, message=message)
        if isinstance(error, NeedsReauth | CredentialError):
            self._change_state_and_announce(account, "needs_reauth", message, reason, report)
        elif isinstance(error, AccountUnreachable) and not self.old:
            slots = self.store.memories.refused(account, self.slot)
            if slots >= UNREACHABLE_AFTER:
                self._change_state_and_announce(account, "unreachable", message, reason, report)

    def _change_state_and_announce(
        self, account: AccountDocument, state: AccountState, message: str, reason: FailureReason, report: CollectReport
    ) -> None:
        """Change the state of an account, unless it was changed or connected again while it was collected."""
        if self.store.accounts.change_state(account, state, message[:_LONGEST_REASON]):
            event = account_status(account["workspaceId"], account["_id"], state, reason)
            self._announce(account["workspaceId"], [event], report)

    def _fail_unforeseen(self, account: AccountDocument, error: Exception, tally: Tally, report: CollectReport) -> None:
        """Record an unforeseen error by its type and place only: its message may hold secrets or personal data."""
        place = error_place(error)
        report.ok, report.failed, report.unforeseen = 0, 1, {place}
        # The parts may hold the very value that could not be written before.
        report.parts = []
        report.failures.append(Failure(account["workspaceId"], account["_id"], "failed", INTERNAL_ERROR, place))
        self._write(account, "failed", report, tally, reason=INTERNAL_ERROR, message=place)

    def _write(
        self,
        account: AccountDocument,
        state: str,
        report: CollectReport,
        tally: Tally,
        found: Sequence[Observation] = (),
        **more: str,
    ) -> None:
        """Write the observations of an account and its record; `more` are the reason and the message of a failure."""
        rows = report.rows + len(found)
        told = record(account, self.slot, self.run_id, state, report, tally, rows, **more)
        self.commands.append(Entry(account["workspaceId"], found, told))
        report.rows = rows

    def _announce(self, workspace_id: str, events: Sequence[Event], report: CollectReport) -> None:
        """Announce events; if Redis does not answer, the data stays, and the report says that it was not announced."""
        try:
            self.announcer.announce(workspace_id, events)
        except RedisUnavailable:
            report.unannounced.add(workspace_id)
