"""One account's turn in a run: posts first, then days, until all is read, a limit is met, or the run's time is over.

Data is stored before the cursor is: after a turn was killed, the next one reads at most one page, or one window of
days, again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from metrics.clock import utcnow
from metrics.documents import (
    AccountDocument,
    AccountState,
    Counted,
    FailureReason,
    History,
    HistoryReason,
    HistoryState,
    Problem,
)
from metrics.errors import CredentialError, MongoUnavailable, NotFound, RedisUnavailable
from metrics.periods import HOUR
from metrics.redis.events import Announcer
from metrics.settings import Settings
from metrics.store import Store
from pipelines.collect.account_collector import NO_CONSENT
from pipelines.collect.equipment import Equipment
from pipelines.collect.history.days import Days
from pipelines.collect.history.posts import Posts
from pipelines.collect.history.progress import Progress
from pipelines.collect.history.report import HistoryReport
from pipelines.collect.reasons import error_place, reason_of
from pipelines.collect.records import LONGEST_MESSAGE
from pipelines.collect.redaction import redact
from pipelines.collect.report import INTERNAL_ERROR, Failure
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import AccountUnreachable, NeedsReauth, PlatformError, RateLimited, Transient

MOST_USED_PERCENT = 60
"""Used share of a platform's call budget at which histories rest: hourly collection needs what is left."""

REST = timedelta(minutes=15)
"""How long a history rests then: X counts in windows of that length, Meta over rolling hours."""

MOST_TRIES = 5
"""Tries in a row without any progress after which a part is given up, until the history is requested again."""

_MOST_PROBLEMS = 20

Part = Literal["posts", "days"]


class Stopped(Exception):
    """The account is not active any more, but in `state`."""

    def __init__(self, state: AccountState) -> None:
        super().__init__(state)
        self.state = state


class Denied(Exception):
    """Nothing of the account may be stored: the workspace lacks the consent that the platform's terms demand."""


class Gone(Exception):
    """The account was erased, or its history was requested anew: nothing may be written of the present one."""


