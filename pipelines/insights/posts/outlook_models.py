"""The models of outlooks: of each platform, type of posts and age, as of a midnight, for a workspace or for all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from metrics.catalog import DEFINITION_VERSION
from metrics.documents import MetricType, Platform
from metrics.periods import DAY, midnight
from metrics.post_curves import FINAL_AGE, HISTORY_DAYS, POINT, PostCurveDocument, settled_after
from metrics.post_outlooks import LEAST_ENGAGEMENT, LEAST_OF_PLATFORM, LEAST_OF_WORKSPACE, TrainedOn
from metrics.store import Store
from pipelines.insights.posts.examples import examples_of
from pipelines.insights.posts.outlook import Model, train

SMALL_UNTIL = 3.0
"""Until this age in hours, nothing is said of a post with little engagement."""
PostKind = tuple[Platform, MetricType]
_Trained = tuple[Model | None, dict[str, object]]
"""A model, or None, and the fields that say what it was made of, or why there is none."""
_MOST = 3000
"""The newest posts of a platform and type that a model is made of."""
_FINAL = POINT[FINAL_AGE]


@dataclass(slots=True)
class ModelsOfKind:
    """The posts of one platform and type whose end was known at a midnight, and the models that are made of them.

    Each is read, or fitted, once. None in place of a workspace stands for all of the platform.
    """

    store: Store
    kind: PostKind
    midnight: datetime
    _histories: dict[str | None, list[PostCurveDocument]] = field(default_factory=dict)
    _models: dict[tuple[str | None, float], _Trained] = field(default_factory=dict)

    def model(self, workspace_id: str, age: float) -> _Trained:
        """Return the model of a workspace's own posts if there are enough, else that of the platform."""
        own = self._usable(workspace_id, age)
        if len(own) >= LEAST_OF_WORKSPACE:
            return self._trained(workspace_id, age, own, "workspace")
        return self._trained(None, age, self._usable(None, age), "platform")

    def _trained(self, of: str | None, age: float, posts: Sequence[PostCurveDocument], on: TrainedOn) -> _Trained:
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
            end = self.midnight - settled_after(FINAL_AGE)
            start = end - HISTORY_DAYS * DAY
            self._histories[of] = self.store.post_curves.newest(*self.kind, start, end, _MOST, of)
        return self._histories[of]

    def _usable(self, of: str | None, age: float) -> list[PostCurveDocument]:
        """Return the posts of a history with values at an age, at half of it, and at the end."""
        least = LEAST_ENGAGEMENT if age <= SMALL_UNTIL else 0
        return [
            one
            for one in present(self._history(of))
            if (value := one["values"][POINT[age]]) is not None
            and value >= least
            and one["values"][POINT[age / 2]] is not None
            and one["values"][_FINAL] is not None
        ]


class OutlookModels:
    """The models of one day at a time: a run over many hours fits them once a day, as each hour by itself would."""

    def __init__(self) -> None:
        self._midnight: datetime | None = None
        self._of_kind: dict[PostKind, ModelsOfKind] = {}

    def of(self, store: Store, kind: PostKind, until: datetime) -> ModelsOfKind:
        """Return the models of a platform and type for what is said until an instant: of the midnight before it."""
        begins = midnight(until.date())
        if begins != self._midnight:
            self._midnight, self._of_kind = begins, {}
        if kind not in self._of_kind:
            self._of_kind[kind] = ModelsOfKind(store, kind, begins)
        return self._of_kind[kind]


def present(curves: Sequence[PostCurveDocument]) -> list[PostCurveDocument]:
    """Return the curves of the present definition."""
    return [one for one in curves if one["definitionVersion"] == DEFINITION_VERSION]
