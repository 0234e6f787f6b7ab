"""Tests of seeded history: every number equals the simulator's truth, and seeding is idempotent."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from metrics.catalog import CATALOG, offered
from metrics.clock import utcnow
from metrics.periods import HOUR
from metrics.post_content import excerpt
from metrics.settings import PLATFORM_APIS, Settings
from metrics.store import Store
from metrics.vault import Vault
from pipelines.rollup import roll
from simulator import truth
from simulator.registry import new_world
from tests.simulator_fixture import Simulator
from tidemark.seed import Plan, plan, seed

END = datetime(2026, 11, 20, 15, tzinfo=UTC)
PLAN = Plan(END.replace(hour=0) - timedelta(days=4), END, ("demo",), accounts=1)
WORLD = new_world()


def seeded(store: Store, settings: Settings) -> int:
    return seed(store, Vault(settings.secret_keys), WORLD, PLAN, lambda _done, _total: None)


def test_every_seeded_number_is_the_truth(store: Store, settings: Settings) -> None:
    written = seeded(store, settings)
    sims, checked = {sim.platform: sim for _, sim in PLAN.of(WORLD)}, Counter[str]()
    for row in store.observations.stream({"workspaceId": "demo"}, PLAN.start, PLAN.end):
        metadata, now, day = row["metadata"], row["timestamp"] + HOUR, row["timestamp"].date()
        platform, account = metadata["platform"], sims[metadata["platform"]]
        offers = offered(platform, metadata["metricType"], metadata.get("contentType"))
        post = WORLD.post(platform, metadata["platformPostId"]) if "postId" in metadata else None
        for name, value in row["metrics"].items():
            parts = offers[name].parts
            if post is not None:
                expected = sum(truth.post_value(WORLD, post, part, now) for part in parts)
            elif CATALOG["account", name].kind == "gauge":
                expected = sum(truth.account_value(WORLD, account, part, now) for part in parts)
            elif name == "weeklyReach":
                expected = truth.week_value(WORLD, account, parts[0], day)
            else:
                expected = sum(truth.day_value(WORLD, account, part, day) for part in parts)
            assert value == expected, (name, row)
            checked[platform] += 1
    assert written > 1500
    assert len(checked) == len(sims)
    assert min(checked.values()) > 1000


def test_seeded_posts_show_what_the_simulator_gives(store: Store, settings: Settings, simulator: Simulator) -> None:
    at_simulator = settings.model_copy(update={f"{api}_url": simulator.url for api in PLATFORM_APIS})
    now = utcnow()
    plan_of_now = plan(now, days=4, workspaces=1)
    seed(store, Vault(settings.secret_keys), WORLD, plan_of_now, lambda _done, _total: None, at_simulator)
    posts = store.posts.published(plan_of_now.workspaces[0], plan_of_now.start, plan_of_now.end)
    checked = 0
    for post in posts:
        content, sim = post.get("content", {}), WORLD.post(post["platform"], post["platformPostId"])
        assert sim is not None
        if "deletedAt" in post:
            assert content == {}
            continue
        assert content.get("captionExcerpt") == (excerpt(sim.text) if sim.text else None)
        if "thumbnailUrl" in content:
            simulator.set_clock(now)
            assert simulator.client.get(content["thumbnailUrl"]).headers["content-type"] == "image/png"
            checked += 1
    assert checked > 3


def test_seeding_again_changes_no_number(store: Store, settings: Settings) -> None:
    seeded(store, settings)
    days = [PLAN.start + timedelta(days=n) for n in range(4)]
    roll(store, "daily", days, run_id="r", now=PLAN.end)
    seeded(store, settings)
    again = roll(store, "daily", days, run_id="r", now=PLAN.end)
    assert (again.replaced, again.removed) == (0, 0)


def test_marks_tell_every_seeded_day(store: Store, settings: Settings) -> None:
    seeded(store, settings)
    assert [p.start for p in store.marks.pending("daily")] == [PLAN.start + timedelta(days=n) for n in range(5)]
