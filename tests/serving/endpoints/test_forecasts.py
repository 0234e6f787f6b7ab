"""`GET …/forecasts` over HTTP: points with intervals and evidence, or a reason; nothing of other workspaces."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from metrics.forecasts import WINDOW
from metrics.periods import midnight
from metrics.redis.events import Announcer
from metrics.store import Store
from pipelines.insights.forecasts.make import make
from pipelines.insights.forecasts.make_hours import make_hours
from tests.pipelines.insights.forecasts.days import roll_days, weekly
from tests.pipelines.insights.forecasts.hours import growing, hourly, put_hours
from tests.serving.conftest import NOW, account

PATH = "/analytics/workspace/w1/forecasts"
YESTERDAY = NOW.date() - timedelta(days=1)


def ask(client: httpx.Client, **query: str) -> Any:
    answer = client.get(PATH, params={"metric": "totalEngagement", **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


@pytest.fixture
def said(seeded: Store, announcer: Announcer) -> Store:
    """Forecasts of `a1`, of an account with a short history, of one on X, and of one of another workspace."""
    seeded.accounts.put([account("short", "w1"), {**account("x", "w1"), "platform": "twitter"}])
    roll_days(seeded, "a1", YESTERDAY, {"totalEngagement": weekly(100), "followers": weekly(100)}, "w1")
    roll_days(seeded, "short", YESTERDAY, {"totalEngagement": weekly(40)}, "w1")
    roll_days(seeded, "a2", YESTERDAY, {"totalEngagement": weekly(100)}, "w2")
    make(seeded, midnight(YESTERDAY), now=NOW, run_id="r")
    announcer.announce("w1")
    return seeded


def test_points_come_with_intervals_total_and_evidence(client: httpx.Client, said: Store) -> None:
    data = ask(client, horizon="7", accountId="a1")
    assert (data["metric"], data["unit"], data["horizon"]) == ("totalEngagement", "count", 7)
    (found,) = data["forecasts"]
    assert [point["date"] for point in found["points"]] == [
        (YESTERDAY + timedelta(days=ahead)).isoformat() for ahead in range(1, 8)
    ]
    for point in found["points"]:
        assert 0 <= point["lo95"] <= point["lo80"] <= point["value"] <= point["hi80"] <= point["hi95"]
    assert found["total"]["value"] == pytest.approx(sum(point["value"] for point in found["points"]), abs=0.1)
    assert found["total"]["lo80"] < found["total"]["value"] < found["total"]["hi80"]
    assert (found["model"], found["origin"], found["trainedTo"]) == ("forecast/1", *[YESTERDAY.isoformat()] * 2)
    assert (found["expected"], found["observed"], found["backtest"]["origins"]) == (100, 100, 9)
    longer = ask(client, accountId="a1")["forecasts"][0]
    assert longer["points"][:7] == found["points"]
    assert len(longer["points"]) == 28
    level = ask(client, metric="followers", accountId="a1")["forecasts"][0]
    assert "total" not in level
    assert level["totalUnavailable"] == "not_additive"


def test_workspace_has_the_forecast_of_its_sum_with_the_difference_from_the_accounts(
    client: httpx.Client, said: Store
) -> None:
    data = ask(client, horizon="7")
    found = data["workspace"]
    assert found["accountIds"] == ["a1", "short"]
    assert "x" in found["leftOut"]
    each = [one["total"]["value"] for one in data["forecasts"] if one["accountId"] in found["accountIds"]]
    assert found["difference"] == pytest.approx(found["total"]["value"] - sum(each), abs=0.02)
    assert found["expected"] == 40
    assert ask(client)["workspace"]["unavailable"] == {"reason": "too_short"}, "forty days are too few for four weeks"
    assert "workspace" not in ask(client, horizon="7", accountId="a1")
    followers = ask(client, metric="followers")["workspace"]
    assert (followers["accountIds"], followers["difference"]) == (["a1"], 0)
    assert ask(client, metric="reach")["workspace"] == {"unavailable": {"reason": "not_additive"}}
    assert ask(client, metric="totalViews")["workspace"] == {"unavailable": {"reason": "not_yet_available"}}


def test_account_without_a_forecast_has_the_reason(client: httpx.Client, said: Store) -> None:
    found = {one["accountId"]: one for one in ask(client)["forecasts"]}
    assert list(found) == ["a1", "short", "x"], "and none of another workspace"
    assert found["short"]["unavailable"] == {"reason": "too_short"}, "forty days are enough for seven"
    assert "points" not in found["short"]
    assert len(ask(client, horizon="7", accountId="short")["forecasts"][0]["points"]) == 7
    assert found["x"]["unavailable"] == {"reason": "no_observation"}
    assert ask(client, metric="reach", accountId="x")["forecasts"][0]["unavailable"] == {"reason": "not_supported"}
    said.accounts.put([account("new", "w1")])
    assert ask(client, horizon="7", accountId="new")["forecasts"][0]["unavailable"] == {"reason": "not_yet_available"}


def test_account_of_another_workspace_is_not_told(client: httpx.Client, said: Store) -> None:
    assert said.forecasts.newest("w2", "totalEngagement", "a2")
    assert ask(client, accountId="a2")["forecasts"] == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({}, "metric"),
        ({"metric": "engagementRate"}, "metric"),
        ({"metric": "followers", "horizon": "14"}, "horizon"),
        ({"metric": "followers", "horizon": "x"}, "horizon"),
        ({"metric": "followers", "period": "daily"}, "period"),
    ],
)
def test_wrong_query_is_refused_with_what_is_right(
    client: httpx.Client, seeded: Store, query: dict[str, str], parameter: str
) -> None:
    answer = client.get(PATH, params=query)
    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


HOURS = f"{PATH}/hours"


@pytest.fixture
def said_hours(seeded: Store, announcer: Announcer) -> Store:
    """Forecasts of the hours of `a1`, and of one account of another workspace."""
    seeded.accounts.put([{**account("x", "w1"), "platform": "twitter"}])
    end = midnight(NOW.date())
    for name, workspace_id in (("a1", "w1"), ("a2", "w2")):
        values = {"totalEngagement": hourly(600), "followers": growing(600)}
        put_hours(seeded, name, end, values, workspaceId=workspace_id)
    make_hours(seeded, end - WINDOW, now=NOW, run_id="r")
    announcer.announce("w1")
    return seeded


def test_hours_have_points_with_intervals_total_and_evidence(client: httpx.Client, said_hours: Store) -> None:
    answer = client.get(HOURS, params={"metric": "totalEngagement"})
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert (data["metric"], data["unit"], data["horizon"]) == ("totalEngagement", "count", 48)
    found, other = data["forecasts"]
    end = midnight(NOW.date())
    assert [point["at"] for point in found["points"]] == [
        f"{end + timedelta(hours=ahead):%Y-%m-%dT%H:%M:%SZ}" for ahead in range(48)
    ]
    for point in found["points"]:
        assert 0 <= point["lo95"] <= point["lo80"] <= point["value"] <= point["hi80"] <= point["hi95"]
    assert found["total"]["value"] == pytest.approx(sum(point["value"] for point in found["points"]), abs=0.5)
    assert (found["model"], found["expected"], found["backtest"]["origins"]) == ("hourly_forecast/1", 600, 24)
    assert found["origin"] == found["trainedTo"] == f"{end - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    assert other["unavailable"] == {"reason": "no_observation"}
    shorter = client.get(HOURS, params={"metric": "totalEngagement", "horizon": "24", "accountId": "a1"}).json()["data"]
    assert shorter["forecasts"][0]["points"] == found["points"][:24]
    level = client.get(HOURS, params={"metric": "followers", "accountId": "a1"}).json()["data"]["forecasts"][0]
    assert (level["totalUnavailable"], "total" in level) == ("not_additive", False)


def test_workspace_has_the_forecast_of_the_next_hours_of_its_sum(client: httpx.Client, said_hours: Store) -> None:
    found = client.get(HOURS, params={"metric": "totalEngagement"}).json()["data"]["workspace"]
    assert (found["accountIds"], found["leftOut"]) == (["a1"], ["x"])
    assert len(found["points"]) == 48
    assert found["difference"] == 0, "it is the sum of one"
    assert {"total", "backtest", "origin"} < found.keys()
    said_hours.db["workspace_hourly_forecasts"].delete_many({})
    followers = client.get(HOURS, params={"metric": "followers", "horizon": 24}).json()["data"]
    assert followers["workspace"] == {"unavailable": {"reason": "not_yet_available"}}
    of_one = client.get(HOURS, params={"metric": "totalEngagement", "accountId": "a1"}).json()["data"]
    assert "workspace" not in of_one


def test_hours_of_another_workspace_are_not_told(client: httpx.Client, said_hours: Store) -> None:
    assert said_hours.hourly_forecasts.newest("w2", "totalEngagement", "a2")
    answer = client.get(HOURS, params={"metric": "totalEngagement", "accountId": "a2"})
    assert answer.json()["data"]["forecasts"] == []


@pytest.mark.parametrize(
    ("query", "parameter"), [({"metric": "reach"}, "metric"), ({"metric": "followers", "horizon": "7"}, "horizon")]
)
def test_wrong_query_of_hours_is_refused(
    client: httpx.Client, seeded: Store, query: dict[str, str], parameter: str
) -> None:
    answer = client.get(HOURS, params=query)
    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_workspace_leaves_the_pool_and_comes_back(client: httpx.Client, admin: httpx.Client, seeded: Store) -> None:
    pool = "/analytics/workspace/w1/forecast-pool"
    assert client.get(pool).json() == {"data": {"pooled": True}}
    assert client.put(pool, json={"pooled": False}).status_code == 403
    assert admin.put(pool, json={"pooled": False}).json() == {"data": {"pooled": False}}
    assert client.get(pool).json() == {"data": {"pooled": False}}
    assert seeded.forecast_models.kept_apart() == {"w1"}
    assert admin.put(pool, json={"pooled": "no"}).status_code == 400
    assert admin.put(pool, json={"pooled": True}).json() == {"data": {"pooled": True}}
    assert seeded.forecast_models.kept_apart() == set()
