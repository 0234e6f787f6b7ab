"""Make statements about the posts of accounts for a day: read curves, say, store; the method is given."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from logging import getLogger
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from metrics.batches import batched
from metrics.calendars import Calendar
from metrics.catalog import DEFINITION_VERSION
from metrics.documents import ConnectedState, MetricType
from metrics.expected import Connection
from metrics.periods import DAY
from metrics.post_curves import FINAL_AGE, HISTORY_DAYS, PostCurveDocument, settled_after
from metrics.store import Store
from metrics.store.insights.announcement_marks import AnnouncementMark
from metrics.store.insights.statements import Statements
from metrics.upkeep.erase import take_back
from pipelines.insights.posts.keep import keep_curves

log = getLogger(__name__)
_ACCOUNTS = 50
"""Accounts whose curves are read at the same time."""

Floats = NDArray[np.float64]
Announce = Callable[[str], None]
"""A function that is called with each workspace of which something new was said."""


@dataclass(frozen=True, slots=True)
class History:
    """The posts of one type of an account that were old enough at an instant, oldest first.

    `curves` are those of the present definition, `former` counts the others.
    """

    account: Connection
    metric_type: MetricType
    curves: Sequence[PostCurveDocument]
    former: int

    @property
    def values(self) -> Floats:
        """The engagement at each age, of shape `(posts, ages)`; NaN where it is not known."""
        return values_of(self.curves)

    def fields(self, observed: Sequence[PostCurveDocument]) -> dict[str, object]:
        """Return the fields of a document that name the evidence."""
        found: dict[str, object] = {"expected": len(self.curves) + self.former, "observed": len(observed)}
        if observed:
            found |= {
                "trainedFrom": f"{observed[0]['publishedAt']:%Y-%m-%d}",
                "trainedTo": f"{observed[-1]['publishedAt']:%Y-%m-%d}",
            }
        return found

    def too_few(self, observed: int, needed: int) -> str:
        """Return why there are too few posts: the definition changed, or they are few."""
        return "definition_changed" if self.former and observed + self.former >= needed else "too_few_posts"


Say = Callable[[Sequence[History], Calendar], Iterable[tuple[History, Mapping[str, object]]]]
"""A method: from the histories of a workspace to the fields of the documents that it says of them."""


@dataclass(slots=True)
class StatementsReport:
    """The report of a run: numbers of statements, refusals by reason, and `curves` that were derived again."""

    workspaces: int = 0
    accounts: int = 0
    curves: int = 0
    made: int = 0
    kept: int = 0
    failed: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def summary(self) -> str:
        """Return the numbers in a line."""
        refused = ", ".join(f"{count} {reason}" for reason, count in sorted(self.refused.items())) or "none"
        return (
            f"{self.made} statements about {self.accounts} accounts in {self.workspaces} workspaces; "
            f"refused: {refused}; {self.failed} failed; {self.kept} were said before and stay"
        )

    def count(self, documents: Sequence[Mapping[str, Any]], new: int) -> None:
        """Add documents to the numbers; `new` of them were stored."""
        self.kept += len(documents) - new
        for document in documents:
            if "unavailable" in document:
                self.refused[document["unavailable"]] += 1
            else:
                self.made += 1


def values_of(curves: Sequence[PostCurveDocument]) -> Floats:
    """Return the engagement of posts at each age of `POINTS`, of shape `(posts, ages)`; NaN where it is not known."""
    return np.array([one["values"] for one in curves], dtype=np.float64)


def make_statements(
    store: Store,
    statements: Statements,
    day: datetime,
    *,
    age: float,
    model: str,
    say: Say,
    now: datetime,
    run_id: str,
    workspace_ids: Sequence[str] | None = None,
    announce: Announce = lambda _workspace: None,
) -> StatementsReport:
    """Say what is known at the end of a day of the posts of accounts, for some workspaces or all, and store it.

    `day` is the midnight that names the day. Posts count that had reached `age` hours by its end and were published in
    the 180 days before. What was said of the day before stays. A workspace that fails does not affect the others.
    A workspace of which an earlier run died before it could announce what it had said is announced as well.

    Raises:
        MongoUnavailable: MongoDB does not answer; make them again.
    """
    report = StatementsReport()
    workspaces = store.accounts.workspaces() if workspace_ids is None else workspace_ids
    calendars = store.calendars.of(workspaces)
    left = group_marks(store.announcements.pending(statements.name, workspaces))
    for workspace_id in workspaces:
        report.curves += keep_curves(store, workspace_id, now - (HISTORY_DAYS * DAY + settled_after(FINAL_AGE)), now)
        accounts = store.accounts.connections([workspace_id], states=get_args(ConnectedState))
        found = histories(store, workspace_id, accounts, day + DAY - settled_after(age))
        calendar = calendars[workspace_id].current
        try:
            documents = [
                {
                    "_id": f"{one.account.account_id}|{one.metric_type}|{day:%Y-%m-%d}",
                    "workspaceId": workspace_id,
                    "accountId": one.account.account_id,
                    "platform": one.account.platform,
                    "metricType": one.metric_type,
                    "day": day,
                    "madeAt": now,
                    "model": model,
                    "runId": run_id,
                    **fields,
                }
                for one, fields in say(found, calendar)
            ]
        except ArithmeticError:
            log.exception("nothing could be said of the posts of %s", workspace_id)
            report.failed += 1
            continue
        marks = store.announcements.touch(statements.name, [workspace_id] if documents else [], day)
        new = statements.add(documents)
        report.count(documents, new)
        # An account that was erased meanwhile leaves nothing.
        take_back(store, [one.account_id for one in accounts])
        report.workspaces += bool(accounts)
        report.accounts += len(accounts)
        if new or workspace_id in left:
            announce(workspace_id)
        store.announcements.settle([*left.get(workspace_id, ()), *marks])
    return report


def group_marks(marks: Iterable[AnnouncementMark]) -> dict[str, list[AnnouncementMark]]:
    """Return marks by workspace."""
    found: dict[str, list[AnnouncementMark]] = {}
    for mark in marks:
        found.setdefault(mark.workspace_id, []).append(mark)
    return found


def histories(
    store: Store, workspace_id: str, accounts: Sequence[Connection], end: datetime, days: int = HISTORY_DAYS
) -> list[History]:
    """Return the posts of accounts that were published in the days before an instant, by account and type.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    found = []
    for some in batched(accounts, _ACCOUNTS):
        ids = [one.account_id for one in some]
        by_type: dict[tuple[str, MetricType], list[PostCurveDocument]] = {}
        for curve in store.post_curves.of_accounts(workspace_id, ids, end - timedelta(days=days), end):
            by_type.setdefault((curve["accountId"], curve["metricType"]), []).append(curve)
        by_id = {one.account_id: one for one in some}
        for (account_id, metric_type), curves in sorted(by_type.items()):
            present = [one for one in curves if one["definitionVersion"] == DEFINITION_VERSION]
            found.append(History(by_id[account_id], metric_type, present, len(curves) - len(present)))
    return found
