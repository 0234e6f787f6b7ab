"""Old pins that are among the most shown are read once a day, in few calls; nothing else depends on that."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.http import retries
from pipelines.platforms.memory import Memory
from pipelines.platforms.pinterest import calls, posts
from pipelines.platforms.pinterest.api import Pinterest
from pipelines.platforms.pinterest.top_pins import PATH, read_top_pins, shown_pins
from simulator import truth
from simulator.pinterest.world import SAVED, SECRET
from simulator.world import SimPost
from tests.pipelines.platforms.fetching import Fetching, wanted
from tests.recorded import recorded
from tests.simulator_fixture import Simulator


@pytest.fixture
def fetching(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Fetching:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(calls, "_AGAIN_SECONDS", 0.001)
    return Fetching(simulator, "pinterest")


@pytest.fixture
def old(fetching: Fetching) -> list[SimPost]:
    """Pins of the account that are too old to be followed, oldest first."""
    young = {post.platform_post_id for post in fetching.here(91)}
    return [post for post in fetching.here(300) if post.platform_post_id not in young]


def top(fetching: Fetching) -> int:
    return fetching.simulator.calls()["byKind"].get(PATH, 0)


def singles(fetching: Fetching) -> int:
    return fetching.simulator.calls()["byKind"].get("pins/{pin}", 0)


def shown(pin_id: str, impressions: Any = 10, status: str = "READY") -> dict[str, Any]:
    metrics, said = {"IMPRESSION": impressions}, {"IMPRESSION": status}
    return {"pin_id": pin_id, "metrics": metrics if impressions is not None else {}, "data_status": said}


def name(fetching: Fetching, pins: Sequence[dict[str, Any]]) -> None:
    """Let these pins be the most shown ones."""
    fetching.simulator.set_faults({"kind": "patch", "path": "top_pins", "at": "pins", "value": list(pins)})


def read(fetching: Fetching, memory: Memory | None = None) -> AccountReading:
    return fetching.api.read(fetching.access, wanted(memory=memory), fetching.tally)


def test_recorded_top_pins_are_read_number_for_number(fixtures: Path) -> None:
    assert shown_pins(recorded(fixtures, "pinterest/openapi_top_pins_200_schema")) == {"642396334344813594": 240}
    # The answer about a new account.
    assert shown_pins({"sort_by": "IMPRESSION", "pins": [], "date_availability": {}}) == {}


def test_top_pins_are_those_of_the_truth(fetching: Fetching) -> None:
    last = Pinterest.days.newest(fetching.now)
    ask = calls.Calls(fetching.api._http, fetching.api._app, fetching.access, fetching.tally)  # type: ignore[attr-defined]
    found = read_top_pins(ask, last)
    until = fetching.now.replace(hour=0, minute=0, second=0) - timedelta(days=Pinterest.days.lag.days - 1)
    for pin_id, impressions in found.items():
        post = fetching.simulator.world.post("pinterest", pin_id)
        assert post is not None
        begin, end = (truth.views_at(fetching.simulator.world, post, at) for at in (until - timedelta(days=7), until))
        assert impressions == end - begin > 0
    assert 0 < len(found) <= 50


def test_old_pins_that_move_are_read_with_their_true_numbers(fetching: Fetching, old: list[SimPost]) -> None:
    oldest, newest = old[0], old[-1]
    name(fetching, [shown(post.platform_post_id) for post in (oldest, newest)])
    reading = read(fetching)
    found = {post.platform_post_id for post, _ in reading.posts}
    assert {oldest.platform_post_id, newest.platform_post_id} == found - set(reading.listed)
    assert fetching.check(reading) == sum(len(one.metrics) for _, one in reading.posts)
    assert (reading.failures, reading.gone) == ({}, [])
    # The newest of the old pins stands on the page that was read anyway, and took no call.
    assert (top(fetching), singles(fetching)) == (1, 1)


def test_they_are_asked_for_once_a_day(fetching: Fetching, old: list[SimPost]) -> None:
    name(fetching, [shown(old[0].platform_post_id)])
    memory = Memory()
    for _ in range(3):
        read(fetching, memory)
        memory = Memory.of(memory.kept())
    assert (top(fetching), singles(fetching)) == (1, 1)
    memory.list(posts.TOP).seen = (Pinterest.days.newest(fetching.now) - timedelta(days=1)).isoformat()
    read(fetching, memory)
    assert (top(fetching), singles(fetching)) == (2, 2)


def test_number_of_calls_is_bounded(fetching: Fetching, old: list[SimPost], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posts, "PAGE", 20)
    monkeypatch.setattr(posts, "MOST_OLD", 3)
    name(fetching, [shown(post.platform_post_id, place) for place, post in enumerate(old[:6], 1)])
    reading = read(fetching)
    chosen = {post.platform_post_id for post, _ in reading.posts} - set(reading.listed)
    assert chosen == {post.platform_post_id for post in old[3:6]}, "those that were shown most"
    assert (top(fetching), singles(fetching)) == (1, 3)


def test_pins_that_do_not_move_or_are_no_posts_are_left_out(fetching: Fetching, old: list[SimPost]) -> None:
    still, unknown, without, secret, *_ = (post.platform_post_id for post in old)
    saved = next(one.platform_post_id for one in old if one.number // 10 % 5 == 0)
    name(
        fetching,
        [
            shown(fetching.here()[-1].platform_post_id),
            shown(still, 0),
            shown(unknown, 5, "PROCESSING"),
            shown(without, None),
            shown(SECRET + secret[1:]),
            shown(SAVED + saved[1:]),
        ],
    )
    reading = read(fetching)
    assert {post.platform_post_id for post, _ in reading.posts} == set(reading.listed)
    assert (reading.gone, reading.failures) == ([SECRET + secret[1:]], {})


@pytest.mark.parametrize(
    ("fault", "again"),
    [
        ({"kind": "error"}, True),
        ({"kind": "account_limit"}, True),
        ({"kind": "permission"}, False),
        ({"kind": "retired_metric", "metric": "IMPRESSION"}, False),
        ({"kind": "patch", "at": "pins", "value": {"status": "ok"}}, False),
        ({"kind": "patch", "at": "pins.0.pin_id", "value": "../x"}, False),
    ],
    ids=["error", "limit", "permission", "metric", "shape", "id"],
)
def test_trouble_leaves_the_rest_and_is_visible(fetching: Fetching, fault: dict[str, Any], *, again: bool) -> None:
    fetching.simulator.set_faults({"path": "top_pins", **fault})
    memory = Memory()
    reading = read(fetching, memory)
    assert fetching.check(reading) > 0
    assert reading.failures.keys() == {posts.TOP}
    fetching.simulator.set_faults()
    before = top(fetching)
    fetching.tally.limited = None
    assert read(fetching, memory).failures == {}
    assert top(fetching) == before + again
