"""The assets about posts: a materialisation per ended partition, and the check of outlooks."""

import json
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from metrics.clock import isoformat
from metrics.periods import DAY, HOUR, WEEK, midnight, period_start
from metrics.redis.keys import events_key
from metrics.store import Store
from pipelines.assets.posts import best_times, content_decay, post_outlooks
from pipelines.checks import outlook_checks
from pipelines.partitions import period_key, slot_key
from tests.pipelines.deployment import Deployment, check_of, materialized
from tests.pipelines.insights.posts.published import halving, publish


def fill(deployment: Deployment) -> Store:
    """Publish 60 posts, of which more than the 20 that are needed were a week old yesterday, at each hour of today."""
    store = deployment.clients.store
    deployment.connect(0, connectedAt=deployment.hour - 60 * DAY)
    for index in range(60):
        at = deployment.hour - timedelta(hours=9 * index, minutes=80)
        publish(store, "a0", f"p{index}", at, halving(200 + index, 6), deployment.hour)
    return store


def test_each_ended_partition_is_materialised_with_its_numbers(
    deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    fill(deployment)
    today = midnight(deployment.hour.date())
    days = [period_key(today - DAY), period_key(today)]
    result = deployment.materialize(content_decay, days, instance)
    assert result.success
    found = materialized(result)
    assert list(found) == days[:1], "today has not ended"
    assert found[days[0]] | {"statements": 1, "curves": 60, "refused": 0} == found[days[0]]

    week = period_start("weekly", deployment.hour) - WEEK
    result = deployment.materialize(best_times, [period_key(week)], instance)
    assert (
        materialized(result)[period_key(week)] | {"refused_too_few_posts": 1} == materialized(result)[period_key(week)]
    )

    hour = slot_key(deployment.hour - HOUR)
    result = deployment.materialize(post_outlooks, [hour], instance)
    assert result.success
    numbers = materialized(result)[hour]
    assert numbers["statements"] == 0
    assert numbers["refused_too_few_posts"] == numbers["refused"] > 3
    assert check_of(result, "outlooks_calibrated").description == "only 0 came due, which says nothing yet"
    told: Any = deployment.clients.redis.xrange(events_key("w"))
    (data,) = [json.loads(fields[b"data"]) for _, fields in told if fields[b"event"] == b"outlook:updated"]
    assert data["hour"] == isoformat(deployment.hour - HOUR)


@pytest.mark.parametrize(
    ("inside", "wrong"),
    [(240, None), (150, "50.0 % end inside the 80 % interval"), (0, "0.0 % end inside the 80 % interval")],
)
def test_check_compares_outlooks_with_what_became_of_posts(
    deployment: Deployment, inside: int, wrong: str | None
) -> None:
    store, now = deployment.clients.store, deployment.hour

    def outlook(number: int, published: datetime) -> dict[str, Any]:
        return {
            "_id": f"p{number}|6", "postId": f"p{number}", "workspaceId": "w", "accountId": "a0",
            "publishedAt": published, "madeAt": now, "model": "outlook/1", "value": 10.0, "lo80": 8.0, "hi80": 12.0,
            "lo95": 5.0, "hi95": 20.0,
        }  # fmt: skip

    def curve(number: int, final: float) -> dict[str, Any]:
        return {
            "_id": f"p{number}", "workspaceId": "w", "accountId": "a0", "publishedAt": now, "values": [None, final],
        }  # fmt: skip

    store.db["post_outlooks"].insert_many(
        [outlook(number, now - 9 * DAY) for number in range(300)] + [outlook(900, now - 2 * DAY)]
    )
    finals = [11.0 if number < inside else (19.0 if number < 285 else 90.0) for number in range(300)]
    store.db["post_curves"].insert_many([curve(number, final) for number, final in enumerate(finals)])
    found = outlook_checks.result("post_outlooks", outlook_checks.came_due(store, now))
    assert found.passed == (wrong is None)
    assert found.description == wrong


def test_run_shows_how_far_outlooks_were_off_by_day(deployment: Deployment, instance: dg.DagsterInstance) -> None:
    store, now = deployment.clients.store, deployment.hour
    for number, (age, value) in enumerate([(9, 119.0), (9, 29.0), (10, 59.0), (20, 0.0)]):
        post = f"p{number}"
        store.db["post_outlooks"].insert_one({
            "_id": f"{post}|6", "postId": post, "workspaceId": "w", "accountId": "a0", "publishedAt": now - age * DAY,
            "madeAt": now, "model": "outlook/1", "value": value, "lo80": 0.0, "hi80": value, "lo95": 0.0, "hi95": 200.0,
        })  # fmt: skip
        curve = {"_id": post, "workspaceId": "w", "accountId": "a0", "publishedAt": now - age * DAY}
        store.db["post_curves"].insert_one({**curve, "values": [None, 59.0]})
    due = outlook_checks.came_due(store, now)
    assert [one["points"] for one in due] == [0, 0, 0, 0, 1, 2, 0]
    assert [(one["inside80"], one["inside95"]) for one in due if one["points"]] == [(1, 1), (1, 2)]
    deployment.connect(0)
    hour = slot_key(now - HOUR)
    found = materialized(deployment.materialize(post_outlooks, [hour], instance))[hour]
    assert found["errors_before"].endswith("the newest on the right: 100 %; from 0 to 100"), "a factor of two"
    assert {"▁", "█", "·"} <= set(found["errors_before"])
