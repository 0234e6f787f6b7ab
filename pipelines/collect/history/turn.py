"""One account's turn in a run: posts first, then days, until all is read, a limit is met, or the run is over.

What is read is stored before the place where it goes on is kept: a turn that is killed is followed by one that reads
a page or a window of days again at the most.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from metrics.clock import utcnow
from metrics.documents import AccountDocument, History, HistoryState, Problem
from metrics.errors import CredentialError, MongoUnavailable, NotFound, RedisUnavailable
from metrics.periods import HOUR
from metrics.redis.events import Announcer
from metrics.settings import Settings
from metrics.store import Store
from metrics.upkeep.erase import take_back_account
from pipelines.collect.equipment import Equipment
from pipelines.collect.history.days import Days
from pipelines.collect.history.posts import Posts
from pipelines.collect.history.progress import Progress
from pipelines.collect.history.report import HistoryReport
from pipelines.collect.nameless import nameless
from pipelines.collect.reasons import reason_of, where
from pipelines.collect.records import LONGEST_MESSAGE
from pipelines.collect.report import INTERNAL_ERROR, Failure
from pipelines.platforms.base import Access, Tally
from pipelines.platforms.errors import AccountUnreachable, NeedsReauth, PlatformError, RateLimited, Transient

MOST_USED_PERCENT = 60
"""Of a platform's budget: the rest is left to the hours."""

REST = timedelta(minutes=15)
"""How long a budget rests of which that much was used: X counts in windows of that length, Meta over rolling hours."""

MOST_TRIES = 5
"""Tries in a row without any progress after which a part is given up, until somebody asks again."""

_MOST_PROBLEMS = 20
_UNREACHABLE = "unreachable"

Part = Literal["posts", "days"]


class Stopped(Exception):
    """The account is not collected any more, or waits for a person; the message is its state."""


class Gone(Exception):
    """The account was erased, or its history asked for anew: nothing may be written of this one."""


