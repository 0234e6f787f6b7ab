"""The report of a run over histories."""

from dataclasses import dataclass, field
from threading import Lock

from metrics.documents import History
from pipelines.collect.report import Failure
from pipelines.platforms.data.tally import Tally


@dataclass
class HistoryReport:
    """Counts over the accounts of a run; threads add to it under its lock.

    `ended` counts accounts by the final state of their history, `waiting` those that a later run continues.
    `failures` are the parts that were not read, without the platform's ids and names.
    """

    accounts: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    waiting: int = 0
    posts: int = 0
    days: int = 0
    rows: int = 0
    calls: int = 0
    requests: int = 0
    retries: int = 0
    failures: list[Failure] = field(default_factory=list)
    unannounced: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, history: History | None, tally: Tally, *, posts: int, days: int, rows: int) -> None:
        """Count one account; `history` is its present history, None if the account is gone."""
        with self._lock:
            self.accounts += 1
            if history is not None and history["state"] in ("waiting", "running"):
                self.waiting += 1
            elif history is not None:
                self.ended[history["state"]] = self.ended.get(history["state"], 0) + 1
            self.posts += posts
            self.days += days
            self.rows += rows
            self.calls += tally.calls
            self.requests += tally.requests
            self.retries += tally.retries

    def fail(self, failure: Failure) -> None:
        """Add a part of an account that was not read."""
        with self._lock:
            self.failures.append(failure)

    def summary(self) -> str:
        """Return one line for a log."""
        ended = "".join(f", {count} {state}" for state, count in sorted(self.ended.items()))
        return (
            f"{self.accounts} accounts{ended}, {self.waiting} to be continued: {self.posts} posts, {self.days} days, "
            f"{self.rows} observations, {self.calls} calls in {self.requests} requests, {self.retries} retries"
        )
