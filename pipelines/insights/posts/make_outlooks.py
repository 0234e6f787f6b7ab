"""Make the outlooks of an hour: each post that has come to an age of `AGES` gets one, and it stays."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import numpy as np

from metrics.periods import DAY, HOUR, midnight
from metrics.post_curves import FINAL_AGE, HISTORY_DAYS, POINT, PostCurveDocument, settled_after
from metrics.post_outlooks import AGES, LEAST_ENGAGEMENT, MODEL
from metrics.store import Store
from metrics.store.insights.outlooks import NAME, outlook_id
from metrics.upkeep.erase import take_back
from pipelines.insights.posts.examples import AccountFinals, finals_of
from pipelines.insights.posts.keep import YOUNG, keep_curves
from pipelines.insights.posts.outlook import Model
from pipelines.insights.posts.outlook_models import SMALL_UNTIL, ModelsOfKind, OutlookModels, PostKind, present
from pipelines.insights.posts.statements import Announce, group_marks


@dataclass(slots=True)
class OutlooksReport:
    """The report of a run: numbers of outlooks, of refusals by reason; `curves` are those that were derived again."""

    workspaces: int = 0
    curves: int = 0
    made: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    methods: Counter[str] = field(default_factory=Counter)

    def summary(self) -> str:
        """Return the numbers in a line."""
        refused = ", ".join(f"{count} {reason}" for reason, count in sorted(self.refused.items())) or "none"
        return f"{self.made} outlooks in {self.workspaces} workspaces; refused: {refused}"


@dataclass(frozen=True, slots=True)
class _Due:
    """A post, the age at which something is said of it, and its engagement then."""

    curve: PostCurveDocument
    age: float
    engagement: float


def make_outlooks(
    store: Store,
    until: datetime,
    *,
    now: datetime,
    run_id: str,
    workspace_ids: Sequence[str] | None = None,
    models: OutlookModels | None = None,
    announce: Announce = lambda _workspace: None,
) -> OutlooksReport:
    """Say what becomes of the posts that had come to an age by an instant, for some workspaces or all, and store it.

    Of each post, something is said at the oldest age that it has come to, unless it was said before. It is said by the
    posts whose end was known at the midnight before. A run over several hours passes the same `models` to each.

    Raises:
        MongoUnavailable: MongoDB does not answer; make them again.
    """
    report, models = OutlooksReport(), models or OutlookModels()
    by_kind: dict[PostKind, list[_Due]] = {}
    workspaces = store.accounts.workspaces() if workspace_ids is None else workspace_ids
    for workspace_id in workspaces:
        report.workspaces += 1
        report.curves += keep_curves(store, workspace_id, min(now, until) - YOUNG, now)
        for due in _due(store, workspace_id, until):
            by_kind.setdefault((due.curve["platform"], due.curve["metricType"]), []).append(due)
    # A workspace is announced as well if an earlier run died before it could announce what it had said.
    marks = store.announcements.pending(NAME, workspaces)
    for kind, posts in sorted(by_kind.items()):
        documents = _Making(models.of(store, kind, until), until, now, run_id).documents(posts)
        marks += store.announcements.touch(NAME, {one["workspaceId"] for one in documents}, midnight(until.date()))
        store.outlooks.add(documents)
        for document in documents:
            if "unavailable" in document:
                report.refused[document["unavailable"]] += 1
            else:
                report.made += 1
                report.methods[document["method"]] += 1
        # An account that was erased meanwhile leaves nothing.
        take_back(store, sorted({document["accountId"] for document in documents}))
    for workspace_id, of_workspace in sorted(group_marks(marks).items()):
        announce(workspace_id)
        store.announcements.settle(of_workspace)
    return report


def _due(store: Store, workspace_id: str, until: datetime) -> list[_Due]:
    since = until - settled_after(AGES[-1]) - HOUR
    said = store.outlooks.said(workspace_id, since)
    found = []
    for curve in store.post_curves.young(workspace_id, since, until):
        for age in reversed(AGES):
            value = curve["values"][POINT[age]]
            if value is not None and curve["publishedAt"] + timedelta(hours=age) <= until:
                if outlook_id(curve["_id"], age) not in said:
                    found.append(_Due(curve, age, value))
                break
    return found


class _Making:
    """Makes the outlooks of posts of one platform and type."""

    def __init__(self, models: ModelsOfKind, until: datetime, now: datetime, run_id: str) -> None:
        self._models, self._now, self._run_id = models, now, run_id
        self._end = until - settled_after(FINAL_AGE)
        self._start = self._end - HISTORY_DAYS * DAY

    def documents(self, posts: Sequence[_Due]) -> list[dict[str, Any]]:
        """Return what is said of posts."""
        finals = self._finals(posts)
        return [self._document(due, finals[due.curve["accountId"]]) for due in posts]

    def _finals(self, posts: Sequence[_Due]) -> Mapping[str, AccountFinals]:
        workspaces: dict[str, set[str]] = {}
        for due in posts:
            workspaces.setdefault(due.curve["workspaceId"], set()).add(due.curve["accountId"])
        found: dict[str, AccountFinals] = {}
        for workspace_id, account_ids in workspaces.items():
            curves = self._models.store.post_curves.of_accounts(
                workspace_id, sorted(account_ids), self._start, self._end
            )
            same = [one for one in curves if one["metricType"] == self._models.kind[1]]
            found |= finals_of(sorted(account_ids), present(same))
        return found

    def _document(self, due: _Due, finals: AccountFinals) -> dict[str, Any]:
        curve = due.curve
        document: dict[str, Any] = {
            "_id": outlook_id(curve["_id"], due.age),
            "workspaceId": curve["workspaceId"],
            "accountId": curve["accountId"],
            "postId": curve["_id"],
            "platform": curve["platform"],
            "metricType": curve["metricType"],
            "publishedAt": curve["publishedAt"],
            "age": due.age,
            "engagement": due.engagement,
            "madeAt": self._now,
            "model": MODEL,
            "runId": self._run_id,
        }
        if due.age <= SMALL_UNTIL and due.engagement < LEAST_ENGAGEMENT:
            return document | {"unavailable": "too_few"}
        model, evidence = self._models.model(curve["workspaceId"], due.age)
        document |= evidence
        if model is None:
            return document
        found = self._said(model, due, finals)
        return document | ({"unavailable": "no_observation"} if found is None else found)

    def _said(self, model: Model, due: _Due, finals: AccountFinals) -> dict[str, object] | None:
        if due.curve["values"][POINT[due.age / 2]] is None:
            return None
        examples = finals.example(due.curve, due.age)
        found = model.outlook(examples)
        said: dict[str, object] = {"method": model.method, "value": round(float(found.value[0]), 1)}
        for name in found.lower:
            said |= {
                f"lo{name}": round(float(found.lower[name][0]), 1),
                f"hi{name}": round(float(found.upper[name][0]), 1),
            }
        if (top := finals.top10()) is not None:
            said["percentileOfAccount"] = round(finals.percentile(float(found.value[0])), 1)
            said["probabilityTop10"] = round(float(model.probability_above(examples, np.array([top]))[0]), 3)
        return said | {"backtest": {name: round(one, 4) for name, one in cast("Any", model.backtest).items()}}
