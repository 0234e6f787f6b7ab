"""The detectors by themselves: nothing depends on a later hour or day, gaps say nothing, and events are found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.support.planted import BY_DAY, BY_HOUR, Event, planted, rates
from pipelines.insights.anomalies.days import HISTORY_DAYS, judge_followers, judge_sums
from pipelines.insights.anomalies.episodes import merged, of_days, of_hours, severity
from pipelines.insights.anomalies.hours import HISTORY_WEEKS, WEEK, HourScores, judge_weeks
from pipelines.insights.anomalies.smoothing import Floats, counted, smooth, stabilised

HOURS = (HISTORY_WEEKS + 2) * WEEK
FIELDS = ("expected", "lo", "hi", "score", "threshold", "chance")


def noise(seed: int, series: int = 2) -> tuple[np.random.Generator, Floats, Floats]:
    random = np.random.default_rng(seed)
    rate = rates(random, series, HISTORY_WEEKS + 2)
    return random, rate, random.poisson(rate).astype(np.float64)


def same(some: HourScores, others: HourScores, hours: slice) -> None:
    for name in FIELDS:
        np.testing.assert_allclose(getattr(some, name)[:, hours], getattr(others, name)[:, hours], rtol=1e-12)


def same_but(some: HourScores, others: HourScores, left_out: NDArray[np.bool_]) -> None:
    """Check that only scores of the hours that are kept out differ, and how rare these are."""
    for name in FIELDS:
        ours, theirs = getattr(some, name), getattr(others, name)
        everywhere = name in ("expected", "lo", "hi", "threshold")
        np.testing.assert_array_equal(
            ours if everywhere else ours[~left_out], theirs if everywhere else theirs[~left_out]
        )


@given(st.integers(0, 100), st.integers(1, 2 * WEEK - 1), st.lists(st.integers(0, HOURS - 1), max_size=60))
@settings(max_examples=15, deadline=None)
def test_no_hour_depends_on_a_later_one(seed: int, back: int, gaps: list[int]) -> None:
    _, _, counts = noise(seed, 1)
    counts[:, gaps] = np.nan
    cut = HOURS - back
    whole, known = judge_weeks(counts, 2), judge_weeks(counts[:, :cut], 2)
    same(whole, known, slice(HOURS - 2 * WEEK, cut))
    same(whole, judge_weeks(counts, 2), slice(0, HOURS))


@given(st.integers(0, 100), st.integers(1, 13))
@settings(max_examples=30, deadline=None)
def test_no_day_depends_on_a_later_one(seed: int, back: int) -> None:
    values = np.random.default_rng(seed).gamma(4, 100, 90)
    for judge in (judge_sums, judge_followers):
        whole, known = judge(values, 14), judge(values[:-back], 14)
        np.testing.assert_array_equal(whole.score[: 14 - back], known.score[back:])
        np.testing.assert_array_equal(whole.alarms[: 14 - back], known.alarms[back:])


@given(st.integers(0, 100), st.lists(st.integers(0, HOURS // 24 - 1), max_size=12), st.integers(0, 500))
@settings(max_examples=10, deadline=None)
def test_no_hour_is_judged_by_an_hour_that_is_kept_out(seed: int, days: list[int], instead: int) -> None:
    _, _, counts = noise(seed)
    left_out = np.zeros(counts.shape, dtype=np.bool_)
    for day in days:
        left_out[0, 24 * day : 24 * day + 24] = True
    changed = np.where(left_out, float(instead), counts)
    before, after = judge_weeks(counts, 2, left_out=left_out), judge_weeks(changed, 2, left_out=left_out)
    same_but(before, after, left_out)
    alone = judge_weeks(counts[1:], 2)
    np.testing.assert_allclose(before.score[1], alone.score[0], rtol=1e-9, err_msg="the other series has no such hour")
    assert np.isfinite(after.score[left_out][after.expected[left_out] > 0]).all(), "what is kept out is judged"
    nothing = np.zeros_like(left_out)
    same(judge_weeks(counts, 2, left_out=nothing), judge_weeks(counts, 2), slice(0, HOURS))


@given(st.integers(0, 100), st.sets(st.integers(0, 89), max_size=15), st.integers(0, 5000))
@settings(max_examples=30, deadline=None)
def test_no_day_is_judged_by_a_day_that_is_kept_out(seed: int, days: set[int], instead: int) -> None:
    values = np.random.default_rng(seed).gamma(4, 100, 90)
    left_out = np.isin(np.arange(90), list(days))
    changed = np.where(left_out, float(instead), values)
    before, after = judge_sums(values, 14, left_out), judge_sums(changed, 14, left_out)
    np.testing.assert_array_equal(before.expected, after.expected)
    np.testing.assert_array_equal(before.score[~left_out[-14:]], after.score[~left_out[-14:]])
    # The gain of the day after one that is kept out begins at its level: levels change as a whole.
    gains = np.diff(values, prepend=0)
    of_followers = judge_followers(np.cumsum(gains), 14, left_out)
    other = judge_followers(np.cumsum(np.where(left_out, float(instead), gains)), 14, left_out)
    np.testing.assert_allclose(of_followers.expected, other.expected, atol=1e-6)
    for judge in (judge_sums, judge_followers):
        np.testing.assert_array_equal(judge(values, 14).score, judge(values, 14, np.zeros(90, np.bool_)).score)


def test_a_campaign_does_not_hide_the_drop_after_it() -> None:
    values = np.array([*np.random.default_rng(7).poisson(400, 70), *[1600.0] * 14, 130.0])
    left_out = np.zeros(len(values), dtype=np.bool_)
    left_out[-15:-1] = True
    assert judge_sums(values, 1, left_out).score[0] < -10
    assert judge_sums(values, 1, left_out).expected[0] == pytest.approx(400, rel=0.1)
    assert judge_sums(values, 1).expected[0] > 800, "without, the campaign is taken for what is usual"


def test_hours_after_a_gap_need_a_higher_score() -> None:
    _, _, counts = noise(4, 1)
    gap = HOURS - 40
    whole, broken = judge_weeks(counts, 1), counts.copy()
    broken[:, gap : gap + 3] = np.nan
    ratio = judge_weeks(broken, 1).threshold[0] / whole.threshold[0]
    same_day = (gap + 3) // 24 * 24 + 24
    np.testing.assert_allclose(ratio[gap + 3 : same_day], 1.1)
    assert ratio[gap + 2] == 1.0
    assert ratio[gap + 24] > 1.05
    assert ratio[gap + 25] < 1.05


def test_days_that_fall_to_nothing_now_and_then_are_usual() -> None:
    random = np.random.default_rng(8)
    values = random.poisson(60, HISTORY_DAYS + 8).astype(np.float64)
    values[-1] = 1.0
    assert judge_sums(values, 1).alarms.all(), "it never was so low"
    values[5:-1:6] = random.poisson(2, len(values[5:-1:6]))
    assert not judge_sums(values, 1).alarms.any()
    values[-1] = 900.0
    assert judge_sums(values, 1).alarms.all(), "it never was so high"


def test_a_series_is_judged_by_itself() -> None:
    _, _, counts = noise(3, 4)
    whole = judge_weeks(counts, 1)
    for row in range(len(counts)):
        alone = judge_weeks(counts[row : row + 1], 1)
        for name in FIELDS:
            np.testing.assert_allclose(getattr(whole, name)[row], getattr(alone, name)[0], rtol=1e-12)


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=20))
def test_counts_come_back_from_their_transformation(values: list[int]) -> None:
    counts = np.array(values, dtype=np.float64)
    assert counted(stabilised(counts)) == pytest.approx(counts, rel=1e-9, abs=1e-6)


def test_smoothing_is_that_of_a_plain_loop() -> None:
    """The reference shares no code: one series, one pair of rates, a dictionary of seasons."""
    z = stabilised(np.random.default_rng(5).poisson(40, (1, 100)).astype(np.float64))
    z[0, 60] = np.nan
    found = smooth(z, 50)
    head = z[0, :48]
    level = float(np.median(head))
    season = {hour: (head[hour] + head[hour + 24]) / 2 - level for hour in range(24)}
    middle = sum(season.values()) / 24
    season = {hour: 0.7 * (value - middle) for hour, value in season.items()}
    for hour in range(100):
        expected = level + season[hour % 24]
        assert found.expected[0, hour] == pytest.approx(expected)
        if not np.isnan(z[0, hour]):
            residual = z[0, hour] - expected
            level += 0.02 * residual
            season[hour % 24] += 0.1 * (1 - 0.02) * residual


@pytest.mark.parametrize("event", BY_HOUR, ids=lambda event: event.name)
def test_events_of_hours_are_found_and_described(event: Event) -> None:
    random, rate, counts = noise(11, 20)
    changed, starts = planted(random, rate, counts, event)
    scores = judge_weeks(changed, 2)
    found = 0
    for row, start in enumerate(starts):
        here = [one for one in of_hours(scores, changed, row) if one.first < start + event.hours and one.end > start]
        found += bool(here)
        for one in here:
            assert one.direction == ("up" if event.factor > 1 else "down")
            assert not one.lo <= one.observed <= one.hi, "the observed sum lies outside of the bounds"
            assert 1 <= one.severity <= 10
    assert found >= 10


@pytest.mark.parametrize("event", BY_DAY, ids=lambda event: event.name)
def test_events_of_days_are_found(event: Event) -> None:
    random, rate, counts = noise(12, 20)
    changed, starts = planted(random, rate, counts, event)
    days = changed.reshape(20, -1, 24).sum(axis=2)
    found = 0
    for row, start in enumerate(starts):
        alarms = np.zeros(days.shape[1], dtype=bool)
        alarms[-14:] = judge_sums(days[row], 14).alarms
        found += bool(alarms[start // 24 : (start + event.hours - 1) // 24 + 1].any())
    assert found >= 15


def test_days_in_a_row_in_one_direction_are_a_shift() -> None:
    values = np.random.default_rng(1).poisson(1000, 80).astype(np.float64)
    values[-4:] *= 2
    episode = of_days(judge_sums(values, 8), values[-8:])[-1]
    assert (episode.kind, episode.direction, episode.first, episode.end) == ("shift", "up", 4, 8)


def test_followers_that_vanish_in_a_day_are_a_drop_and_a_gap_is_none() -> None:
    levels = 100_000 + np.cumsum(np.random.default_rng(2).poisson(20, 70)).astype(np.float64)
    assert not judge_followers(levels, 14).alarms.any()
    fallen = levels.copy()
    fallen[-3:] -= 2000
    assert np.flatnonzero(judge_followers(fallen, 14).alarms).tolist() == [11]
    fallen[-4] = np.nan
    assert not judge_followers(fallen, 14).alarms.any(), "the loss is of two days, in one of which nothing was observed"


def test_a_small_gain_of_a_large_account_is_no_anomaly() -> None:
    levels = 10_000_000 + np.cumsum(np.full(70, 20.0))
    levels[-1] += 500
    assert not judge_followers(levels, 1).alarms.any(), "it is less than a thousandth of the followers"


def test_alarms_less_than_twelve_hours_apart_are_one_and_the_next_day_is_cool_down() -> None:
    assert list(merged([0, 11, 22, 40, 60], [1] * 5, 12, 24)) == [(0, 22), (60, 60)]
    assert list(merged([0, 34], [1, 1], 12, 24)) == [(0, 0), (34, 34)], "34 h are more than a day"
    assert list(merged([0, 5], [1, -1], 12, 24)) == [(0, 0), (5, 5)], "the other direction is another anomaly"


def test_severity_grows_with_rarity() -> None:
    assert [severity(10.0**-power) for power in range(1, 9)] == [1, 1, 2, 4, 6, 8, 10, 10]


def test_too_few_days_are_not_judged() -> None:
    assert np.isnan(judge_sums(np.full(HISTORY_DAYS, 100.0), HISTORY_DAYS).score[:21]).all()
