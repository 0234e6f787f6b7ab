"""Faults of collection that leave the audience alone: frozen numbers, a metric that vanished, zeros all at once."""

from datetime import timedelta
from typing import Any

import pytest

from metrics.documents import Platform
from simulator import truth
from tests.simulator.conftest import NOW
from tests.simulator.instagram import ask, batch, media
from tests.simulator_fixture import Simulator

LATER = NOW + timedelta(days=3)
READS: list[tuple[Platform, str, str, str]] = [
    ("twitter", "/2/users/{id}?user.fields=public_metrics", "data.public_metrics.followers_count", "followers_count"),
    ("instagram", "/v25.0/{id}?fields=followers_count", "followers_count", "followers_count"),
    ("threads", "/v1.0/{id}/threads_insights?metric=followers_count", "data.0.total_value.value", "followers_count"),
    ("pinterest", "/v5/user_account", "follower_count", "follower_count"),
]


def read(api: Simulator, platform: Platform, path: str, at: str) -> Any:
    account = api.world.account(platform, 0)
    where = path.replace("{id}", account.platform_account_id)
    body = api.client.get(where, headers={"Authorization": f"Bearer {account.token}"}).json()
    for step in at.split("."):
        body = body[int(step)] if isinstance(body, list) else body[step]
    return body


@pytest.mark.parametrize(("platform", "path", "at", "field"), READS)
def test_frozen_levels_are_those_of_the_instant_of_the_fault(
    api: Simulator, platform: Platform, path: str, at: str, field: str
) -> None:
    account = api.world.account(platform, 0)
    api.set_faults({"kind": "frozen", "account": account.platform_account_id})
    since = api.clock.now()
    api.set_clock(LATER)
    frozen = read(api, platform, path, at)
    assert frozen == truth.account_value(api.world, account, field, since)
    api.set_faults()
    query = {"object": account.platform_account_id, "field": field, "instant": LATER.isoformat()}
    assert read(api, platform, path, at) == api.client.get("/_control/truth", params=query).json()["value"] != frozen


def test_frozen_counters_stand_still_and_the_truth_does_not(api: Simulator) -> None:
    past = api.world.posts(api.world.account("instagram", 0), NOW - timedelta(days=9), NOW)
    post = next(one for one in reversed(past) if one.metric_type != "story" and one.visible(LATER))
    path = f"{post.platform_post_id}/insights"

    def told() -> list[int]:
        return [row["values"][0]["value"] for row in ask(api, path, metric="views,likes").json()["data"]]

    api.set_faults({"kind": "frozen"})
    first = told()
    api.set_clock(LATER)
    assert told() == first
    assert truth.views_at(api.world, post, LATER) > first[0]
    new = next((p for p in api.world.posts(api.world.account("instagram", 0), NOW, NOW + timedelta(days=9))), None)
    assert new is not None
    api.set_clock(new.published_at + timedelta(hours=8))
    (row,) = ask(api, f"{new.platform_post_id}/insights", metric="views").json()["data"]
    assert row["values"][0]["value"] == 0, "a post that is newer than the frozen numbers has none"
    api.set_faults()
    api.set_clock(LATER)
    assert told() != first


def test_vanished_metric_is_missing_wherever_it_would_be(api: Simulator) -> None:
    post = media(api, metric_type="reel")
    path = f"{post.platform_post_id}/insights"
    api.set_faults({"kind": "vanished_metric", "metric": "likes"})
    assert [row["name"] for row in ask(api, path, metric="views,likes").json()["data"]] == ["views"]
    assert b"likes" not in batch(api, f"{path}?metric=views,likes").content
    api.set_faults({"kind": "vanished_metric", "metric": "followers_count"})
    where = "/2/users/{id}?user.fields=public_metrics"
    left = read(api, "twitter", where, "data.public_metrics")
    assert ("following_count" in left, "followers_count" in left) == (True, False)
