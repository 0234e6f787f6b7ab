"""A simulated day of many YouTube channels: every video is read each hour, within the quotas that YouTube grants."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from metrics.clock import machine_now, utcnow
from pipelines.platforms.base import FOLLOWED, Access, AccountReading, Post, Tally, Wanted
from pipelines.platforms.http.client import Http
from pipelines.platforms.memory import Memory
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.youtube.api import YouTube
from simulator.clock import Clock
from simulator.faults import Faults
from simulator.registry import new_world
from simulator.state import Request, State
from simulator.wire import encode_json
from simulator.world import SimAccount
from simulator.youtube import quota
from simulator.youtube.api import YouTube as SimulatedYouTube
from simulator.youtube.playlists import LAG
from tests.clock import ahead_by
from tests.pipelines.platforms.fetching import known

MIDNIGHT = datetime(2026, 11, 16, 8, tzinfo=UTC)
"""Midnight in California."""
VIDEOS = 25
HOURS = 24


class InProcess(Http):
    """An HTTP client whose calls go to a simulator in this process, one after the other."""

    def __init__(self, api: SimulatedYouTube) -> None:
        super().__init__("http://simulator")
        self._api = api
        self._one = threading.Lock()

    def send(self, method: str, path: str, **sent: Any) -> tuple[int, Any, Mapping[str, str]]:
        """Return status, body and headers of an answer."""
        headers = {"authorization": f"Bearer {sent['token']}"}
        request = Request(method, path, urlencode(sent.get("params") or {}), headers, b"", "http://simulator")
        with self._one:
            answer = self._api.handle(request)
        return answer.status, orjson.loads(encode_json(answer.body)), answer.headers


@dataclass
class Channel:
    """What collection knows of one channel, from hour to hour."""

    account: SimAccount
    due: dict[str, Post]
    memory: Memory = field(default_factory=Memory)
    known: dict[str, Post] = field(default_factory=dict)

    def read(self, api: YouTube) -> AccountReading:
        """Read the channel, and remember what was listed."""
        memory = Memory.of(self.memory.kept())
        access = Access(self.account.platform_account_id, {"access_token": self.account.token})
        wanted = Wanted(utcnow() - FOLLOWED, list(self.due.values()), self.known | self.due, memory=memory)
        reading = api.read(access, wanted, Tally())
        self.memory = memory
        self.known |= reading.listed | self.due
        news = {
            name: post for name, post in reading.listed.items() if post.published_at and post.published_at > MIDNIGHT
        }
        self.due |= news
        for gone in reading.gone:
            self.due.pop(gone, None)
        return reading


def day(channels: int) -> dict[str, int]:
    """Read so many channels in every hour of a day in California; return the units used, by quota."""
    with ahead_by(MIDNIGHT - machine_now()):
        state = State(new_world(), Clock(), Faults(1))
        api = YouTube(InProcess(SimulatedYouTube(state)), Quarantine())
        world, found = state.world, []
        for account in (world.account("youtube", index) for index in range(channels)):
            posts = [p for p in world.posts(account, MIDNIGHT - FOLLOWED, MIDNIGHT) if p.visible(MIDNIGHT)]
            everything = {post.platform_post_id: known(post) for post in posts}
            newest = {post.platform_post_id: known(post) for post in posts[-VIDEOS:]}
            found.append(Channel(account, newest, known=everything))
    for hour in range(HOURS):
        now = MIDNIGHT + timedelta(hours=hour, minutes=20)
        with ahead_by(now - machine_now()), ThreadPoolExecutor(api.threads) as threads:
            api.expect(len(found), api.threads)
            wanted = [set(channel.due) for channel in found]
            readings = list(threads.map(lambda channel: channel.read(api), found))
        for channel, due, reading in zip(found, wanted, readings, strict=True):
            read = {post.platform_post_id for post, _ in reading.posts}
            assert not reading.failures
            assert due <= read | set(reading.gone)
            published = world.posts(channel.account, MIDNIGHT, now - LAG)
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
def test_day_of_four_hundred_channels_is_within_the_quotas() -> None:
    units = day(400)
    check(units, 400)