@dataclass
class Turn:
    """The turn of one account; `over` tells that the run has no time left."""

    store: Store
    announcer: Announcer
    settings: Settings
    tools: Equipment
    progress: Progress
    report: HistoryReport
    account: AccountDocument
    history: History
    run_id: str
    over: Callable[[], bool]
    spent: Tally = field(default_factory=Tally)
    posts: int = 0
    days: int = 0
    rows: int = 0

    def take(self) -> None:
        """Read what can be read now, and leave in the account's memory what came of it.

        Raises:
            MongoUnavailable: MongoDB does not answer: what was read and not stored is read again.
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
        self.progress.tell(self.history["operationId"], at_once=True)

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
            if str(stop) == _UNREACHABLE:
                self._look_again(_UNREACHABLE, "the account is unreachable")
            else:
                self._end("failed" if str(stop) == "needs_reauth" else "stopped", str(stop), f"the account is {stop}")
        except (Gone, NotFound, MongoUnavailable):
            raise
        except Exception as error:  # noqa: BLE001
            # Whatever it is, the other accounts go on.
            self._end("failed", INTERNAL_ERROR, where(error))

    def _take_back(self) -> bool:
        """Delete what was written of the account if it was erased meanwhile; tell whether it was."""
        try:
            return take_back_account(self.store, self.announcer.redis, self.account)
        except RedisUnavailable:
            return True

    def check(self) -> None:
        """See that the account is still to be read; called before anything is asked, and before it is written.

        Raises:
            Stopped, NotFound: it is not.
        """
        account = self.store.accounts.get(self.account["_id"])
        if account["state"] != "active":
            raise Stopped(account["state"])
        self.account = account

    def keep(self, state: HistoryState | None = None) -> None:
        """Keep how far the history is.

        Raises:
            Gone: it was asked for anew, or its account erased.
        """
        self.history["state"] = state or self.history["state"]
        self.history["workedAt"] = utcnow()
        if not self.store.memories.keep_history(self.account["_id"], self.history):
            raise Gone

    def moved(self, *, further: bool = True) -> None:
        """Keep what was read by now, and say how far it is; not `further` where all of it was known before."""
        if further:
            self.history["tries"] = 0
        self.keep()
        self.progress.tell(self.history["operationId"])

    def rests(self, tally: Tally) -> bool:
        """Tell whether so much of the platform's budget is used that the rest is left to the hours."""
        return tally.used_percent >= MOST_USED_PERCENT

    def problem(self, what: str, reason: str, message: str) -> None:
        """Note a part that was not read."""
        said = message[:LONGEST_MESSAGE]
        found: Problem = {"what": what, "reason": reason, "message": said}
        others = [one for one in self.history["problems"] if one["what"] != what]
        self.history["problems"] = [*others, found][-_MOST_PROBLEMS:]
        text = nameless(f"{what}: {said}", self.account)
        self.report.fail(Failure(self.account["workspaceId"], self.account["_id"], "partly read", reason, text))

    def _read_parts(self) -> None:
        posts, days = Posts(self), Days(self)
        # Counted first, so that what is expected is known from the beginning.
        days.look_up()
        parts: dict[Part, Posts | Days] = {"posts": posts, "days": days}
        for name, part in parts.items():
            while part.open:
                if self.over():
                    self.keep("waiting")
                    return
                if not self._step(name, part):
                    return
        self._finish()

    def _step(self, name: Part, part: "Posts | Days") -> bool:
        """Read a step of a part; tell whether the turn goes on."""
        tally = Tally()
        try:
            self.check()
            self.tools.pauses.check(self.account)

            def read(access: Access) -> None:
                part.read(access, tally)

            self.tools.credentials.used(self.account, utcnow(), tally, read, lambda _: None)
        except (MongoUnavailable, Stopped, Gone, NotFound):
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
            # Asking again changes nothing, or an error of ours: the other parts are read.
            self._give_up(name, part, error)
        finally:
            self._count(tally)
        if met := tally.limited or tally.near_limit:
            return self._limited(name, part, met, tally)
        if self.rests(tally):
            used = f"{tally.used_percent:.0f} % of the platform's budget are used: the rest is left to the hours"
            return self._wait(utcnow() + REST, "rate_limited", used)
        return True

    def _limited(self, name: Part, part: "Posts | Days", limit: RateLimited, tally: Tally) -> bool:
        self.tools.pauses.note(self.account, limit)
        if tally.calls:
            # Where nothing was asked, others have used what there is: that is no try of this account's.
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

    def _look_again(self, reason: str, message: str) -> bool:
        """Wait for an account that the platform denies: the hours look for it, and it may be back by itself."""
        self.history["tries"] += 1
        if self.history["tries"] > MOST_TRIES:
            self._end("failed", reason, message)
            return False
        return self._wait(utcnow() + HOUR, reason, message)

    def _wait(self, until: datetime, reason: str, message: str) -> bool:
        self.history["resumesAt"], self.history["reason"] = until, reason
        self.history["message"] = message[:LONGEST_MESSAGE]
        self.keep("waiting")
        return False

    def _give_up(self, name: Part, part: "Posts | Days", error: Exception, *, everything: bool = False) -> None:
        """Leave what could not be read, or `everything` that is left of a part that nothing helps."""
        reason = reason_of(error)
        self.problem(name, reason, where(error) if reason == INTERNAL_ERROR else str(error))
        part.give_up(everything=everything)
        self.moved()

    def _finish(self) -> None:
        problems = self.history["problems"]
        if not problems:
            self._end("done")
        else:
            self._end("partial", problems[0]["reason"], f"{problems[0]['what']}: {problems[0]['message']}")

    def _end(self, state: HistoryState, reason: str | None = None, message: str | None = None) -> None:
        self.history["finishedAt"] = utcnow()
        if reason is not None and message is not None:
            self.history["reason"], self.history["message"] = reason, message[:LONGEST_MESSAGE]
        if state == "failed":
            said = nameless(message or "", self.account)
            self.report.fail(Failure(self.account["workspaceId"], self.account["_id"], state, reason or "", said))
        self.keep(state)

    def _count(self, tally: Tally) -> None:
        self.history["calls"] += tally.calls
        for name in ("calls", "requests", "retries"):
            setattr(self.spent, name, getattr(self.spent, name) + getattr(tally, name))
