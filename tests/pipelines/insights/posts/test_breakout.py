"""The judgement of a post at fixed ages: by the account's own earlier posts, refused with a reason, and pure."""

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.breakouts import AGES
from metrics.catalog import DEFINITION_VERSION
from metrics.periods import HOUR
from metrics.post_curves import POINT, POINTS, PostCurveDocument
from pipelines.insights.posts.breakout import Verdict, confirmed, judge, newest_breakout, verdicts
from pipelines.insights.posts.curves import curve

START = datetime(2026, 3, 2, 10, 20, tzinfo=UTC)
USUAL = [60.0, 80, 90, 100, 100, 105, 110, 120, 150, 200] * 3


def posted(at: datetime, values: Sequence[float | None], **fields: Any) -> PostCurveDocument:
    """Return the curve of a post with a value at each age of `POINTS`."""
    document = {
        "_id": f"p-{at:%m%d%H%M}", "workspaceId": "w", "accountId": "a", "platform": "instagram", "metricType": "post",
        "publishedAt": at, "values": list(values), "definitionVersion": DEFINITION_VERSION, **fields,
    }  # fmt: skip
    return cast("PostCurveDocument", document)


def flat(at: datetime, value: float | None, **fields: Any) -> PostCurveDocument:
    return posted(at, [value] * len(POINTS), **fields)


def history(values: Sequence[float], apart: timedelta = 10 * HOUR, **fields: Any) -> list[PostCurveDocument]:
    """Return earlier posts of which the last was published some hours before `START`, oldest first."""
    return [flat(START - (len(values) - n) * apart, value, **fields) for n, value in enumerate(values)]


def said(value: float | None, earlier: Sequence[PostCurveDocument], age: float = 6, **fields: Any) -> Any:
    return verdicts(flat(START, value, **fields), earlier)[age]


def test_post_far_above_the_usual_is_a_breakout_with_its_numbers() -> None:
    one = said(1000, history(USUAL))
    assert one.breakout
    middle = median(math.log1p(value) for value in USUAL)
    assert (one.age, one.observed, one.posts, one.percentile) == (6, 1000, 30, 100)
    assert one.expected == pytest.approx(math.expm1(middle))
    assert one.multiple == pytest.approx(1000 / math.expm1(middle))
    deviation = 1.4826 * median(abs(math.log1p(value) - middle) for value in USUAL)
    assert one.score == pytest.approx((math.log1p(1000) - middle) / deviation)
    assert one.lo < one.expected < one.hi < 1000
    assert said(one.hi + 1, history(USUAL)).score > 3 > said(one.hi - 1, history(USUAL)).score
    assert said(105, history(USUAL)).percentile == 50


@pytest.mark.parametrize(
    ("value", "earlier", "breakout"),
    [
        (190, [100.0] * 30, False),  # far outside of chance, but less than twice the median
        (210, [100.0] * 30, True),
        (400, [10.0, 1000.0] * 15, False),  # four times the median, on an account of which that is usual
        (10, [0.0, 1.0, 0.0] * 10, True),
        (40, [20.0, 21.0] * 15, False),  # twice the median, which chance explains
    ],
)
def test_breakout_is_beyond_chance_beyond_the_account_and_a_multiple(
    value: float, earlier: list[float], breakout: bool
) -> None:
    assert said(value, history(earlier)).breakout is breakout


def test_post_is_compared_at_its_own_age() -> None:
    by_age = [10.0 * age for age in POINTS]
    earlier = [posted(one["publishedAt"], by_age) for one in history(USUAL)]
    early = posted(START, [one * (8 if age <= 3 else 1) for one, age in zip(by_age, POINTS, strict=True)])
    found = verdicts(early, earlier)
    assert [age for age in AGES if isinstance(one := found[age], Verdict) and one.breakout] == [1, 2, 3]
    assert [one.expected for one in found.values() if isinstance(one, Verdict)] == pytest.approx(
        [10 * age for age in AGES]
    )


def test_newest_hundred_posts_of_half_a_year_count() -> None:
    earlier = history([5000.0] * 40 + [100.0] * 100)
    assert (said(900, earlier).posts, said(900, earlier).expected) == (100, pytest.approx(100))
    assert said(900, history([100.0] * 30, apart=timedelta(days=7))).posts == 25
    assert said(900, history([100.0] * 30, apart=timedelta(days=9))).posts == 20
    assert said(900, history([100.0] * 30, apart=timedelta(days=10))) == "too_few_posts"


