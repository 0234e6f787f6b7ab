"""`train`: a model of what becomes of posts that have some age, with intervals from posts that it was not fitted to.

The older posts of a history fit the models, the newer ones judge them, choose between them, and give the errors from
which intervals are made (split-conformal prediction: Lei et al., *Distribution-Free Predictive Inference For
Regression*, 2018). All numbers are `log(1 + engagement)` until the end.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.post_outlooks import Method, OutlookBacktest

Floats = NDArray[np.float64]
Predict = Callable[[Floats], Floats]
FITTED = 0.6
"""The share of posts, the oldest, that fit the models."""
BETTER = 0.05
"""The share by which the boosted model's error has to be smaller, to be taken."""
MISSES = {"80": 0.2, "95": 0.05}
_TREES = 100
_LEARNING_RATE = 0.08
_LEAVES = 12
_LEAST_IN_LEAF = 15


@dataclass(frozen=True, slots=True)
class Examples:
    """Posts in order of their publication, at one age.

    `now` and `half` are their engagement at the age and at half of it, `level` is the median of the account's earlier
    posts (NaN where there are too few), `curve` has the engagement at all known ages up to this one, of shape
    `(posts, ages)`; all are logarithms of one and the number.
    """

    now: Floats
    half: Floats
    level: Floats
    curve: Floats

    def __len__(self) -> int:
        return len(self.now)

    def part(self, chosen: slice) -> "Examples":
        """Return some of the posts."""
        return Examples(self.now[chosen], self.half[chosen], self.level[chosen], self.curve[chosen])


@dataclass(frozen=True, slots=True)
class Outlook:
    """The expected engagement of posts; each array has a value per post, in engagements."""

    value: Floats
    lower: dict[str, Floats]
    upper: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model, the errors of the posts that it was not fitted to, and how good it was on them."""

    method: Method
    predict: Predict
    errors: Floats
    backtest: OutlookBacktest

    def outlook(self, posts: Examples) -> Outlook:
        """Return what is expected of posts; nothing is below what they have already."""
        middle = self.middle(posts)
        lower, upper = {}, {}
        for name, miss in MISSES.items():
            low, high = bounds(self.errors, miss)
            lower[name] = np.expm1(np.maximum(middle + low, posts.now))
            upper[name] = np.expm1(np.maximum(middle + high, posts.now))
        return Outlook(np.expm1(middle), lower, upper)

    def middle(self, posts: Examples) -> Floats:
        """Return the logarithm of what is expected."""
        return np.maximum(self.predict(_columns(posts)), posts.now)

    def probability_above(self, posts: Examples, limits: Floats) -> Floats:
        """Return the probability that posts exceed limits, in engagements, by the errors of the back-test."""
        reached = self.middle(posts)[:, None] + self.errors[None, :] >= np.log1p(limits)[:, None]
        certain = posts.now >= np.log1p(limits)
        return np.where(certain, 1.0, reached.mean(axis=1))


def train(posts: Examples, final: Floats, *, boosting: bool = True) -> Model:
    """Return the better of two models of the final engagement; `final` has its logarithm, in the order of the posts."""
    cut = int(len(posts) * FITTED)
    older, newer = posts.part(slice(None, cut)), posts.part(slice(cut, None))
    columns, judged = _columns(older), _columns(newer)
    candidates: dict[Method, Predict] = {"log_linear": _log_linear(columns, final[:cut])}
    if boosting:
        candidates["boosted"] = _boosted(columns, final[:cut])
    said = {name: np.maximum(predict(judged), newer.now) for name, predict in candidates.items()}
    missed = {name: float(np.median(_relative(one, final[cut:]))) for name, one in said.items()}
    method: Method = "log_linear"
    if boosting and missed["boosted"] < (1 - BETTER) * missed["log_linear"]:
        method = "boosted"
    errors = final[cut:] - said[method]
    found: OutlookBacktest = {
        "posts": len(newer),
        "error": missed[method],
        "errorLogLinear": missed["log_linear"],
        "coverage80": _coverage(errors, said[method], newer.now, MISSES["80"]),
        "coverage95": _coverage(errors, said[method], newer.now, MISSES["95"]),
    }
    return Model(method, candidates[method], np.sort(errors), found)


def bounds(errors: Floats, miss: float) -> tuple[float, float]:
    """Return the conformal quantiles of errors between which the share `1 - miss` of them and one more lies."""
    ordered, count = np.sort(errors), len(errors)
    low = math.floor((count + 1) * miss / 2)
    high = math.ceil((count + 1) * (1 - miss / 2))
    return float(ordered[max(low, 1) - 1]), float(ordered[min(high, count) - 1])


def _coverage(errors: Floats, said: Floats, now: Floats, miss: float) -> float:
    """Return the share of errors inside the bounds that the other half of the errors gives."""
    inside = np.zeros(len(errors), dtype=bool)
    for half in (0, 1):
        low, high = bounds(errors[1 - half :: 2], miss)
        lower = np.maximum(said[half::2] + low, now[half::2])
        inside[half::2] = (errors[half::2] + said[half::2] >= lower) & (errors[half::2] <= high)
    return float(inside.mean())


def _relative(said: Floats, final: Floats) -> Floats:
    actual = np.expm1(final)
    found: Floats = np.abs(np.expm1(said) - actual) / np.maximum(actual, 1.0)
    return found


def _columns(posts: Examples) -> Floats:
    """Return the features: those of the log-linear model are the first three."""
    return np.column_stack([posts.now, posts.half, posts.level, posts.curve])


def _log_linear(columns: Floats, final: Floats) -> Predict:
    """Fit `a + b now + c half + d level` by least squares; an unknown level counts as the mean one."""
    levels = columns[:, 2]
    mean = float(np.nanmean(levels)) if not np.isnan(levels).all() else 0.0

    def terms(of: Floats) -> Floats:
        level = np.where(np.isnan(of[:, 2]), mean, of[:, 2])
        return np.column_stack([np.ones(len(of)), of[:, 0], of[:, 1], level])

    weights = np.linalg.lstsq(terms(columns), final, rcond=None)[0]
    return lambda of: terms(of) @ weights


def _boosted(columns: Floats, final: Floats) -> Predict:
    """Fit boosted trees to the median."""
    # Importing scikit-learn takes a second and 60 MB, which no other run shall pay.
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    model = HistGradientBoostingRegressor(
        loss="absolute_error",
        max_iter=_TREES,
        learning_rate=_LEARNING_RATE,
        max_leaf_nodes=_LEAVES,
        min_samples_leaf=_LEAST_IN_LEAF,
        early_stopping=False,
        random_state=0,
    )
    known = ~np.isnan(columns).all(axis=0)
    # Small trees are slower on several threads, and a step shares its machine.
    with threadpool_limits(1):
        model.fit(columns[:, known], final)

    def predict(of: Floats) -> Floats:
        with threadpool_limits(1):
            found: Floats = model.predict(of[:, known])
        return found

    return predict
