"""A post that breaks out in the simulator, from the platform's API to the collection of anomalies."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metrics import clock
from metrics.catalog import DEFINITION_VERSION
from metrics.ids import post_id
from metrics.periods import DAY, HOUR, slot_of
from metrics.post_curves import POINTS
from pipelines.insights.posts.make_breakouts import BreakoutsReport, make_breakouts
from simulator.curves import curve_of
from simulator.truth import post_values
from simulator.world import SimPost, World
from tests.pipelines.collect.conftest import Bench

FROM = datetime(2026, 6, 1, tzinfo=UTC)
HISTORY, YOUNG = 120 * DAY, 10 * DAY
"""Curves of the history are stored as they would have been derived; those of younger posts are derived by the runs."""


def engagement(world: World, post: SimPost, age: float) -> int:
    fields = ("likes", "comments", "shares", "saved")
    return sum(post_values(world, post, fields, post.published_at + timedelta(hours=age)).values())


@pytest.fixture(autouse=True)
def _own_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the process live at other times, and at the machine's again when the test is over."""
    monkeypatch.setenv(clock.VARIABLE, "0")
    yield
    clock.set_offset(timedelta())


@pytest.fixture
def post(bench: Bench) -> SimPost:
    """An ordinary post of an account with 120 days of history."""
    world = bench.simulator.world
    account = world.account("instagram", 4)
    found = next(
        one
        for one in world.posts(account, FROM + HISTORY, FROM + HISTORY + 30 * DAY)
        if one.metric_type == "post" and one.deleted_at is None and not curve_of(world, one).viral
        if engagement(world, one, 1) >= 10
    )
    bench.connect(4, connectedAt=FROM)
    bench.store.post_curves.put([
        {
            "_id": post_id("a4", one.platform_post_id), "workspaceId": "w", "accountId": "a4", "platform": "instagram",
            "metricType": one.metric_type, "publishedAt": one.published_at, "definitionVersion": DEFINITION_VERSION,
            "values": [float(engagement(world, one, age)) for age in POINTS],
        }
        for one in world.posts(account, FROM, found.published_at - YOUNG)
    ])  # fmt: skip
    return found


def follow(bench: Bench, post: SimPost, hours: range) -> list[BreakoutsReport]:
    """Collect the hours of the life of a post, and look for breakouts at the end of each."""
    first = slot_of(post.published_at)
    reports = []
    for hour in hours:
        end = first + (hour + 1) * HOUR
        clock.set_offset(end + timedelta(minutes=5) - clock.machine_now())
        report = bench.collect(end - HOUR, end + timedelta(minutes=5))
        assert (report.ok, report.failed) == (1, 0)
        reports.append(make_breakouts(bench.store, end, now=end + timedelta(minutes=35), run_id="r"))
    return reports


def found(bench: Bench) -> dict[str, Any]:
    return {one["postId"]: one for one in bench.store.db["anomalies"].find({"kind": "breakout"})}


@pytest.mark.usefixtures("every_post")
def test_planted_breakout_is_found_and_an_ordinary_post_is_none(bench: Bench, post: SimPost) -> None:
    account = bench.simulator.world.account("instagram", 4)
    name = post_id("a4", post.platform_post_id)
    calm = follow(bench, post, range(3))
    assert sum(report.made for report in calm) >= 2, "the post was judged at two ages"
    assert name not in found(bench)
    start = slot_of(post.published_at) + 3 * HOUR
    asked = {
        "kind": "breakout", "start": start.isoformat(), "size": 60, "account": account.platform_account_id,
        "post": post.platform_post_id,
    }  # fmt: skip
    bench.simulator.client.post("/_control/events", json=asked).raise_for_status()
    later = follow(bench, post, range(3, 7))
    assert sum(report.changes["opened"] for report in later) == 1
    one = found(bench)[name]
    assert (one["status"], one["age"], one["metricType"]) == ("open", 6.0, "post")
    assert one["multiple"] > 2
    assert one["observed"] > one["hi"]
