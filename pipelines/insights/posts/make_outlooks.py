"""Make the outlooks of an hour: each post that has come to an age of `AGES` gets one, and it stays."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import numpy as np

from metrics.catalog import DEFINITION_VERSION
from metrics.documents import MetricType, Platform
from metrics.periods import DAY, HOUR
from metrics.post_curves import FINAL_AGE, HISTORY_DAYS, POINT, PostCurveDocument, settled_after
from metrics.post_outlooks import AGES, LEAST_ENGAGEMENT, LEAST_OF_PLATFORM, LEAST_OF_WORKSPACE, MODEL, TrainedOn
from metrics.store import Store
from metrics.store.insights.outlooks import NAME, outlook_id
from metrics.upkeep.erase import take_back
from pipelines.insights.posts.examples import AccountFinals, examples_of, finals_of
from pipelines.insights.posts.keep import YOUNG, keep_curves
from pipelines.insights.posts.outlook import Model, train
from pipelines.insights.posts.statements import Announce, group_marks

_MOST = 3000
"""The newest posts of a platform and type that a model is made of."""
_FINAL = POINT[FINAL_AGE]
_SMALL_UNTIL = 3.0
_Kind = tuple[Platform, MetricType]


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
    announce: Announce = lambda _workspace: None,
) -> OutlooksReport:
    """Say what becomes of the posts that had come to an age by an instant, for some workspaces or all, and store it.

    Of each post, something is said at the oldest age that it has come to, unless it was said before.

    Raises:
        MongoUnavailable: MongoDB does not answer; make them again.
    """
    report = OutlooksReport()
    by_kind: dict[_Kind, list[_Due]] = {}
    workspaces = store.accounts.workspaces() if workspace_ids is None else workspace_ids
    for workspace_id in workspaces:
        report.workspaces += 1
        report.curves += keep_curves(store, workspace_id, min(now, until) - YOUNG, now)
        for due in _due(store, workspace_id, until):
            by_kind.setdefault((due.curve["platform"], due.curve["metricType"]), []).append(due)
    # A workspace is announced as well if an earlier run died before it could announce what it had said.
    marks = store.announcements.pending(NAME, workspaces)
    for kind, posts in sorted(by_kind.items()):
        documents = _Making(store, kind, until, now, run_id).documents(posts)
        day = until.replace(hour=0, minute=0, second=0, microsecond=0)
        marks += store.announcements.touch(NAME, {one["workspaceId"] for one in documents}, day)
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
    """Makes the outlooks of posts of one platform and type; a model is fitted once."""

    def __init__(self, store: Store, kind: _Kind, until: datetime, now: datetime, run_id: str) -> None:
        self._store, self._kind, self._now, self._run_id = store, kind, now, run_id
        self._end = until - settled_after(FINAL_AGE)
        self._start = self._end - HISTORY_DAYS * DAY
        self._histories: dict[str | None, list[PostCurveDocument]] = {}
        self._models: dict[tuple[str | None, float], tuple[Model | None, dict[str, object]]] = {}

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
            curves = self._store.post_curves.of_accounts(workspace_id, sorted(account_ids), self._start, self._end)
            same = [one for one in curves if one["metricType"] == self._kind[1]]
            found |= finals_of(sorted(account_ids), _present(same))
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
        if due.age <= _SMALL_UNTIL and due.engagement < LEAST_ENGAGEMENT:
            return document | {"unavailable": "too_few"}
        model, evidence = self._model(curve["workspaceId"], due.age)
        document |= evidence
        if model is None:
            return document
        found = self._said(model, due, finals)
        return document | ({"unavailable": "no_observation"} if found is None else found)

    def _model(self, workspace_id: str, age: float) -> tuple[Model | None, dict[str, object]]:
        """Return the model of a workspace's own posts if there are enough, else that of the platform."""
        own = self._usable(workspace_id, age)
        if len(own) >= LEAST_OF_WORKSPACE:
            return self._trained(workspace_id, age, own, "workspace")
        return self._trained(None, age, self._usable(None, age), "platform")

    def _trained(
        self, of: str | None, age: float, posts: Sequence[PostCurveDocument], on: TrainedOn
    ) -> tuple[Model | None, dict[str, object]]:
        if (of, age) not in self._models:
            evidence: dict[str, object] = {"expected": len(self._history(of)), "observed": len(posts)}
            if len(posts) < LEAST_OF_PLATFORM:
                former = sum(one["definitionVersion"] != DEFINITION_VERSION for one in self._history(of))
                reason = "definition_changed" if len(posts) + former >= LEAST_OF_PLATFORM else "too_few_posts"
                self._models[of, age] = None, evidence | {"unavailable": reason}
            else:
                examples, final = examples_of(posts, age)
                evidence |= {
                    "trainedOn": on,
                    "trainedFrom": f"{posts[0]['publishedAt']:%Y-%m-%d}",
                    "trainedTo": f"{posts[-1]['publishedAt']:%Y-%m-%d}",
                }
                self._models[of, age] = train(examples, final), evidence
        return self._models[of, age]

    def _history(self, of: str | None) -> list[PostCurveDocument]:
        if of not in self._histories:
            self._histories[of] = self._store.post_curves.newest(*self._kind, self._start, self._end, _MOST, of)
        return self._histories[of]

    def _usable(self, of: str | None, age: float) -> list[PostCurveDocument]:
        """Return the posts of a history with values at an age, at half of it, and at the end."""
        least = LEAST_ENGAGEMENT if age <= _SMALL_UNTIL else 0
        return [
            one
            for one in _present(self._history(of))
            if (value := one["values"][POINT[age]]) is not None
            and value >= least
            and one["values"][POINT[age / 2]] is not None
            and one["values"][_FINAL] is not None
        ]

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


def _present(curves: Sequence[PostCurveDocument]) -> list[PostCurveDocument]:
    return [one for one in curves if one["definitionVersion"] == DEFINITION_VERSION]
