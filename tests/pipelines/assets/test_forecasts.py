"""The assets of forecasts: a materialisation per ended day or six hours, an event per workspace, and their checks."""

from datetime import datetime
from typing import Any

import dagster as dg
import pytest

from metrics.clock import utcnow
from metrics.forecasts import WINDOW
from metrics.periods import DAY, HOUR, WEEK, midnight, period_start
from metrics.redis.keys import events_key
from pipelines.assets.forecast_models import forecast_models
from pipelines.assets.forecasts import account_forecasts, hourly_forecasts
from pipelines.checks import forecast_checks
from pipelines.partitions import period_key, slot_key
from tests.pipelines.deployment import Deployment, check_of, materialized
from tests.pipelines.insights.forecasts.days import roll_days, weekly
from tests.pipelines.insights.forecasts.hours import growing, hourly, put_hours

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


def test_run_shows_the_error_of_what_came_due_beside_that_of_the_days_before(
    deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    today = midnight(deployment.hour.date())
    days = [today - back * DAY for back in (3, 2, 1)]
    deployment.connect(0, connectedAt=deployment.hour - 200 * DAY)
    roll_days(deployment.clients.store, "a0", days[-1].date(), {"totalEngagement": weekly(100)})
    for day, error in ((days[0], 0.5), (days[1], 2.0)):
        instance.report_runless_asset_event(dg.AssetMaterialization(
            "account_forecasts", partition=period_key(day),
            metadata={"due_error": error, "due_inside_80_percent": 75.0},
        ))  # fmt: skip
    # What was said of the day before, in time.
    found = materialized(deployment.materialize(account_forecasts, [period_key(days[1])], instance))
    assert not {"errors_before", "inside_80_before"} & set(found[period_key(days[1])]), "nothing came due"
    deployment.clients.store.db["forecasts"].update_many({}, {"$set": {"madeAt": days[1] + DAY}})
    newest = period_key(days[2])
    metadata = materialized(deployment.materialize(account_forecasts, [newest], instance))[newest]
    assert metadata["due"] == 1
    errors = [0.5, 2.0, metadata["due_error"]]
    assert metadata["errors_before"].endswith(
        f"usual differences of such days, the newest on the right: {errors[-1]:.4g}; "
        f"from {min(errors):.4g} to {max(errors):.4g}"
    ), "a day that is made again, and of which nothing comes due any more, keeps its error"
    drawn = metadata["errors_before"].split("`")[1]
    assert (len(drawn), "·" in drawn[-3:], set(drawn[:-3])) == (28, False, {"·"})
    assert (
        f"inside the 80 % interval, the newest on the right: {metadata['due_inside_80_percent']:.4g} %"
        in (metadata["inside_80_before"])
    )


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


def test_run_forecasts_the_hours_after_every_ended_window(deployment: Deployment, instance: dg.DagsterInstance) -> None:
    deployment.connect(0, connectedAt=deployment.hour - 200 * DAY)
    # The six hours that hold the present one have not ended.
    today = midnight(deployment.hour.date())
    end = today + (deployment.hour - today) // WINDOW * WINDOW
    put_hours(deployment.clients.store, "a0", end, {"totalEngagement": hourly(400), "followers": growing(400)})
    keys = [slot_key(end - 2 * WINDOW), slot_key(end - WINDOW), slot_key(end)]
    result = deployment.materialize(hourly_forecasts, keys, instance)
    assert result.success
    found = materialized(result)
    assert list(found)[:2] == keys[:2]
    assert keys[2] not in found or deployment.hour + HOUR <= utcnow(), "they end while the test runs, if ever"
    assert found[keys[1]] | {"forecasts": 2, "accounts": 1, "refused": 0, "failed": 0} == found[keys[1]]
    check = check_of(result, "hourly_forecasts_calibrated")
    assert check.passed
    events = [fields[b"data"] for _, fields in deployment.clients.redis.xrange(events_key("w"))]  # type: ignore[union-attr,index]
    assert len(events) >= 2
    assert all(b'"grain":"hour"' in one for one in events)


def test_check_of_hours_judges_what_came_due_by_hour(deployment: Deployment) -> None:
    now, store = deployment.hour, deployment.clients.store
    store.db["hourly_forecasts"].insert_one({
        "_id": "a0|followers|x", "workspaceId": "w", "accountId": "a0", "metric": "followers", "window": now - DAY,
        "madeAt": now, "model": "hourly_forecast/1", "due": due(1000, 700, 945),
    })  # fmt: skip
    found = forecast_checks.result(store, "hourly_forecasts", now)
    assert (found.passed, found.description) == (False, "70.0 % lie inside the 80 % interval")
    assert forecast_checks.result(store, "account_forecasts", now).passed, "days have a check of their own"


def test_run_trains_every_ended_week_and_says_what_it_lacks(
    deployment: Deployment, instance: dg.DagsterInstance
) -> None:
    deployment.connect(0, connectedAt=deployment.hour - 500 * DAY)
    week = period_start("weekly", deployment.hour)
    roll_days(deployment.clients.store, "a0", (week - DAY).date(), {"totalEngagement": weekly(300)})
    keys = [period_key(week - WEEK), period_key(week)]
    result = deployment.materialize(forecast_models, keys, instance)
    assert result.success
    found = materialized(result)
    assert list(found) == keys[:1], "this week has not ended"
    assert found[keys[0]] | {"models": 0, "too_few_series": 12} == found[keys[0]], "one series tells of one account"
