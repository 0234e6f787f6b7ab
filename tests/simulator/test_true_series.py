"""The series that benchmarks take straight from the truth are what the truth says, planted events included."""

from datetime import UTC, datetime

import numpy as np
import pytest

from bench.support.true_series import GROWS_FOR, daily_amounts, daily_levels, hourly_levels, hourly_views
from metrics.periods import DAY, HOUR
from simulator import truth
from simulator.events import Event
from simulator.registry import new_world

START, HOURS = datetime(2026, 5, 4, tzinfo=UTC), 24 * 7


@pytest.mark.parametrize("planted", [False, True])
def test_series_are_the_truth(planted: bool) -> None:
    world = new_world()
    accounts = [world.account("instagram", index) for index in range(6)]
    if planted:
        world.plant(
            Event.parse({"kind": kind, "start": (START + at * HOUR).isoformat(), "size": size, "hours": hours})
            for kind, at, size, hours in (
                ("spike", 30, 4, 5), ("outage", 50, 1, 6), ("shift", -300, 0.7, 900), ("follower_drop", 20, 0.2, 9),
            )
        )  # fmt: skip
    views = hourly_views(world, accounts, START, HOURS)
    ends = [START + n * HOUR for n in range(HOURS + 1)]
    for row, account in enumerate(accounts):
        posts = world.posts(account, START - GROWS_FOR, ends[-1])
        seen = [sum(truth.views_at(world, post, end) for post in posts) for end in ends]
        # The exponential functions of Python and of numpy may differ in the last digit, and so next to a whole number.
        assert np.abs(views[row].cumsum() - (np.array(seen[1:]) - seen[0])).max() <= 1
    first = START.date()
    reach = daily_amounts(world, accounts, "reach", first, 7)
    assert reach[2, 3] == truth.day_value(world, accounts[2], "reach", first + 3 * DAY)
    levels = daily_levels(world, accounts, "followers_count", first, 7)
    assert levels[4, 0] == truth.account_value(world, accounts[4], "followers_count", START + DAY)
    assert (hourly_levels(world, accounts, "followers_count", START, HOURS)[:, 24::24] == levels).all()
