"""The report on reading the watched accounts of one platform."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from metrics.documents import Platform
from pipelines.platforms.data.tally import Tally

_COUNTED = ("calls", "requests", "retries", "usd")


@dataclass
class WatchReport:
    """Counts of watched accounts; thread-safe.

    `due` accounts had to be read: `read` were, `refused` counts by state those that the platform does not show,
    `skipped` those that have to wait for the end of a limit, `failed` those with another error, and `ended` those that
    were removed meanwhile. `reads` are the readings, of which one may serve several workspaces. `partly` were read
    without some of their posts. `unforeseen` has type and place of errors of Tidemark. `usd` is what the platform
    bills, in US dollars.
    """

    platform: Platform
    due: int = 0
    read: int = 0
    reads: int = 0
    skipped: int = 0
    failed: int = 0
    ended: int = 0
    partly: int = 0
    posts: int = 0
    posts_held_back: int = 0
    rows: int = 0
    calls: int = 0
    requests: int = 0
    retries: int = 0
    usd: float = 0.0
    seconds: float = 0.0
    refused: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    unforeseen: set[str] = field(default_factory=set)
    workspaces: set[str] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, **counts: float) -> None:
        """Add to counts."""
        with self.lock:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)

    def note(self, kind: str, workspace_id: str, reason: str = "") -> None:
        """Count an account that was not read: `skipped` or `failed`, or the state in which it was refused."""
        with self.lock:
            self.workspaces.add(workspace_id)
            if kind in ("skipped", "failed"):
                setattr(self, kind, getattr(self, kind) + 1)
                self.reasons[reason] += 1
            else:
                self.refused[kind] += 1

    def add_tally(self, tally: Tally) -> None:
        """Add what calls cost."""
        self.add(**{name: getattr(tally, name) for name in _COUNTED})

    def counts(self) -> Mapping[str, int]:
        """Return the counts, by their names in a table."""
        names = ("due", "read", "reads", "skipped", "failed", "ended", "partly", "posts", "posts_held_back")
        return {
            **{name: getattr(self, name) for name in names},
            "refused": self.refused.total(),
            "observations": self.rows,
            "calls": self.calls,
            "requests": self.requests,
            "retries": self.retries,
        }

    def summary(self) -> str:
        """Return one line for a log, without names of accounts."""
        more = [
            f"{count} {text}"
            for count, text in (
                (self.skipped, "skipped for a limit"),
                (self.failed, "failed"),
                (self.posts_held_back, "posts held back for a budget"),
            )
            if count
        ]
        more += [f"{count} {state}" for state, count in sorted(self.refused.items())]
        more += [f"{self.usd:.3f} USD"] if self.usd else []
        text = (
            f"{self.platform}: {self.read} of {self.due} accounts in {self.reads} readings, {self.posts} posts, "
            f"{self.rows} observations, {self.calls} calls"
        )
        return ", ".join([text, *more])
