"""The asset `account_forecasts`: a materialisation per ended day, an event per workspace, and its check."""

from datetime import datetime
from typing import Any

import dagster as dg
import pytest

from metrics.periods import DAY, midnight
from metrics.redis.keys import events_key
from pipelines.assets.forecasts import account_forecasts
from pipelines.checks import forecast_checks
from pipelines.partitions import period_key
from tests.pipelines.deployment import Deployment, check_of, materialized
from tests.pipelines.insights.forecasts.days import roll_days, weekly

CHECK = "forecasts_calibrated"


def due(points: int, inside80: int, inside95: int, error: float = 1.0) -> dict[str, Any]:
    return {
        "points": points, "inside80": inside80, "inside95": inside95, "error": error * points, "expected": 1.0 * points,
    }  # fmt: skip


def test_run_forecasts_every_ended_day_and_tells_what_it_said(
    deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    today = midnight(deployment.hour.date())
    yesterday = today - DAY
    for index in range(2):
        deployment.connect(index, connectedAt=deployment.hour - 200 * DAY)
    roll_days(deployment.clients.store, "a0", yesterday.date(), {"totalEngagement": weekly(100)})
    roll_days(deployment.clients.store, "a1", yesterday.date(), {"totalEngagement": weekly(10)})
    keys = [period_key(yesterday - DAY), period_key(yesterday), period_key(today)]
    result = deployment.materialize(account_forecasts, keys, instance)
    assert result.success
    found = materialized(result)
    assert list(found) == keys[:2], "today has not ended"
    assert found[keys[1]] | {"forecasts": 1, "accounts": 2, "refused_too_short": 1, "failed": 0} == found[keys[1]]
    assert found[keys[1]]["due"] == 0, "the forecast of the day before is not older than the day itself"
    check = check_of(result, CHECK)
    assert check.passed
    assert check.description == "only 0 came due, which says nothing yet"
    events = [fields[b"event"] for _, fields in deployment.clients.redis.xrange(events_key("w"))]  # type: ignore[union-attr,index]
    assert events == [b"forecast:updated"] * 2


@pytest.mark.parametrize(
    ("sums", "wrong"),
    [
        (due(1000, 810, 945), None),
        (due(1000, 700, 945), "70.0 % lie inside the 80 % interval"),
        (due(1000, 900, 995), "90.0 % lie inside the 80 % interval; 99.5 % lie inside the 95 % interval"),
        (due(1000, 810, 945, error=1.6), "errors are 1.6 times those of the back-tests"),
        (due(100, 0, 0), "only 100 came due, which says nothing yet"),
    ],
)
def test_check_warns_where_intervals_do_not_keep_their_promise(
    deployment: Deployment, sums: dict[str, Any], wrong: str | None
) -> None:
    now = deployment.hour
    store = deployment.clients.store

    def said(day: datetime, of_day: dict[str, Any]) -> dict[str, Any]:
        return {
            "_id": f"a0|followers|{day:%Y-%m-%d}", "workspaceId": "w", "accountId": "a0", "metric": "followers",
            "day": day, "madeAt": now, "model": "forecast/1", "due": of_day,
        }  # fmt: skip

    today = midnight(now.date())
    store.db["forecasts"].insert_many([said(today - 2 * DAY, sums), said(today - 40 * DAY, due(10_000, 0, 0))])
    found = forecast_checks.result(store, "account_forecasts", now)
    assert found.description == wrong
    assert found.passed == (wrong is None or wrong.startswith("only"))
    assert found.severity == dg.AssetCheckSeverity.WARN
