"""The asset `breakout_posts`: a materialisation per ended hour, and events of what was found."""

import json
from typing import Any

import dagster as dg
import pytest

from metrics.periods import DAY, HOUR
from metrics.redis.keys import events_key
from pipelines.assets.breakouts import breakout_posts
from pipelines.checks import breakout_checks
from pipelines.partitions import slot_key
from tests.pipelines.deployment import Deployment, check_of, materialized
from tests.pipelines.insights.posts.published import halving, publish
from tests.serving.endpoints.stored_anomalies import put_breakout


def test_each_ended_hour_is_materialised_and_what_is_found_is_told(
    deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    store, hour = deployment.clients.store, deployment.hour
    deployment.connect(0, connectedAt=hour - 60 * DAY)
    # All in the last days, so that one run reads their curves.
    for index in range(40):
        publish(store, "a0", f"p{index}", hour - (5 * index + 9) * HOUR, halving(200 + index, 6), hour)
    publish(store, "a0", "big", hour - 4 * HOUR, halving(9000, 6), hour)
    keys = [slot_key(hour - HOUR), slot_key(hour + HOUR)]
    result = deployment.materialize(breakout_posts, keys, instance)
    assert result.success
    found = materialized(result)
    assert list(found) == keys[:1], "the present hour has not ended, nor has the next one"
    numbers = found[keys[0]]
    assert numbers | {"opened": 1, "workspaces": 1, "failed": 0, "curves": 41} == numbers
    assert (
        check_of(result, "breakouts_hold").description == "only 0 were confirmed or withdrawn, which says nothing yet"
    )
    assert numbers["came_to_an_age"] + numbers["refused"] > 0
    told: Any = deployment.clients.redis.xrange(events_key("w"))
    assert [fields[b"event"] for _, fields in told] == [b"anomaly:opened", b"post:breakout"]
    assert {fields[b"post"] for _, fields in told} == {b"big"}
    data = json.loads(told[1][1][b"data"])
    assert (data["accountId"], data["status"], data["age"]) == ("a0", "open", 3.0)
    again = deployment.materialize(breakout_posts, keys[:1], instance)
    assert materialized(again)[keys[0]]["opened"] == 0
    assert deployment.clients.redis.xlen(events_key("w")) == 2


@pytest.mark.parametrize(("withdrawn", "passes"), [(15, True), (16, False)])
def test_check_warns_where_most_breakouts_do_not_hold(deployment: Deployment, withdrawn: int, passes: bool) -> None:
    store, now = deployment.clients.store, deployment.hour
    for number in range(30):
        status = "withdrawn" if number < withdrawn else "ended"
        put_breakout(store, f"an_{number}", now - 5 * DAY, status=status)
    put_breakout(store, "an_open", now - HOUR)
    put_breakout(store, "an_old", now - 29 * DAY, status="withdrawn")
    found = breakout_checks.result(store, "breakout_posts", now)
    assert (found.passed, found.description, found.severity) == (passes, None, dg.AssetCheckSeverity.WARN)
