"""The methods alone: decay, best times and outlooks on posts whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.support.daily_series import DATA
from bench.support.post_bars import early_life, half_life, read_items
from metrics.best_times import CLAIMED
from pipelines.insights.posts.best_times import Posts, best_times
from pipelines.insights.posts.decay import decay
from pipelines.insights.posts.outlook import Examples, Floats, bounds, train
from pipelines.insights.posts.scores import SPAN, detrended, normal_scores

AGES = (1, 2, 3, 6, 12, 24, 48, 72, 168)


def made_up(seed: int, posts: int = 100, *, raised: int | None = None, noise: float = 0.5) -> Posts:
    random = np.random.default_rng(seed)
    hours, weekdays = random.integers(7, 23, posts), random.integers(0, 7, posts)
    logs = 5 + noise * random.normal(size=posts)
    if raised is not None:
        logs += np.log(1.8) * ((hours - raised) % 24 < 3)
    return Posts(hours, weekdays, np.exp(logs))


@pytest.mark.parametrize("true", [1.5, 5.0, 30.0])
def test_half_life_is_that_of_the_curve(true: float) -> None:
    finals = np.linspace(20, 900, 40)[:, None]
    ages = np.array(AGES, dtype=float)
    values = finals * (ages / true) / (1 + ages / true) * (1 + true / 168)
    found = decay(values, AGES)
    assert found is not None
    exact = true / (1 + 2 * true / 168)  # where the curve has half of its value at 168 hours
    assert found.half_life.median == pytest.approx(exact, rel=0.1)
    assert found.shares[168].median == 1
    assert list(found.shares) == list(AGES)


def test_decay_needs_twenty_posts_at_an_age_and_says_nothing_of_small_ones() -> None:
    values = np.tile(np.linspace(60, 100, 9), (25, 1))
    values[:10, 3] = np.nan
    found = decay(values, AGES)
    assert found is not None
    assert 6 not in found.shares
    assert found.half_life.median == 0, "it had more than half at the first age"
    assert decay(values[:19], AGES) is None
    assert decay(values / 50, AGES) is None, "two engagements are too coarse"


@given(st.lists(st.floats(0, 1e6), min_size=3, max_size=60))
def test_normal_scores_keep_the_order_and_centre_on_zero(values: list[float]) -> None:
    scores = normal_scores(np.array(values))
    assert abs(scores.mean()) < 1e-9
    for one in range(len(values) - 1):
        assert np.sign(values[one + 1] - values[one]) == np.sign(round(scores[one + 1] - scores[one], 12))


@given(st.integers(1, 120), st.floats(0.1, 50))
@settings(max_examples=20)
def test_growth_of_an_account_is_taken_out(posts: int, factor: float) -> None:
    engagement = 100.0 * np.exp(np.linspace(0, 1, posts)) * factor
    assert np.abs(detrended(engagement)).max() < 0.05 + SPAN / max(posts, 1)


def test_claims_are_rare_without_an_effect_and_right_where_there_is_one() -> None:
    null = [best_times([made_up(seed)]) for seed in range(60)]
    assert sum(one is not None and one.p <= CLAIMED for one in null) <= 7, "5 % are three"
    for seed in range(10):
        found = best_times([made_up(seed, 200, raised=17)])
        assert found is not None
        assert found.p <= CLAIMED
        best = max(found.windows, key=lambda hour: found.windows[hour].lift)
        assert abs(best - 17) <= 1
        assert 0.1 < found.windows[best].lift < 0.9, "shrunk, but seen"
        assert found.windows[best].lo80 < found.windows[best].lift < found.windows[best].hi80
        assert next(iter(found.slots))[1] in (16, 17, 18)


def test_windows_with_few_posts_are_not_published_and_equal_posts_say_nothing() -> None:
    found = best_times([made_up(1)])
    assert found is not None
    assert all(one.posts >= 8 for one in found.windows.values())
    assert 2 not in found.windows
    same = made_up(1)
    assert best_times([Posts(same.hours, same.weekdays, np.full(100, 7.0))]) is None


def test_same_posts_give_the_same_statement() -> None:
    first, second = (best_times([made_up(3, raised=9)]) for _ in range(2))
    assert first == second


def young(seed: int, posts: int) -> tuple[Examples, Floats]:
    """Posts whose final engagement is about three times that of now, with noise of a fifth."""
    random = np.random.default_rng(seed)
    now = random.normal(4, 1, posts)
    final = now + np.log(3) + 0.2 * random.normal(size=posts)
    half = now - 0.5 + 0.1 * random.normal(size=posts)
    return Examples(now, half, np.full(posts, 4.0), np.column_stack([half, now])), final


def test_outlook_is_right_and_its_intervals_hold_what_they_promise() -> None:
    model = train(*young(1, 1500))
    posts, final = young(2, 2000)
    found, actual = model.outlook(posts), np.expm1(final)
    assert np.median(np.abs(found.value / actual - 1)) < 0.2
    for name, share in (("80", 0.8), ("95", 0.95)):
        inside = np.mean((found.lower[name] <= actual) & (actual <= found.upper[name]))
        assert inside == pytest.approx(share, abs=0.04)
        assert model.backtest[f"coverage{name}"] == pytest.approx(share, abs=0.04)  # type: ignore[literal-required]
    assert (found.lower["95"] <= found.lower["80"]).all()
    assert (found.lower["80"] >= np.expm1(posts.now) - 1e-6).all(), "nobody takes back what a post has"
    chance = model.probability_above(posts, np.full(2000, np.quantile(actual, 0.9)))
    assert chance.mean() == pytest.approx(0.1, abs=0.02)


def test_trees_are_taken_only_where_they_are_better() -> None:
    assert train(*young(1, 800)).method == "log_linear"
    posts, _ = young(1, 800)
    bent = np.where(posts.half > 3.5, posts.now + 2, posts.now + 0.2)
    found = train(posts, bent)
    assert found.method == "boosted"
    assert found.backtest["error"] < 0.95 * found.backtest["errorLogLinear"]


@given(st.lists(st.floats(-5, 5), min_size=60, max_size=300, unique=True), st.sampled_from([0.2, 0.05]))
def test_conformal_bounds_hold_the_share_of_known_errors(errors: list[float], miss: float) -> None:
    low, high = bounds(np.array(errors), miss)
    assert np.mean([low <= one <= high for one in errors]) >= 1 - miss - 1 / len(errors)


@pytest.mark.skipif(not DATA.is_dir(), reason="there are no public data beside the checkout")
def test_bars_on_public_items_are_met() -> None:
    items = read_items(DATA)
    assert items is not None
    assert [*early_life(items), *half_life(items)] == []
