"""The asset `anomalies`: a materialisation per begun day, events of what was found, and its check."""

import json
from typing import Any

import dagster as dg
import pytest

from metrics.periods import DAY, midnight
from metrics.redis.keys import events_key
from pipelines.assets.anomalies import anomalies
from pipelines.checks import anomaly_checks
from pipelines.partitions import period_key
from tests.pipelines.deployment import Deployment, check_of, materialized
from tests.pipelines.insights.forecasts.days import roll_days, weekly
from tests.serving.endpoints.stored_anomalies import put_anomaly

CHECK = "anomalies_within_budget"


def test_run_finds_what_is_out_of_the_ordinary_and_tells_of_it(
    deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    yesterday = midnight(deployment.hour.date()) - DAY
    for index in range(2):
        deployment.connect(index, connectedAt=deployment.hour - 200 * DAY)
        counts = weekly(100, seed=index, level=800)
        counts[-1] *= 1 + 3 * index
        roll_days(deployment.clients.store, f"a{index}", yesterday.date(), {"totalEngagement": counts})
    keys = [period_key(yesterday)]
    result = deployment.materialize(anomalies, keys, instance)
    assert result.success
    found = materialized(result)
    assert found[keys[0]] | {"opened": 1, "accounts": 2, "failed": 0, "day_has_ended": 1} == found[keys[0]]
    assert check_of(result, CHECK).passed
    events: Any = deployment.clients.redis.xrange(events_key("w"))
    names = [fields[b"event"] for _, fields in events]
    assert names == [b"anomaly:opened"]
    data = json.loads(events[0][1][b"data"])
    assert (data["accountId"], data["kind"], data["metric"]) == ("a1", "spike", "totalEngagement")


@pytest.mark.parametrize(("found", "passed"), [(10, True), (40, True), (200, False)])
def test_check_warns_of_more_alarms_than_agreed(deployment: Deployment, found: int, passed: bool) -> None:
    store, now = deployment.clients.store, deployment.hour
    series: Any = [{"metric": "totalViews", "expected": 336, "observed": 336}] * 3
    for index in range(5):
        store.watched.put("w", f"a{index}", "hour", series, now)
    for number in range(found):
        put_anomaly(store, f"an_{number}", now - DAY)
    put_anomaly(store, "an_withdrawn", now - DAY, status="withdrawn")
    result = anomaly_checks.result(store, "anomalies", now)
    assert (result.passed, result.severity) == (passed, dg.AssetCheckSeverity.WARN)
    assert result.metadata["found"].value == found
    assert result.metadata["allowed"].value == 15.0
