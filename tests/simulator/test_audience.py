"""Audiences: seasons of half of the accounts, noise from hour to hour, second waves, and what they leave alone."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import exp
from pathlib import Path
from statistics import mean, pvariance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.documents import Platform
from metrics.periods import HOUR, WEEK, midnight
from simulator import truth
from simulator.audience import Audience, audience_of
from simulator.curves import curve_of
from simulator.registry import new_world
from simulator.season import BLOCK_HOURS, STRONGEST, WIDEST
from simulator.world import EPOCH, FIRST_BAR_SEED, SimAccount, SimPost, World, account_seed

WORLD = new_world()
MANY = 600
instants = st.datetimes(datetime(2025, 12, 1), datetime(2027, 2, 1), timezones=st.just(UTC))
indices = st.integers(0, 999_999)
PLATFORMS = st.sampled_from(list(WORLD.platforms))


def account_of(platform: Platform, index: int) -> SimAccount:
    return WORLD.account(platform, index)


def posts_of(world: World, count: int, days: int = 40) -> list[SimPost]:
    start = EPOCH + timedelta(days=60)
    return [
        post
        for index in range(count)
        for post in world.posts(world.account("twitter", index), start, start + timedelta(days=days))
    ]


def test_half_of_the_accounts_have_no_season() -> None:
    seasons = [WORLD.season(*account_seed(WORLD, account_of("threads", index))) for index in range(MANY)]
    flat = [one for one in seasons if one.strength == 0]
    assert 0.42 < len(flat) / MANY < 0.58
    assert {(*one.hours, *one.weekdays) for one in flat} == {(1.0,) * 175}
    strengths = [one.strength for one in seasons if one.strength]
    assert (min(strengths) < 0.1, 0.7 < max(strengths) <= STRONGEST) == (True, True)


@given(PLATFORMS, indices)
def test_season_has_a_mean_of_one_and_stays_within_its_bounds(platform: Platform, index: int) -> None:
    season = WORLD.season(*account_seed(WORLD, account_of(platform, index)))
    assert mean(season.hours) == pytest.approx(1)
    assert mean(season.weekdays) == pytest.approx(1)
    assert max(season.hours) == pytest.approx(1 + season.strength)
    assert min(season.hours) > 0.1
    assert max(abs(one - 1) for one in season.weekdays) <= WIDEST + 1e-9


@given(PLATFORMS, indices, st.lists(instants, min_size=2, max_size=20))
def test_activity_grows_with_time(platform: Platform, index: int, asked: list[datetime]) -> None:
    audience = audience_of(WORLD, platform, index)
    ordered = sorted({*asked, *(one + timedelta(microseconds=1) for one in asked), *(one + HOUR for one in asked)})
    reached = [audience.at(one) for one in ordered]
    assert reached == sorted(reached)
    assert reached[0] < reached[-1]


@given(PLATFORMS, indices, st.integers(-3, 12))
def test_activity_of_four_weeks_is_their_hours(platform: Platform, index: int, block: int) -> None:
    audience = audience_of(WORLD, platform, index)
    start, end = (audience.at(EPOCH + HOUR * BLOCK_HOURS * number) for number in (block, block + 1))
    assert (start, end) == (block * BLOCK_HOURS, (block + 1) * BLOCK_HOURS)


def test_activity_follows_the_season_of_the_account() -> None:
    """Over a year the noise averages out, and what is left is the weight of each hour of the week."""
    audience = next(one for n in range(99) if (one := audience_of(WORLD, "twitter", n)).season.strength > 0.6)
    monday = datetime(2026, 1, 5, tzinfo=UTC)
    hours = [audience.at(monday + HOUR * n) for n in range(52 * 168 + 1)]
    grown = [mean(hours[week * 168 + n + 1] - hours[week * 168 + n] for week in range(52)) for n in range(168)]
    apart = [of_year - weight for of_year, weight in zip(grown, audience.season.hours, strict=True)]
    assert mean(one * one for one in apart) ** 0.5 < 0.1
    best = max(range(168), key=audience.season.hours.__getitem__)
    assert grown[best] > 1.4


def test_noise_is_gamma_of_the_shape_of_the_account() -> None:
    for shape in (4, 8, 16):
        audience = next(
            one
            for n in range(999)
            if not (one := audience_of(WORLD, "twitter", n)).season.strength and one.season.shape == shape
        )
        hours = [audience.at(EPOCH + HOUR * n) for n in range(52 * 168 + 1)]
        grown = [after - before for before, after in pairwise(hours)]
        third = mean(((one - 1) ** 3) for one in grown) / pvariance(grown) ** 1.5
        assert pvariance(grown) == pytest.approx(1 / shape, rel=0.1)
        assert third == pytest.approx(2 / shape**0.5, rel=0.2)


@given(st.sampled_from([("instagram", "reach"), ("pinterest", "IMPRESSION"), ("youtube", "engagedViews")]), indices)
def test_amounts_of_a_week_are_those_of_a_flat_week(field: tuple[Platform, str], index: int) -> None:
    """Each weekday moves the amount by its own factor, and their mean is 1."""
    platform, name = field
    account, monday = account_of(platform, index), date(2026, 5, 4)
    audience = audience_of(WORLD, platform, index)
    days = [monday + timedelta(days=n) for n in range(7)]
    found = [truth.day_value(WORLD, account, name, day) for day in days]
    flat = [value / audience.day_factor(day) for value, day in zip(found, days, strict=True)]
    assert mean(audience.day_factor(day) for day in days) == pytest.approx(1)
    base = [int(audience.followers(midnight(day) + timedelta(hours=12))) for day in days]
    low, high = {"reach": (0.10, 0.35), "IMPRESSION": (0.5, 2.0), "engagedViews": (0.2, 0.9)}[name]
    assert all(low * size - 2 <= value <= high * size + 2 for value, size in zip(flat, base, strict=True))


def test_final_numbers_follow_the_hour_of_publication() -> None:
    """Posts of the busiest hours end higher than posts of the quietest, as far as the season says."""
    busy: list[float] = []
    quiet: list[float] = []
    for post in posts_of(WORLD, 500):
        audience = audience_of(WORLD, post.platform, post.account_index)
        hours = (post.published_at - EPOCH).total_seconds() / 3600
        weight, curve = audience.publication_weight(hours), curve_of(WORLD, post)
        assert audience.season.strength or weight == 1
        ratio = curve.final / audience.trend(hours / 24)
        if audience.season.strength > 0.5:
            (busy if weight > 1.2 else quiet if weight < 0.8 else []).append(min(ratio, 3.0))
    assert len(busy) > 200 < len(quiet)
    assert mean(busy) > 1.3 * mean(quiet)


def test_one_post_in_twenty_has_a_second_wave() -> None:
    posts = posts_of(WORLD, 400)
    waves = [(post, wave) for post in posts if (wave := curve_of(WORLD, post).wave) is not None]
    assert 0.04 < len(waves) / len(posts) < 0.06
    for post, wave in waves[:50]:
        curve, day = curve_of(WORLD, post), timedelta(days=1)
        late = [truth.views_at(WORLD, post, post.published_at + day * n) for n in range(60)]
        assert late == sorted(late)
        assert late[-1] == pytest.approx(curve.final + wave.views, rel=0.01, abs=2)


@pytest.mark.parametrize("age", [timedelta(days=1), WEEK])
def test_growth_is_on_the_average_that_of_a_curve_without_hours_and_noise(age: timedelta) -> None:
    ratios = []
    for post in posts_of(WORLD, 300):
        curve = curve_of(WORLD, post)
        if curve.wave is None and curve.final > 100:
            flat = curve.final * (1 - exp(-age / HOUR / curve.hours))
            ratios.append((truth.views_at(WORLD, post, post.published_at + age) + 0.5) / flat)
    assert mean(ratios) == pytest.approx(1, abs=0.02)
    assert all(0.3 < one < 3 for one in ratios)


def test_seeds_of_tests_are_not_those_of_bars() -> None:
    """Tests use low seeds, and the benchmarks that judge a method use high ones."""
    folders = Path(__file__).parents[1], Path(__file__).parents[2] / "bench"
    seeds = [
        {int(seed) for path in folder.rglob("*.py") for seed in re.findall(r"new_world\((\d+)\)", path.read_text())}
        for folder in folders
    ]
    assert all(seed < FIRST_BAR_SEED for seed in seeds[0])
    assert all(seed >= FIRST_BAR_SEED for seed in seeds[1])
    assert "new_world(FIRST_BAR_SEED)" in (folders[1] / "support" / "simulated_forecasts.py").read_text()


def test_audience_is_the_same_in_another_world_of_the_seed() -> None:
    other, now = new_world(), EPOCH + timedelta(days=99, hours=3, minutes=20)
    for platform in WORLD.platforms:
        again = Audience(other, other.account(platform, 12))
        assert again.at(now) == audience_of(WORLD, platform, 12).at(now)
    different = Audience(new_world(2), account_of("twitter", 12))
    assert different.at(now) != audience_of(WORLD, "twitter", 12).at(now)