@dataclass
class Turn:
    """The turn of one account; `time_is_over` returns whether the run's time is over."""

    store: Store
    announcer: Announcer
    settings: Settings
    tools: Equipment
    progress: Progress
    report: HistoryReport
    account: AccountDocument
    history: History
    run_id: str
    time_is_over: Callable[[], bool]
    spent: Tally = field(default_factory=Tally)
    posts: int = 0
    days: int = 0
    rows: int = 0

    def take(self) -> None:
        """Read what can be read now, and store the state of the history in the account's memory.

        Raises:
            MongoUnavailable: MongoDB does not answer: the next turn reads again what was not stored.
        """
        for name in ("resumesAt", "reason", "message"):
            self.history.pop(name, None)  # type: ignore[misc]
        gone = False
        try:
            self._take()
        except (Gone, NotFound):
            gone = True
        finally:
            gone = self._take_back() or gone
            known = None if gone else self.history
            self.report.add(known, self.spent, posts=self.posts, days=self.days, rows=self.rows)
        self.progress.report(self.history["operationId"], at_once=True)

    def _take(self) -> None:
        """Read what can be read now.

        Raises:
            Gone, NotFound: nothing may be written of this history any more.
            MongoUnavailable: MongoDB does not answer.
        """
        try:
            self.check()
            self.keep("running")
            self.progress.begin(self.history["operationId"])
            self._read_parts()
        except Stopped as stop:
            if stop.state == "unreachable":
                self._look_again(stop.state, "the account is unreachable")
            else:
                ended: HistoryState = "failed" if stop.state == "needs_reauth" else "stopped"
                self._end(ended, stop.state, f"the account is {stop.state}")
        except Denied:
            # What was read is deleted, so that it has to be read again once there is a consent.
            posts: Counted = {"done": 0, "expected": 0}
            days: Counted = {"done": 0, "expected": 0}
            self.history.update(
                {"posts": posts, "days": days, "postsState": "reading", "asked": [], "partly": [], "lists": {}}
            )
            self._end("failed", "terms", NO_CONSENT)
        except (Gone, NotFound, MongoUnavailable):
            raise
        except Exception as error:  # noqa: BLE001
            # The other accounts must be read whatever this error is.
            self._end("failed", INTERNAL_ERROR, error_place(error))

    def _take_back(self) -> bool:
        """Delete what was written about the account if it was erased meanwhile; return whether it was."""
        try:
            return self.tools.commands.take_back(self.account)
        except RedisUnavailable:
            return True

    def check(self) -> None:
        """Check that the account is still active; called before each request, and before its answer is written.

        Raises:
            Stopped: the account has another state.
            Denied: nothing of the account may be stored.
            NotFound: the account was erased.
        """
        account = self.store.accounts.get(self.account["_id"])
        if not self.store.consents.may_store(account["workspaceId"], account["platform"]):
            raise Denied
        if account["state"] != "active":
            raise Stopped(account["state"])
        self.account = account

    def keep(self, state: HistoryState | None = None) -> None:
        """Store the history, with a new state if one is given.

        Raises:
            Gone: the history was requested anew, or its account was erased.
        """
        self.history["state"] = state or self.history["state"]
        self.history["workedAt"] = utcnow()
        if not self.store.memories.keep_history(self.account["_id"], self.history):
            raise Gone

    def note_progress(self, *, further: bool = True) -> None:
        """Store the history and report its progress; `further` is False if all that was read was known before."""
        if further:
            self.history["tries"] = 0
        self.keep()
        self.progress.report(self.history["operationId"])

    def budget_mostly_used(self, tally: Tally) -> bool:
        """Tell whether so much of the platform's call budget is used that hourly collection needs the rest."""
        return tally.used_percent >= MOST_USED_PERCENT

    def problem(self, what: str, reason: FailureReason, message: str) -> None:
        """Note a part that was not read."""
        short = message[:LONGEST_MESSAGE]
        found: Problem = {"what": what, "reason": reason, "message": short}
        others = [problem for problem in self.history["problems"] if problem["what"] != what]
        self.history["problems"] = [*others, found][-_MOST_PROBLEMS:]
        text = redact(f"{what}: {short}", self.account)
        self.report.fail(Failure(self.account["workspaceId"], self.account["_id"], "partly read", reason, text))

    def _read_parts(self) -> None:
        posts, days = Posts(self), Days(self)
        # The days are counted first, so that the operation shows their number from the beginning.
        days.look_up()
        parts: dict[Part, Posts | Days] = {"posts": posts, "days": days}
        for name, part in parts.items():
            while part.open:
                if self.time_is_over():
                    self.keep("waiting")
                    return
                if not self._step(name, part):
                    return
        self._finish()

    def _step(self, name: Part, part: "Posts | Days") -> bool:
        """Read one step of a part; return whether the turn goes on."""
        tally = Tally(budget=self.tools.calls.of(self.account))
        try:
            self.check()
            self.tools.pauses.check(self.account)

            def read(access: Access) -> None:
                part.read(access, tally)

            self.tools.credentials.with_access(self.account, utcnow(), tally, read, lambda _: None)
        except (MongoUnavailable, Stopped, Denied, Gone, NotFound):
            raise
        except RateLimited as limit:
            return self._limited(name, part, limit, tally)
        except (NeedsReauth, CredentialError) as error:
            self._end("failed", reason_of(error), str(error))
            return False
        except AccountUnreachable as error:
            return self._look_again(reason_of(error), str(error))
        except Transient as error:
            return self._again(name, part, error)
        except Exception as error:  # noqa: BLE001
            # A retry would not help, or this is an error of Tidemark: go on with the other parts.
            self._give_up(name, part, error)
        finally:
            self._count(tally)
        return self._go_on_within_limits(name, part, tally)

    def _go_on_within_limits(self, name: Part, part: "Posts | Days", tally: Tally) -> bool:
        """Return whether the turn goes on after a step; if a limit was met or is near, wait for its end instead."""
        if met := tally.limited or tally.near_limit:
            return self._limited(name, part, met, tally)
        if self.budget_mostly_used(tally):
            used = f"{tally.used_percent:.0f} % of the platform's budget is used: the rest is left to hourly collection"
            return self._wait(utcnow() + REST, "rate_limited", used)
        return True

    def _limited(self, name: Part, part: "Posts | Days", limit: RateLimited, tally: Tally) -> bool:
        self.tools.pauses.note(self.account, limit)
        if tally.calls:
            # Without any call, others have used up the limit: that does not count as a try of this account.
            self.history["tries"] += 1
        if self.history["tries"] > MOST_TRIES:
            self._give_up(name, part, limit, everything=True)
            return True
        return self._wait(limit.until, "rate_limited", str(limit))

    def _again(self, name: Part, part: "Posts | Days", error: PlatformError) -> bool:
        self.history["tries"] += 1
        if self.history["tries"] > MOST_TRIES:
            self._give_up(name, part, error, everything=True)
            return True
        return self._wait(utcnow() + timedelta(minutes=2 ** self.history["tries"]), reason_of(error), str(error))

    def _look_again(self, reason: HistoryReason, message: str) -> bool:
        """Wait for an account that the platform denies: it may be back when hourly collection requests it again."""
        self.history["tries"] += 1
        if self.history["tries"] > MOST_TRIES:
            self._end("failed", reason, message)
            return False
        return self._wait(utcnow() + HOUR, reason, message)

    def _wait(self, until: datetime, reason: HistoryReason, message: str) -> bool:
        self.history["resumesAt"], self.history["reason"] = until, reason
        self.history["message"] = message[:LONGEST_MESSAGE]
        self.keep("waiting")
        return False

    def _give_up(self, name: Part, part: "Posts | Days", error: Exception, *, everything: bool = False) -> None:
        """Skip what could not be read, or `everything` that is left of the part, and go on."""
        reason = reason_of(error)
        self.problem(name, reason, error_place(error) if reason == INTERNAL_ERROR else str(error))
        part.give_up(everything=everything)
        self.note_progress()

    def _finish(self) -> None:
        problems = self.history["problems"]
        if not problems:
            self._end("done")
        else:
            self._end("partial", problems[0]["reason"], f"{problems[0]['what']}: {problems[0]['message']}")

    def _end(self, state: HistoryState, reason: HistoryReason | None = None, message: str | None = None) -> None:
        self.history["finishedAt"] = utcnow()
        if reason is not None and message is not None:
            self.history["reason"], self.history["message"] = reason, message[:LONGEST_MESSAGE]
        if state == "failed" and reason is not None:
            text = redact(message or "", self.account)
            self.report.fail(Failure(self.account["workspaceId"], self.account["_id"], state, reason, text))
        self.keep(state)

    def _count(self, tally: Tally) -> None:
        self.history["calls"] += tally.calls
        for name in ("calls", "requests", "retries"):
            setattr(self.spent, name, getattr(self.spent, name) + getattr(tally, name))
