"""Make the breakouts of an hour: judge young posts by their curves, and compare what is found with what is stored."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from logging import getLogger

from metrics.anomalies import OF_POSTS, AnomalyDocument, Change, Evidence, HistoryPoint, KnownDay, Status, anomaly_id
from metrics.batches import batched
from metrics.breakouts import AGES, EARLIER_DAYS, MODEL, MOST_POSTS, JudgedType, Refusal
from metrics.calendars import Calendar
from metrics.documents import MetricType
from metrics.periods import HOUR
from metrics.post_curves import POINT, PostCurveDocument, settled_after
from metrics.store import Store
from metrics.upkeep.erase import take_back
from pipelines.insights.anomalies.describe import Finding
from pipelines.insights.anomalies.episodes import severity
from pipelines.insights.anomalies.telling import Announce, tell
from pipelines.insights.known_days import KnownDays, known_days
from pipelines.insights.posts.breakout import Verdict, compared, confirmed, is_present, newest_breakout, verdicts
from pipelines.insights.posts.keep import YOUNG, keep_curves

log = getLogger(__name__)

JUDGED = timedelta(days=3)
"""Posts that were published in these days before an hour are judged again, so that late data withdraws or corrects."""
_ACCOUNTS = 50
"""Accounts whose curves are in memory at the same time."""
_SIMILAR = 5
_SHOWN = 28
"""The newest posts of the history that are shown with a breakout."""
_LAST = settled_after(AGES[-1])
"""How long after its publication a post that nothing has confirmed is a breakout that may go on."""
_COMPARED = (
    "from", "to", "status", "metricType", "age", "observed", "expected", "lo", "hi", "score", "multiple", "percentile",
    "severity", "known",
)  # fmt: skip
_KEPT = ("_id", "foundAt", "acknowledgedBy", "acknowledgedAt", "muted", "note")
"""What stays of a stored breakout when a run finds it again."""

_Kind = tuple[str, MetricType]
_Said = Sequence[tuple[PostCurveDocument, Mapping[float, Verdict | Refusal]]]
"""Posts, and what is said of each at each age."""


@dataclass(slots=True)
class BreakoutsReport:
    """The report of a run.

    `made` counts what was said of posts that came to an age in the hour, and `refused` why nothing was said of others.
    `curves` are those that were derived again, `failed` counts accounts.
    """

    workspaces: int = 0
    curves: int = 0
    posts: int = 0
    made: int = 0
    failed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)

    def summary(self) -> str:
        """Return the numbers in a line."""
        changed = ", ".join(f"{count} {change}" for change, count in sorted(self.changes.items())) or "nothing new"
        refused = ", ".join(f"{count} {reason}" for reason, count in sorted(self.refused.items())) or "none"
        return (
            f"{changed}; {self.posts} young posts in {self.workspaces} workspaces, {self.made} came to an age; "
            f"refused: {refused}; {self.failed} accounts failed"
        )


def make_breakouts(
    store: Store,
    until: datetime,
    *,
    now: datetime,
    run_id: str,
    workspace_ids: Sequence[str] | None = None,
    announce: Announce = lambda _workspace, _changes: None,
) -> BreakoutsReport:
    """Find the breakouts among the posts of the three days before an instant, for some workspaces or all.

    A post is judged by all that is known of it, so its breakout is the same whichever hour is made. An account that
    fails does not affect the others.

    What a run that died did not announce any more is announced before anything of the workspace is changed; a breakout
    may be announced twice.

    Raises:
        MongoUnavailable: MongoDB does not answer; make them again.
    """
    report = BreakoutsReport()
    workspaces = store.accounts.workspaces() if workspace_ids is None else workspace_ids
    calendars = store.calendars.of(workspaces)
    for workspace_id in workspaces:
        tell(store, workspace_id, announce, breakouts=True)
        stored = {one["postId"]: one for one in store.anomalies.breakouts(workspace_id, until - JUDGED)}
        since = min([min(now, until) - YOUNG, *(one["from"] for one in stored.values())])
        report.curves += keep_curves(store, workspace_id, since, now, again=stored)
        posts = store.post_curves.young(workspace_id, until - JUDGED, until)
        young = {one["_id"] for one in posts}
        posts += store.post_curves.of_posts(workspace_id, sorted(stored.keys() - young))
        calendar = calendars[workspace_id].current
        known = known_days(store, workspace_id, calendar.date_of(since), calendar.date_of(until))
        of = _Workspace(store, Finding(workspace_id, now, run_id), calendar, until, known)
        changes = list(of.changes(posts, stored, report))
        report.workspaces += 1
        report.posts += len(posts)
        report.changes.update(change for change, _ in changes)
        tell(store, workspace_id, announce, breakouts=True)
    return report


@dataclass(frozen=True, slots=True)
class _Workspace:
    """A workspace, the end of the hour of the run, and the run itself."""

    store: Store
    finding: Finding
    calendar: Calendar
    until: datetime
    known: KnownDays

    def changes(
        self, posts: Sequence[PostCurveDocument], stored: Mapping[str, AnomalyDocument], report: BreakoutsReport
    ) -> Iterator[tuple[Change, AnomalyDocument]]:
        """Judge posts, write what changed, and yield it."""
        by_account: dict[str, list[PostCurveDocument]] = {}
        for post in posts:
            by_account.setdefault(post["accountId"], []).append(post)
        for account_ids in batched(sorted(by_account), _ACCOUNTS):
            times = [post["publishedAt"] for one in account_ids for post in by_account[one]]
            first = min(times) - timedelta(days=EARLIER_DAYS)
            earlier: dict[_Kind, list[PostCurveDocument]] = {}
            for curve in self.store.post_curves.of_accounts(self.finding.workspace_id, account_ids, first, max(times)):
                earlier.setdefault((curve["accountId"], curve["metricType"]), []).append(curve)
            types: dict[str, list[JudgedType]] = {}
            for account_id in account_ids:
                try:
                    said = self._said(by_account[account_id], earlier)
                    changes = list(self._of_account(said, earlier, stored, report))
                except (ArithmeticError, LookupError, TypeError, ValueError):
                    log.exception("the breakouts of an account of %s were not found", self.finding.workspace_id)
                    report.failed += 1
                    continue
                self.store.anomalies.write(changes)
                types[account_id] = _types(said, earlier)
                yield from changes
            self.store.watched.put_posts(self.finding.workspace_id, types, self.finding.now)
            # An account that was erased meanwhile leaves nothing.
            take_back(self.store, account_ids)

    def _said(self, posts: Sequence[PostCurveDocument], earlier: Mapping[_Kind, Sequence[PostCurveDocument]]) -> _Said:
        """Return what is said of posts of an account at each age."""
        return [(post, verdicts(post, earlier.get((post["accountId"], post["metricType"]), ()))) for post in posts]

    def _of_account(
        self,
        posts: _Said,
        earlier: Mapping[_Kind, Sequence[PostCurveDocument]],
        stored: Mapping[str, AnomalyDocument],
        report: BreakoutsReport,
    ) -> Iterator[tuple[Change, AnomalyDocument]]:
        for post, said in posts:
            of_type = earlier.get((post["accountId"], post["metricType"]), ())
            self._count(post, said, report)
            old = stored.get(post["_id"])
            newest = newest_breakout(said)
            if newest is not None:
                yield from _changed(old, self._document(post, said, newest, of_type))
            elif old is not None and old["status"] != "withdrawn":
                yield "closed", {**old, "status": "withdrawn", "changedAt": self.finding.now}

    def _count(self, post: PostCurveDocument, said: Mapping[float, Verdict | Refusal], report: BreakoutsReport) -> None:
        """Count the ages to which the post came in the hour of the run; a value that is not known yet counts later."""
        for age, one in said.items():
            waiting = one == "no_observation"
            came = post["publishedAt"] + (settled_after(age) if waiting else timedelta(hours=age))
            if not self.until - HOUR < came <= self.until:
                continue
            if isinstance(one, Verdict):
                report.made += 1
            else:
                report.refused[one] += 1

    def _document(
        self,
        post: PostCurveDocument,
        said: Mapping[float, Verdict | Refusal],
        newest: Verdict,
        earlier: Sequence[PostCurveDocument],
    ) -> AnomalyDocument:
        end = post["publishedAt"] + timedelta(hours=newest.age)
        return self.finding.document(
            "hour",
            post["publishedAt"],
            end,
            _id=anomaly_id(post["accountId"], post["_id"], "breakout"),
            accountId=post["accountId"],
            postId=post["_id"],
            platform=post["platform"],
            metricType=post["metricType"],
            scope="post",
            metric=OF_POSTS,
            kind="breakout",
            direction="up",
            age=newest.age,
            observed=round(newest.observed, 2),
            expected=round(newest.expected, 2),
            lo=round(newest.lo, 2),
            hi=round(newest.hi, 2),
            score=round(newest.score, 2),
            multiple=round(newest.multiple, 2),
            percentile=round(newest.percentile, 1),
            severity=severity(newest.chance),
            status=self._status(post, said),
            evidence=self._evidence(post, said, newest, earlier),
            model=MODEL,
            **self._known(post, end),
        )

    def _status(self, post: PostCurveDocument, said: Mapping[float, Verdict | Refusal]) -> Status:
        holds = confirmed(said)
        if holds is None and self.finding.now < post["publishedAt"] + _LAST:
            return "open"
        return "ended" if holds else "withdrawn"

    def _evidence(
        self,
        post: PostCurveDocument,
        said: Mapping[float, Verdict | Refusal],
        newest: Verdict,
        earlier: Sequence[PostCurveDocument],
    ) -> Evidence:
        before = self.store.anomalies.earlier_breakouts(
            post["accountId"], post["metricType"], post["publishedAt"], _SIMILAR
        )
        found: Evidence = {
            "history": _history(post, newest.age, earlier),
            "similar": [
                {"anomalyId": one["_id"], "score": one.get("score", 0.0), "postId": one["postId"]} for one in before
            ],
            "ages": [
                {
                    "age": one.age,
                    "observed": round(one.observed, 2),
                    "expected": round(one.expected, 2),
                    "multiple": round(one.multiple, 2),
                    "percentile": round(one.percentile, 1),
                    "score": round(one.score, 2),
                    "posts": one.posts,
                    "breakout": one.breakout,
                }
                for one in said.values()
                if isinstance(one, Verdict)
            ],
        }
        return found

    def _known(self, post: PostCurveDocument, end: datetime) -> dict[str, list[KnownDay]]:
        """Return the field that names the holidays and campaigns from the publication of a post to an instant."""
        first, last = self.calendar.date_of(post["publishedAt"]), self.calendar.date_of(end - HOUR)
        known = self.known.named(first, last, post["accountId"])
        return {"known": known} if known else {}


def _types(posts: _Said, earlier: Mapping[_Kind, Sequence[PostCurveDocument]]) -> list[JudgedType]:
    """Return the types of an account's young posts: a type is judged if one of them was, at any age.

    `posts` are the most with which one of them could be compared at an age. Without a judgement, the reason is the one
    that its posts have most often, once they came to an age.
    """
    found: list[JudgedType] = []
    for metric_type in sorted({post["metricType"] for post, _ in posts}):
        same = [(post, said) for post, said in posts if post["metricType"] == metric_type]
        verdicts_of = [one for _, said in same for one in said.values()]
        of_type = earlier.get((same[0][0]["accountId"], metric_type), ())
        known = max(sum(map(is_present, compared(post, of_type, age))) for post, _ in same for age in AGES)
        row: JudgedType = {"metricType": metric_type, "posts": min(known, MOST_POSTS)}
        if not any(isinstance(one, Verdict) for one in verdicts_of):
            reasons = Counter[Refusal](one for one in verdicts_of if not isinstance(one, Verdict))
            del reasons["no_observation"]
            row["unavailable"] = max(reasons, key=reasons.__getitem__, default="no_observation")
        found.append(row)
    return found


def _history(post: PostCurveDocument, age: float, earlier: Sequence[PostCurveDocument]) -> list[HistoryPoint]:
    """Return the engagement of the newest earlier posts, and of the post itself, at an age; oldest first."""
    before = [one for one in compared(post, earlier, age) if is_present(one)]
    return [
        {"at": one["publishedAt"], "value": value}
        for one in (*before[-_SHOWN:], post)
        if (value := one["values"][POINT[age]]) is not None
    ]


def _changed(old: AnomalyDocument | None, new: AnomalyDocument) -> Iterator[tuple[Change, AnomalyDocument]]:
    """Yield a breakout if it is new or changed; one that is withdrawn when it is first found was told to nobody."""
    if old is None:
        if new["status"] != "withdrawn":
            yield "opened", new
        return
    if all(old.get(name) == new.get(name) for name in _COMPARED):
        return
    kept = {name: value for name, value in old.items() if name in _KEPT}
    merged: AnomalyDocument = {**new, **kept}  # type: ignore[typeddict-item]
    if new["status"] == "withdrawn":
        # Only what is said changed, and it was taken back before.
        yield ("updated" if old["status"] == "withdrawn" else "closed"), merged
    elif old["status"] == "withdrawn":
        yield "opened", merged
    else:
        yield ("closed" if old["status"] == "open" and new["status"] == "ended" else "updated"), merged
