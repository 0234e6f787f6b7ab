"""Store what became of a watched account: its posts, observations and record, its state, and its memory at last."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from metrics.collection.appending import Entry, append_and_mark
from metrics.documents import AccountDocument, Observation, WatchedDocument
from metrics.store import Store
from metrics.upkeep.erase import take_back
from metrics.visible import visible
from metrics.watching.looks import note_refused, note_resolved, note_skipped
from pipelines.collect import observe
from pipelines.collect.plausible import ALL_ZERO, is_all_zero, without_values
from pipelines.collect.posts.content import ContentRules
from pipelines.collect.posts.facts import store_posts
from pipelines.collect.reasons import reason_of
from pipelines.collect.records import LONGEST_MESSAGE, record
from pipelines.collect.report import NO_IMPOSSIBLE_VALUES, CollectReport, Part
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import PlatformError, RateLimited
from pipelines.platforms.memory import Memory
from pipelines.platforms.public.base import PublicSnapshot, Refusal
from pipelines.watching.members import Member
from pipelines.watching.report import WatchReport

_NO_CONTENT = ContentRules(stored=False)
"""Captions, links and pictures of others are not stored at all, so that none can outlive a deleted post."""
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Keeper:
    """Stores the results of a run for one slot of a platform; shared by its threads.

    Each method raises `MongoUnavailable` if MongoDB does not answer. What was written of an account that was removed
    meanwhile is deleted again.
    """

    store: Store
    slot: datetime
    now: datetime
    run_id: str
    api_version: str
    report: WatchReport

    def read(self, member: Member, found: PublicSnapshot, memory: Memory, held_back: int, *, shared: bool) -> None:
        """Store a reading of an account."""
        watched, public = member.watched, self.store.public
        if watched["_id"] not in self.store.watch_lists.still_read([watched["_id"]]):
            self.report.add(ended=1)
            return
        reading = member.part_of(found.reading) if shared else found.reading
        account = cast("AccountDocument", watched)
        parts = _parts(reading, held_back)
        if is_all_zero(public, account, reading, self.slot):
            without_values(reading)
            parts.append(Part("counts", "provider_error", ALL_ZERO))
        store_posts(public, account, reading, member.stored, self.now, _NO_CONTENT, seen=True)
        observations = [
            replace(one, source="public")
            for one in observe.observations(account, reading, self.slot, self.run_id, self.api_version)
        ]
        self._append(watched, "collected", observations, parts)
        note_resolved(self.store, watched, found.platform_account_id, found.handle, self.now)
        if memory.kept() != member.kept.get("reading"):
            # Kept last, so that after a crash the next reading lists again whatever was not written.
            self.store.memories.keep(account, memory.kept(), member.kept.get("reading"))
        if take_back(public, [watched["_id"]]):
            self.report.add(ended=1)
            return
        self.report.add(read=1, posts=len(reading.posts), rows=len(observations), partly=int(bool(parts)))
        with self.report.lock:
            self.report.workspaces.add(watched["workspaceId"])

    def refused(self, watched: WatchedDocument, refusal: Refusal) -> None:
        """Note that the platform does not show an account."""
        reason = refusal.reason[:_LONGEST_REASON]
        self._append(watched, "skipped", (), (), reason="permission_missing", message=reason)
        note_refused(self.store, watched, refusal.state, reason, self.now)
        self._done(watched, refusal.state)

    def same(self, watched: WatchedDocument) -> None:
        """Count an account that the workspace watches under another name, too, which its state says already."""
        message = "the same account is watched under another name"
        self._append(watched, "skipped", (), (), reason="permission_missing", message=message)
        self._done(watched, "off")

    def skipped(self, watched: WatchedDocument, error: PlatformError) -> None:
        """Note that an account could not be read this time. It still counts as one that was not looked at."""
        limited, reason = isinstance(error, RateLimited), reason_of(error)
        message = visible(str(error))[:LONGEST_MESSAGE]
        self._append(watched, "skipped" if limited else "failed", (), (), reason=reason, message=message)
        note_skipped(
            self.store, watched, f"It was not read at {self.now:%Y-%m-%d %H:%M} UTC: {message}"[:_LONGEST_REASON]
        )
        self._done(watched, "skipped" if limited else "failed", reason)

    def broken(self, watched: WatchedDocument, place: str) -> None:
        """Note an unforeseen error by its type and place only: its message may hold personal data."""
        self._append(watched, "failed", (), (), reason="internal_error", message=place)
        note_skipped(self.store, watched, f"It was not read at {self.now:%Y-%m-%d %H:%M} UTC: an error of Tidemark.")
        with self.report.lock:
            self.report.unforeseen.add(place)
        self._done(watched, "failed", "internal_error")

    def _done(self, watched: WatchedDocument, kind: str, reason: str = "") -> None:
        if take_back(self.store.public, [watched["_id"]]):
            self.report.add(ended=1)
        else:
            self.report.note(kind, watched["workspaceId"], reason)

    def _append(
        self,
        watched: WatchedDocument,
        state: str,
        observations: Sequence[Observation],
        parts: Sequence[Part],
        **more: str,
    ) -> None:
        """Append observations and the record of an account.

        The record has no calls: those of a shared reading would tell of the workspaces that share it.
        """
        told = CollectReport(watched["platform"], self.slot, parts=list(parts))
        account = cast("AccountDocument", watched)
        written = record(account, self.slot, self.run_id, state, told, Tally(), len(observations), **more)
        append_and_mark(self.store.public, [Entry(watched["workspaceId"], observations, written)])


def _parts(reading: AccountReading, held_back: int) -> list[Part]:
    """Return the parts of an account that could not be read."""
    found = [Part(what[:200], "provider_error", why[:LONGEST_MESSAGE]) for what, why in reading.failures.items()]
    found += [
        Part(NO_IMPOSSIBLE_VALUES, "provider_error", f"{what}: {value}; it was left out"[:LONGEST_MESSAGE])
        for what, value in reading.odd.items()
    ]
    if held_back:
        found.append(Part("posts", "rate_limited", "some are held back: the budget of posts is used until 00:00 UTC"))
    return found
