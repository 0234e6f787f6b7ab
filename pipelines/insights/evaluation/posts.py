"""Best times and half-lives: what was claimed, and what the posts did that were published afterwards."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

import numpy as np

from metrics import best_times
from metrics.best_times import WINDOW_HOURS
from metrics.content_decay import HalfLifeDocument
from metrics.documents import MetricType
from metrics.post_curves import AGES, POINT, PostCurveDocument
from pipelines.insights.posts.decay import LEAST_ENGAGEMENT, half_life
from pipelines.insights.posts.scores import detrended
from pipelines.insights.posts.statements import values_of

BEST_SLOTS = 3
"""Of a claim, the posts in its best weekdays and hours are compared with all posts."""
_COLUMNS = [POINT[age] for age in AGES]


class BestTimesRow(TypedDict):
    """What the best hours gave to a type of posts.

    `accounts` are those whose claims are tested, `posts` those that were published in the best slots of the claim that
    was the newest then. `claimed` and `realised` are the lifts of a typical post in them, as shares, by the same posts.
    """

    metricType: MetricType
    accounts: int
    posts: int
    claimed: float
    realised: float


class HalfLifeRow(TypedDict):
    """How half-lives held for a type of posts: `posts` were published after the statement, and have aged since.

    `betweenQuartiles` is the share of them that lie between the quartiles of the statement, `faster` the share below
    its median; a statement that holds has a half each.
    """

    metricType: MetricType
    accounts: int
    posts: int
    betweenQuartiles: float
    faster: float


class _InForce:
    """Statements about an account and a type of posts, oldest first: which of them was the newest at an instant."""

    def __init__(self, statements: Sequence[Mapping[str, Any]]) -> None:
        self._statements = sorted(statements, key=lambda one: one["madeAt"])
        self._made = [one["madeAt"] for one in self._statements]

    def at(self, instant: datetime) -> Mapping[str, Any] | None:
        """Return the newest statement that was made by an instant."""
        place = bisect_right(self._made, instant)
        return self._statements[place - 1] if place else None


def _by_type(rows: Sequence[Any]) -> dict[MetricType, list[Any]]:
    found: defaultdict[MetricType, list[Any]] = defaultdict(list)
    for row in rows:
        found[row["metricType"]].append(row)
    return found


class BestTimes:
    """Adds up claims and what became of them, an account at a time."""

    def __init__(self, since: datetime) -> None:
        self._since = since
        self._accounts: Counter[MetricType] = Counter()
        self._sums: defaultdict[MetricType, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        self.said: Counter[str] = Counter()
        """The statements by outcome: `claimed`, or the reason why there is no claim."""

    def add(self, curves: Sequence[PostCurveDocument], statements: Sequence[Mapping[str, Any]]) -> None:
        """Add the posts of an account, oldest first, and what was said of them."""
        for one in statements:
            if one["madeAt"] >= self._since:
                self.said[one.get("unavailable", "claimed")] += 1
        said = _by_type(statements)
        for metric_type, posts in _by_type(curves).items():
            if metric_type in said:
                self._of_type(metric_type, posts, _InForce(said[metric_type]))

    def _of_type(self, metric_type: MetricType, curves: Sequence[PostCurveDocument], said: _InForce) -> None:
        known = [one for one in curves if one["values"][POINT[best_times.AGE]] is not None]
        if not known:
            return
        logs = detrended(values_of(known)[:, POINT[best_times.AGE]]).tolist()
        under_claim, best, claimed = list[float](), list[float](), 0.0
        for post, log in zip(known, logs, strict=True):
            claim = said.at(post["publishedAt"])
            if post["publishedAt"] < self._since or claim is None or not claim.get("slots"):
                continue
            under_claim.append(log)
            if (lift := _best_lift(claim, post["publishedAt"])) is not None:
                best.append(log)
                claimed += float(np.log1p(lift))
        # Where all posts are in the best slots, there is nothing to compare them with.
        if best and len(best) < len(under_claim):
            usual = float(np.mean(under_claim))
            self._accounts[metric_type] += 1
            sums = self._sums[metric_type]
            sums[0] += len(best)
            sums[1] += claimed
            sums[2] += sum(best) - len(best) * usual

    def rows(self) -> list[BestTimesRow]:
        """Return a row per type of posts of which a claim was tested."""
        return [
            {
                "metricType": metric_type, "accounts": self._accounts[metric_type], "posts": int(posts),
                "claimed": round(float(np.expm1(claimed / posts)), 4),
                "realised": round(float(np.expm1(realised / posts)), 4),
            }
            for metric_type, (posts, claimed, realised) in sorted(self._sums.items())
        ]  # fmt: skip


def _best_lift(claim: Mapping[str, Any], published: datetime) -> float | None:
    """Return the lift that was claimed for an instant, None outside of the best slots."""
    local = published.astimezone(ZoneInfo(claim["timeZone"]))
    for slot in claim["slots"][:BEST_SLOTS]:
        if slot["weekday"] == local.weekday() and (local.hour - slot["hour"]) % 24 < WINDOW_HOURS:
            return float(slot["lift"])
    return None


class HalfLives:
    """Adds up half-lives of posts beside what was said before them, an account at a time."""

    def __init__(self, since: datetime) -> None:
        self._since = since
        self._accounts: Counter[MetricType] = Counter()
        self._sums: defaultdict[MetricType, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])

    def add(self, curves: Sequence[PostCurveDocument], statements: Sequence[Mapping[str, Any]]) -> None:
        """Add the posts of an account, oldest first, and what was said of them."""
        said = _by_type(statements)
        for metric_type, posts in _by_type(curves).items():
            judged = list(self._judged(posts, _InForce(said.get(metric_type, ()))))
            if judged:
                self._accounts[metric_type] += 1
                sums = self._sums[metric_type]
                sums[0] += len(judged)
                sums[1] += sum(between for between, _ in judged)
                sums[2] += sum(faster for _, faster in judged)

    def _judged(self, posts: Sequence[PostCurveDocument], said: _InForce) -> Iterator[tuple[float, float]]:
        """Yield for each post whether it lies between the quartiles, and whether below the median; 0.5 is neither."""
        for post in posts:
            statement = said.at(post["publishedAt"])
            if post["publishedAt"] < self._since or statement is None or "halfLife" not in statement:
                continue
            values = values_of([post])[0, _COLUMNS]
            if not values[-1] >= LEAST_ENGAGEMENT:
                continue
            hours = half_life(np.minimum(values / values[-1], 1.0), AGES)
            if np.isnan(hours):
                continue
            claimed: HalfLifeDocument = statement["halfLife"]
            # A quartile below the first age is not stored, and counts as 0; so does such a half-life of a post.
            q1, median, q3 = claimed.get("q1", 0.0), claimed.get("median", 0.0), claimed.get("q3", 0.0)
            yield float(q1 <= hours <= q3), 0.5 if hours == median else float(hours < median)

    def rows(self) -> list[HalfLifeRow]:
        """Return a row per type of posts."""
        return [
            {
                "metricType": metric_type, "accounts": self._accounts[metric_type], "posts": int(posts),
                "betweenQuartiles": round(between / posts, 4), "faster": round(faster / posts, 4),
            }
            for metric_type, (posts, between, faster) in sorted(self._sums.items())
        ]  # fmt: skip
