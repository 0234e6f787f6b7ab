"""Half-lives of simulated posts: as decay tells them from readings of the ladder, and as the simulator knows them."""

from datetime import datetime, timedelta

import numpy as np

from bench.support.simulated_forecasts import FIRST
from metrics.periods import HOUR, midnight
from metrics.post_curves import AGES, FINAL_AGE, POINT
from pipelines.collect.ladder import due_slots
from pipelines.insights.posts.curves import curve
from pipelines.insights.posts.decay import decay
from simulator.registry import new_world
from simulator.truth import views_at
from simulator.world import FIRST_BAR_SEED, SimPost, World

_DAYS, _STEPS_AN_HOUR = 120, 4
_COLUMNS = [POINT[age] for age in AGES]


def half_lives(accounts: int) -> list[tuple[float, float]]:
    """Return, by account with enough posts, the half-life that is told and the true one, in hours."""
    world = new_world(FIRST_BAR_SEED)
    found = []
    for index in range(accounts):
        posts = world.posts(world.account("instagram", index), midnight(FIRST), midnight(FIRST) + timedelta(days=_DAYS))
        posts = [post for post in posts if post.visible(post.published_at + timedelta(days=9))]
        if not posts:
            continue
        told = decay(np.array([_curve(world, post) for post in posts], dtype=np.float64)[:, _COLUMNS], AGES)
        if told is not None:
            found.append((told.half_life.median, float(np.median([_true(world, post) for post in posts]))))
    return found


def _curve(world: World, post: SimPost) -> list[float | None]:
    slots = due_slots(post.published_at, post.published_at - HOUR, post.published_at + timedelta(days=8))
    ends: list[datetime] = [slot + HOUR for slot in slots if slot + HOUR > post.published_at]
    readings = [((end - post.published_at) / HOUR, float(views_at(world, post, end))) for end in ends]
    return curve(readings, 200.0)


def _true(world: World, post: SimPost) -> float:
    """Return the first quarter of an hour in which a post has half of what it has at 168 hours."""
    half = views_at(world, post, post.published_at + FINAL_AGE * HOUR) / 2
    low, high = 0, FINAL_AGE * _STEPS_AN_HOUR
    while low < high:
        middle = (low + high) // 2
        if views_at(world, post, post.published_at + middle * HOUR / _STEPS_AN_HOUR) >= half:
            high = middle
        else:
            low = middle + 1
    return low / _STEPS_AN_HOUR
