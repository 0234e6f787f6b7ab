"""The report on collecting one slot of one platform: counts and failures."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Literal

from metrics.documents import FailureReason, HistoryReason, Platform

INTERNAL_ERROR: Literal["internal_error"] = "internal_error"
"""The reason of an unforeseen failure: an error of Tidemark. Its type and place are recorded, but not its message."""

NO_IMPOSSIBLE_VALUES = "no_impossible_values"
"""The asset check for values that are no numbers; such problems in records have its name."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An account, or a part of one, that was not collected.

    `message` is the platform's, without secrets, names and its ids.
    """

    workspace_id: str
    account_id: str
    state: str
    reason: HistoryReason
    message: str

    def __str__(self) -> str:
        return f"account {self.account_id} {self.state} ({self.reason}): {self.message}"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an account that was not collected, with the platform's message, including its ids and names."""

    what: str
    reason: FailureReason
    message: str


@dataclass
class CollectReport:
    """Counts of accounts and rows; `failures` holds one row per account that failed, in whole or in part.

    `dropped_content` counts captions and URLs of posts that cannot be stored. `impossible` counts, by account,
    values that are no numbers and were left out. `unforeseen` has type and place of errors of Tidemark; their accounts
    failed with the reason `INTERNAL_ERROR`. `parts` are the parts of one account that were not collected, for its
    record: their messages hold names that must not reach Dagster.
    """

    platform: Platform
    slot: datetime
    expected: int = 0
    ok: int = 0
    failed: int = 0
    skipped: int = 0
    rows: int = 0
    calls: int = 0
    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    dropped_content: int = 0
    failures: list[Failure] = field(default_factory=list)
    workspaces: set[str] = field(default_factory=set)
    not_recoverable: set[str] = field(default_factory=set)
    quarantined: set[str] = field(default_factory=set)
    unannounced: set[str] = field(default_factory=set)
    parts: list[Part] = field(default_factory=list)
    impossible: dict[str, int] = field(default_factory=dict)
    unforeseen: set[str] = field(default_factory=set)

    @property
    def empty_handed(self) -> bool:
        """True if there were accounts to collect and all of them failed."""
        return self.failed > 0 and self.ok == 0

    def merge(self, others: Iterable["CollectReport"]) -> None:
        """Add the counts and failures of other reports."""
        for other in others:
            for name in (
                "expected",
                "ok",
                "failed",
                "skipped",
                "rows",
                "calls",
                "requests",
                "retries",
                "waited_seconds",
                "dropped_content",
            ):
                setattr(self, name, getattr(self, name) + getattr(other, name))
            for account_id, values in other.impossible.items():
                self.impossible[account_id] = self.impossible.get(account_id, 0) + values
            self.failures += other.failures
            for name in ("workspaces", "not_recoverable", "quarantined", "unannounced", "unforeseen"):
                getattr(self, name).update(getattr(other, name))

    def summary(self) -> str:
        """Return one line for a log."""
        text = (
            f"{self.platform}: {self.ok} of {self.expected} accounts, {self.rows} observations, {self.calls} calls in "
            f"{self.requests} requests, {self.retries} retries, {self.waited_seconds:.1f} s waited"
        )
        return (
            text
            + (f", {self.failed} failed" if self.failed else "")
            + (f", {self.skipped} skipped" if self.skipped else "")
            + (f", {self.dropped_content} captions or URLs dropped" if self.dropped_content else "")
        )


def merge_by_slot(parts: Iterable[Iterable[CollectReport]]) -> list[CollectReport]:
    """Merge the reports of several shards into one report per slot, the newest slot first."""
    by_slot: dict[datetime, CollectReport] = {}
    for report in chain.from_iterable(parts):
        by_slot.setdefault(report.slot, CollectReport(report.platform, report.slot)).merge([report])
    return [by_slot[slot] for slot in sorted(by_slot, reverse=True)]
