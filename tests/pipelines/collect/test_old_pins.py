"""A pin that is too old to be followed goes on having numbers while Pinterest names it among the most shown ones."""

from datetime import timedelta

from metrics.ids import post_id
from metrics.periods import DAY
from metrics.store.setup.namespaces import OWN
from simulator import truth
from tests.pipelines.collect.conftest import NOW, SLOT, Bench


def test_old_pin_that_moves_has_numbers_again(bench: Bench) -> None:
    bench.store.consents.set("w", "pinterest", given=True)
    bench.connect(8, platform="pinterest")
    world, account = bench.simulator.world, bench.simulator.world.account("pinterest", 8)
    pin = next(p for p in world.posts(account, NOW - 300 * DAY, NOW - 120 * DAY) if p.visible(NOW + DAY))
    shown = [{"pin_id": pin.platform_post_id, "metrics": {"IMPRESSION": 3}, "data_status": {"IMPRESSION": "READY"}}]
    bench.simulator.set_faults({"kind": "patch", "path": "top_pins", "at": "pins", "value": shown})
    for back in (timedelta(), timedelta(hours=1), DAY):
        report = bench.collect(SLOT + back, NOW + back, platform="pinterest")
        assert (report.ok, report.failures) == (1, [])
    ours = post_id("pinterest8", pin.platform_post_id)
    rows = list(bench.store.db[OWN.log].find({"metadata.postId": ours}).sort("timestamp", 1))
    # Once a day: not in the second hour.
    assert [row["timestamp"] for row in rows] == [SLOT, SLOT + DAY]
    assert rows[-1]["metrics"]["impressions"] == truth.post_value(world, pin, "impression", NOW + DAY)
    (stored,) = bench.store.posts.of_ids([ours])
    assert abs(stored["publishedAt"] - pin.published_at) < timedelta(seconds=1)
