"""A simulated day of many YouTube channels: every video is read each hour, within the quotas that YouTube grants."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from metrics.clock import machine_now
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.youtube.api import YouTube
from simulator.clock import Clock
from simulator.faults import Faults
from simulator.registry import new_world
from simulator.state import State
from simulator.youtube import quota
from simulator.youtube.api import YouTube as SimulatedYouTube
from simulator.youtube.playlists import LAG
from tests.clock import ahead_by
from tests.pipelines.platforms.simulated_day import VIDEOS, InProcess, check_complete, followed

MIDNIGHT = datetime(2026, 11, 16, 8, tzinfo=UTC)
"""Midnight in California."""
HOURS = 24


def day(channels: int) -> dict[str, int]:
    """Read so many channels in every hour of a day in California; return the units used, by quota."""
    with ahead_by(MIDNIGHT - machine_now()):
        state = State(new_world(), Clock(), Faults(1))
        api = YouTube(InProcess(SimulatedYouTube(state)), Quarantine())
        found = followed(state.world, "youtube", channels, MIDNIGHT)
    for hour in range(HOURS):
        now = MIDNIGHT + timedelta(hours=hour, minutes=20)
        with ahead_by(now - machine_now()), ThreadPoolExecutor(api.threads) as threads:
            api.expect(len(found), api.threads)
            wanted = [set(channel.due) for channel in found]
            readings = list(threads.map(lambda channel: channel.read(api), found))
        for channel, due, reading in zip(found, wanted, readings, strict=True):
            check_complete(due, reading)
            published = state.world.posts(channel.account, MIDNIGHT, now - LAG)
            assert {post.platform_post_id for post in published if post.visible(now)} <= channel.known.keys()
    return {name: units for (name, _), units in quota.used(state).items()}


def check(units: Mapping[str, int], channels: int) -> None:
    """Check the units of a day; they are counted for 400 channels."""
    part = channels / 400
    least = channels * VIDEOS / 50 * HOURS
    # Full calls of fifty ids: at most one in twenty may be sent for the rest of an hour.
    assert least <= units["stats"] <= 1.05 * least + HOURS
    assert units["general"] <= quota.UNITS["general"] * part
    assert units["stats"] <= quota.UNITS["stats"] * max(part, 0.1)
    assert "search" not in units


def test_day_of_forty_channels_takes_a_tenth_of_the_quotas() -> None:
    check(day(40), 40)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_day_of_four_hundred_channels_is_within_the_quotas() -> None:
    """It takes about 65 seconds of processor time."""
    units = day(400)
    check(units, 400)