def test_posts_of_the_same_hour_and_later_ones_are_left_out() -> None:
    earlier = history([100.0] * 20)
    near = [flat(START - timedelta(minutes=59), 100), flat(START + HOUR, 100)]
    assert said(900, earlier + near).posts == 20
    assert said(900, earlier[1:] + near) == "too_few_posts"
    assert said(900, [*earlier[1:], flat(START - HOUR, 100)]).posts == 20


def test_each_refusal_has_its_reason() -> None:
    earlier, old = history([100.0] * 30), history([100.0] * 30, definitionVersion=DEFINITION_VERSION - 1)
    assert said(None, earlier) == "no_observation"
    assert said(9.9, earlier) == "too_few"
    assert said(900, earlier[:19]) == "too_few_posts"
    assert said(900, old[:29]) == "definition_changed"
    assert said(900, old[:11] + earlier[:19]) == "definition_changed"
    assert said(900, earlier, definitionVersion=DEFINITION_VERSION - 1) == "definition_changed"
    unknown = [posted(one["publishedAt"], [100 if age < 6 else None for age in POINTS]) for one in earlier]
    assert said(900, unknown) == "too_few_posts"
    assert isinstance(said(900, unknown, age=3), Verdict)


def test_rarer_scores_have_smaller_chances() -> None:
    random_ = np.random.default_rng(3)
    usual = np.exp(5 + 0.5 * random_.normal(size=100))
    chances = [judge(float(np.exp(5 + 0.5 * score)), usual, 6.0).chance for score in (-1, 0, 2, 3, 4, 6)]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] == pytest.approx(0.2)
    assert 0.001 < chances[3] < 0.02, "one in 740 by a normal distribution"


@pytest.mark.parametrize(
    ("at_24", "at_48", "holds"),
    [
        (None, None, None),
        (900, None, True),
        (100, None, False),
        (5, None, False),
        (None, 900, True),
        (None, 100, False),
        (100, 900, True),
        (900, 100, True),
    ],
)
def test_breakout_is_confirmed_at_the_age_of_a_day_or_two(
    at_24: float | None, at_48: float | None, holds: bool | None
) -> None:
    values: list[float | None] = [900.0] * len(POINTS)
    values[POINT[24]], values[POINT[48]] = at_24, at_48
    found = verdicts(posted(START, values), history(USUAL))
    assert confirmed(found) is holds
    newest = newest_breakout(found)
    assert newest is not None
    assert newest.age == (48 if at_48 == 900 else 24 if at_24 == 900 else 12)


def test_age_of_a_day_without_enough_posts_decides_nothing() -> None:
    earlier = [posted(one["publishedAt"], [100 if age < 24 else None for age in POINTS]) for one in history(USUAL)]
    assert confirmed(verdicts(flat(START, 900), earlier)) is None


@given(st.integers(0, 2**32), st.floats(0, 60), st.floats(0, 60), st.floats(0, 0.5))
def test_nothing_that_was_said_changes_when_more_is_read(seed: int, cut: float, later: float, missed: float) -> None:
    """A verdict at an instant stays the same at every later one: no judgement has knowledge of the future."""
    numbers = random.Random(seed)
    times = [*sorted(START - timedelta(minutes=numbers.randrange(20 * 60)) for _ in range(24)), START]
    read = [[hour * HOUR for hour in range(30, 110) if numbers.random() >= missed] for _ in times]
    sizes = [math.exp(numbers.gauss(4, 0.5)) for _ in times[:-1]] + [math.exp(numbers.uniform(2, 8))]

    def known(now: datetime) -> dict[float, Any]:
        curves = []
        for at, hours, size in zip(times, read, sizes, strict=True):
            slots = [(START.replace(minute=0) - 50 * HOUR + hour - at) / HOUR for hour in hours]
            readings = [(age, size * age / (age + 5)) for age in slots if age > 0]
            curves.append(posted(at, curve(readings, (now - at) / HOUR)))
        return verdicts(curves[-1], curves[:-1])

    before, after = known(START + cut * HOUR), known(START + (cut + later) * HOUR)
    for age, one in before.items():
        if one != "no_observation":
            assert after[age] == one
