"""What a platform tells of posts by its own days only becomes counters over their lives, with the platform's truth."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from metrics.catalog import offered
from metrics.documents import Document
from metrics.periods import DAY, HOUR, midnight
from metrics.store.setup.namespaces import OWN
from pipelines.platforms.pinterest.pin_days import FIELDS
from simulator import truth
from tests.pipelines.collect.conftest import NOW, Bench

SLOT = NOW.replace(hour=15, minute=0)
"""The slot of a day in which days of pins are read."""
DAYS = [NOW.date() - timedelta(days=back) for back in (4, 3, 2)]
"""The days that are settled or estimated, 48 hours after their beginning."""


def rows(bench: Bench) -> Iterator[tuple[date, Document, dict[str, int]]]:
    """Yield day, metadata and numbers of the rows of posts that have numbers of days."""
    for row in bench.store.db[OWN.log].find({"metadata.postId": {"$exists": True}}).sort("collectedAt", 1):
        if values := {name: row["metrics"][name] for name in FIELDS if name in row["metrics"]}:
            yield row["timestamp"].date(), row["metadata"], values


@pytest.fixture
def pins(bench: Bench) -> Bench:
    bench.store.consents.set("w", "pinterest", given=True)
    bench.connect(8, platform="pinterest", connectedAt=NOW - 5 * DAY)
    return bench


def test_each_pin_has_the_true_counters_at_the_end_of_each_day(pins: Bench) -> None:
    assert pins.collect(SLOT, platform="pinterest").ok == 1
    assert pins.simulator.calls()["byKind"]["pins/analytics"] == 1
    world, kinds, found = pins.simulator.world, set(), set()
    for day, metadata, values in rows(pins):
        post = world.post("pinterest", metadata["platformPostId"])
        assert post is not None
        offers = offered("pinterest", post.metric_type, post.content_type)
        assert values.keys() == FIELDS.keys() & offers.keys()
        for name, value in values.items():
            assert value == truth.post_value(world, post, offers[name].field, midnight(day) + DAY), (name, day)
        kinds.add(post.content_type)
        found.add(day)
    # All days since the connection, since nothing of these pins was stored before.
    assert (kinds, found) == ({"image", "video", "carousel"}, {NOW.date() - timedelta(days=5), *DAYS})
    # What did not change is not stored again, and only the days that settle are wanted.
    before = sum(1 for _ in rows(pins))
    pins.collect(SLOT + DAY, NOW + DAY, platform="pinterest")
    again = [day for day, _, _ in rows(pins)][before:]
    assert set(again) == {DAYS[-1] + timedelta(days=1)}


def test_days_of_posts_are_read_once_a_day(pins: Bench) -> None:
    for hours in range(-2, 3):
        pins.collect(SLOT + hours * HOUR, NOW + hours * HOUR, platform="pinterest")
    assert pins.simulator.calls()["byKind"]["pins/analytics"] == 1


@pytest.mark.parametrize(
    ("fault", "note"),
    [
        ({"kind": "error", "path": "pins/analytics"}, "days of posts"),
        ({"kind": "permission", "path": "pins/analytics"}, "days of posts"),
        ({"kind": "account_limit", "path": "pins/analytics"}, "days of posts"),
        ({"kind": "patch", "path": "pins/analytics", "at": "", "value": {"x": 1}}, "days of posts"),
    ],
    ids=["error", "permission", "limit", "shape"],
)
def test_trouble_leaves_the_snapshot(pins: Bench, fault: dict[str, Any], note: str) -> None:
    pins.simulator.set_faults(fault)
    report = pins.collect(SLOT, platform="pinterest")
    assert (report.ok, report.unforeseen) == (1, set())
    assert any(note in failure.message for failure in report.failures)
    assert list(rows(pins)) == []
    assert pins.rows(SLOT)


def test_pin_that_is_gone_leaves_the_others(pins: Bench) -> None:
    pins.collect(SLOT - HOUR, NOW - HOUR, platform="pinterest")
    posts = pins.store.posts.of_account("pinterest8", since=NOW - 88 * DAY)
    gone, *others = sorted(post["platformPostId"] for post in posts if post["publishedAt"].date() <= DAYS[-1])
    pins.simulator.set_faults({"kind": "partial", "object": gone, "path": "pins/analytics"})
    pins.collect(SLOT, platform="pinterest")
    found = {metadata["platformPostId"] for _, metadata, _ in rows(pins)}
    assert (gone in found, set(others) - found) == (False, set())


def test_refused_metric_leaves_the_others(pins: Bench) -> None:
    pins.simulator.set_faults({"kind": "retired_metric", "metric": "USER_FOLLOW"})
    assert pins.collect(SLOT, platform="pinterest").ok == 1
    assert {name for _, _, values in rows(pins) for name in values} == FIELDS.keys() - {"follows"}
