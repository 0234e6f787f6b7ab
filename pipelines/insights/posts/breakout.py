"""Judge a post at fixed ages against the account's earlier posts of the same type at the same age.

The earlier posts are those that were published an hour before it or earlier. Their values at an age are settled before
the post comes to that age, so a judgement never changes when more is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from metrics.breakouts import (
    AGES,
    CONFIRMED_AT,
    EARLIER_DAYS,
    FEWEST_POSTS,
    LEAST_ENGAGEMENT,
    LEAST_MULTIPLE,
    LEAST_SCORE,
    MOST_POSTS,
    Refusal,
)
from metrics.catalog import DEFINITION_VERSION
from metrics.post_curves import POINT, PostCurveDocument, slot_hours
from pipelines.insights.posts.scores import Floats, spread

_LEAST_SCALE = 0.05
"""In logarithms: a post that is 5 % off is nothing for any account."""
_MOST_OF_CHANCE = 0.52
"""The deviation of `log(1 + count)` by chance is nowhere greater, also not for accounts with hardly any engagement."""
_TAIL = 0.8
"""The quantile of past scores from which on their tail is taken as exponential."""
_LEAST_EXCESS = 0.1


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of a post at an age in hours.

    `expected` is the median of the `posts` earlier posts, `lo` and `hi` bound what is usual. `score` is the distance
    from the median in robust deviations, both in logarithms. `percentile` is the percentage of earlier posts that had
    less. `chance` is how often the account has a post with at least such a score, by the tail of its earlier posts.
    """

    age: float
    observed: float
    expected: float
    lo: float
    hi: float
    multiple: float
    percentile: float
    score: float
    chance: float
    posts: int

    @property
    def breakout(self) -> bool:
        """Tell whether the post is a breakout at this age."""
        return self.score >= LEAST_SCORE and self.multiple >= LEAST_MULTIPLE and self.observed >= LEAST_ENGAGEMENT


def judge(observed: float, earlier: Floats, age: float) -> Verdict:
    """Judge an engagement at an age by that of earlier posts at the same age, of which there are some."""
    logs = np.log1p(np.maximum(earlier, 0.0))
    middle = float(np.median(logs))
    expected = float(np.expm1(middle))
    # The noise of counts by chance is the least that any account has.
    chance = min(1 / np.sqrt(1 + expected), _MOST_OF_CHANCE)
    scale = max(spread(logs), chance, _LEAST_SCALE)
    scores = (logs - middle) / scale
    score = float((np.log1p(max(observed, 0.0)) - middle) / scale)
    width = LEAST_SCORE * scale
    return Verdict(
        age,
        observed,
        expected,
        float(max(np.expm1(middle - width), 0.0)),
        float(np.expm1(middle + width)),
        observed / max(expected, 1.0),
        100 * float(np.mean(earlier < observed)),
        score,
        _chance(score, scores),
        len(earlier),
    )


def compared(post: PostCurveDocument, earlier: Sequence[PostCurveDocument], age: float) -> list[PostCurveDocument]:
    """Return the earlier posts with a value at an age that a post may be compared with, of whatever definition."""
    first = post["publishedAt"] - timedelta(days=EARLIER_DAYS)
    last = post["publishedAt"] - timedelta(hours=slot_hours(age))
    return [one for one in earlier if first <= one["publishedAt"] <= last and one["values"][POINT[age]] is not None]


def verdicts(post: PostCurveDocument, earlier: Sequence[PostCurveDocument]) -> dict[float, Verdict | Refusal]:
    """Return what is said of a post at each age that it has come to, or why nothing is.

    `earlier` are curves of the same account and type, oldest first; those that the post may not be compared with are
    left out here. An age at which the post has no value yet, or never had one, is `no_observation`.
    """
    return {age: _verdict(post, earlier, age) for age in AGES}


def _verdict(post: PostCurveDocument, earlier: Sequence[PostCurveDocument], age: float) -> Verdict | Refusal:
    place = POINT[age]
    observed = post["values"][place]
    if observed is None:
        return "no_observation"
    if observed < LEAST_ENGAGEMENT:
        return "too_few"
    known = compared(post, earlier, age)
    present = [value for one in known if is_present(one) and (value := one["values"][place]) is not None]
    if not is_present(post):
        return "definition_changed"
    if len(present) < FEWEST_POSTS:
        return "definition_changed" if len(known) >= FEWEST_POSTS else "too_few_posts"
    return judge(observed, np.array(present[-MOST_POSTS:]), age)


def is_present(curve: PostCurveDocument) -> bool:
    """Tell whether a curve is of the present definition of engagement."""
    return curve["definitionVersion"] == DEFINITION_VERSION


def newest_breakout(said: Mapping[float, Verdict | Refusal]) -> Verdict | None:
    """Return what is said at the newest age at which the post is a breakout; None if it is at none."""
    found = [one for one in said.values() if isinstance(one, Verdict) and one.breakout]
    return found[-1] if found else None


def confirmed(said: Mapping[float, Verdict | Refusal]) -> bool | None:
    """Tell whether a post is a breakout at an age of a day or more; None while it was judged at none of these."""
    old = [one for age, one in said.items() if age >= CONFIRMED_AT and (one == "too_few" or isinstance(one, Verdict))]
    if not old:
        return None
    return any(isinstance(one, Verdict) and one.breakout for one in old)


def _chance(score: float, earlier: Floats) -> float:
    """Return how often the account has such a score: an exponential tail by the median excess in its earlier posts."""
    ordered = np.sort(earlier)
    last = len(ordered) - 1
    beyond = ordered[int(_TAIL * last)]
    excess = max(ordered[int((1 + _TAIL) / 2 * last)] - beyond, _LEAST_EXCESS)
    return float((1 - _TAIL) * np.exp(-np.log(2) / excess * max(score - beyond, 0.0)))
