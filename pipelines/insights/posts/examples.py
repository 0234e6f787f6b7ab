"""Posts as examples for a model, and the final engagement of an account's earlier posts, by which a post is placed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from metrics.post_curves import FINAL_AGE, POINT, POINTS, PostCurveDocument, settled_after
from pipelines.insights.posts.outlook import Examples, Floats
from pipelines.insights.posts.statements import values_of

LAST_POSTS = 100
"""Posts of an account by which its level is known."""
_LEAST_FOR_LEVEL = 5
_LEAST_FOR_PLACE = 20
_FINAL = POINT[FINAL_AGE]


@dataclass(frozen=True, slots=True)
class AccountFinals:
    """The final engagement of an account's newest posts that had come to their end, at most 100."""

    finals: Floats

    def level(self) -> float:
        """Return the median of the logarithms; NaN if there are too few posts."""
        return _level(np.log1p(self.finals))

    def example(self, curve: PostCurveDocument, age: float) -> Examples:
        """Return a post at an age as an example."""
        return _examples(values_of([curve]), np.array([self.level()]), age)

    def percentile(self, value: float) -> float:
        """Return the percentage of posts that had less."""
        return 100 * float(np.mean(self.finals < value))

    def top10(self) -> float | None:
        """Return what a tenth of the posts exceeded; None if there are too few posts."""
        return float(np.quantile(self.finals, 0.9)) if len(self.finals) >= _LEAST_FOR_PLACE else None


def finals_of(account_ids: Sequence[str], curves: Sequence[PostCurveDocument]) -> Mapping[str, AccountFinals]:
    """Return the final engagement of accounts' posts, which are in order of publication; unknown ones are left out."""
    found: dict[str, list[float]] = {one: [] for one in account_ids}
    for curve in curves:
        if (value := curve["values"][_FINAL]) is not None:
            found[curve["accountId"]].append(value)
    return {one: AccountFinals(np.array(values[-LAST_POSTS:])) for one, values in found.items()}


def examples_of(curves: Sequence[PostCurveDocument], age: float) -> tuple[Examples, Floats]:
    """Return posts in order of publication as examples at an age, and the logarithm of their final engagement.

    The level of each is that of the account's posts which had come to their end when it was published.
    """
    values = values_of(curves)
    levels, earlier = [], dict[str, list[tuple[datetime, float]]]()
    for curve, final in zip(curves, np.log1p(values[:, _FINAL]).tolist(), strict=True):
        of_account = earlier.setdefault(curve["accountId"], [])
        published = curve["publishedAt"]
        ended = [one for at, one in of_account[-2 * LAST_POSTS :] if at + settled_after(FINAL_AGE) <= published]
        levels.append(_level(np.array(ended[-LAST_POSTS:])))
        of_account.append((published, final))
    return _examples(values, np.array(levels), age), np.log1p(values[:, _FINAL])


def _examples(values: Floats, levels: Floats, age: float) -> Examples:
    logs = np.log1p(np.maximum(values, 0.0))
    known = [POINT[one] for one in POINTS if one <= age]
    return Examples(logs[:, POINT[age]], logs[:, POINT[age / 2]], levels, logs[:, known])


def _level(logs: Floats) -> float:
    return float(np.median(logs)) if len(logs) >= _LEAST_FOR_LEVEL else float("nan")
