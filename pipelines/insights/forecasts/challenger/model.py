"""A learned model of one grain, and the one of several that may speak at an origin: trained on nothing later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.forecasts import Method
from pipelines.insights.forecasts.challenger.features import features
from pipelines.insights.forecasts.challenger.trees import Trees

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEPS = {"day": (1, 2, 3, 5, 7, 10, 14, 18, 23, 28), "hour": (1, 2, 3, 5, 8, 12, 18, 24, 30, 36, 42, 48)}
"""The steps ahead of which it learns."""
LEAST_SERIES = 50
"""Series from which a model may be learned: with fewer, it would tell of single accounts."""
ORIGINS = 8
"""The origins of a series from which it learns: those nearest to the end of what is known."""
SEED = 0


@dataclass(frozen=True, slots=True)
class Learned:
    """A model that knows nothing of the instant `known_until` and later."""

    name: str
    known_until: datetime
    trees: Trees


@dataclass(frozen=True, slots=True)
class Challenger:
    """The models of one grain."""

    models: Sequence[Learned]

    def newest(self, instant: datetime) -> Learned | None:
        """Return the newest model that knows nothing of an instant and later; None if there is none."""
        known = [one for one in self.models if one.known_until <= instant]
        return max(known, key=lambda one: one.known_until, default=None)

    def said(
        self, z: Floats, origins: Ints, instants: Sequence[datetime], tried: Mapping[Method, Floats], season: int, *,
        level: bool,
    ) -> Floats | None:  # fmt: skip
        """Return what the challenger says from each origin, of shape `(origins, steps)`.

        `instants` are those at which the origins' past ended. Each origin is answered by a model that was trained on
        nothing later, so that a back-test does not know what it is asked. None if an origin has no such model.
        """
        chosen = [self.newest(instant) for instant in instants]
        rows = features(z, origins, tried, season, level=level)
        found = tried["combination"].copy()
        for model in {id(one): one for one in chosen}.values():
            if model is None:
                return None
            of = np.array([one is model for one in chosen])
            some = rows[of]
            found[of] += model.trees.predict(some.reshape(-1, some.shape[-1])).reshape(some.shape[:2])
        return found


def examples(
    z: Floats, origins: Ints, tried: Mapping[Method, Floats], season: int, grain: str, *, level: bool
) -> tuple[Floats, Floats, Floats]:
    """Return features of the newest origins of a series, what the combination lacked there in log1p, and the origins.

    Each origin has all of its steps before the end of `z`.
    """
    steps = np.array(STEPS[grain]) - 1
    some = {name: said[-ORIGINS:] for name, said in tried.items()}
    rows = features(z, origins[-ORIGINS:], some, season, level=level)[:, steps]
    lacked = z[origins[-ORIGINS:, None] + steps] - some["combination"][:, steps]
    known = ~np.isnan(lacked)
    of = np.broadcast_to(origins[-ORIGINS:, None].astype(np.float64), lacked.shape)
    return rows[known], lacked[known], of[known]


def fit(rows: Floats, lacked: Floats) -> Trees:
    """Return the trees that tell what the combination lacks; equal rows give equal trees."""
    # scikit-learn is imported here, because nothing but training needs it.
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    model: Any = HistGradientBoostingRegressor(
        loss="absolute_error", learning_rate=0.1, max_iter=60, max_leaf_nodes=15, max_depth=5, min_samples_leaf=100,
        l2_regularization=1.0, early_stopping=False, random_state=SEED,
    )  # fmt: skip
    # Sums of several threads differ in their last digits.
    with threadpool_limits(1):
        model.fit(rows, lacked)
    return Trees.of(model)
