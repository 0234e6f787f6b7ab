"""A whole stack that begins shortly before midnight of another year: its hour, its day and its month end.

Nothing here waits for the machine's clock to show midnight: `tidemark up --clock` does, in the past and in the future.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from metrics.clock import isoformat
from metrics.periods import DAY, HOUR
from pipelines.partitions import period_key, slot_key
from tests.dagster_api import DagsterApi
from tests.stack import Stack
from tests.waiting import until

pytestmark = [pytest.mark.end_to_end, pytest.mark.long, pytest.mark.timeout(900)]
WORKSPACE = "/analytics/workspace/demo-north"
BEFORE = timedelta(seconds=100)
"""So long a busy machine takes to start the stack."""
_RUNS = """{ runsOrError { ... on Runs { results { jobName status creationTime startTime endTime
  tags { key value } } } } }"""


class Midnight:
    """A stack whose clock comes to `at`."""

    def __init__(self, stack: Stack, at: datetime) -> None:
        self.stack, self.at = stack, at
        self.dagster = DagsterApi(stack.up["dagster"])

    def run(self, job: str, partition: str) -> dict[str, Any] | None:
        """The run that the schedule asked for."""
        wanted = {"dagster/schedule_name": job, "dagster/partition": partition}
        for run in self.dagster.ask(_RUNS)["results"]:
            if wanted.items() <= {tag["key"]: tag["value"] for tag in run["tags"]}.items():
                return dict(run)
        return None

    def days(self) -> list[dict[str, Any]]:
        """The day that ended, of each account."""
        day = f"{self.at - DAY:%Y-%m-%d}"
        found: list[dict[str, Any]] = self.stack.get(
            f"{WORKSPACE}/aggregated", period="daily", startDate=day, endDate=day
        ).json()["data"]
        return found


@pytest.fixture(
    scope="module",
    params=[datetime(2026, 3, 29, tzinfo=UTC), datetime(2031, 2, 1, tzinfo=UTC)],
    ids=["past", "future"],
)
def midnight(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Midnight]:
    arguments = ("--days", "3", "--workspaces", "1", "--clock", isoformat(request.param - BEFORE))
    stack = Stack(tmp_path_factory.mktemp("up"), *arguments)
    stack.start()
    yield Midnight(stack, request.param)
    if stack.process.poll() is None:
        stack.stop()


def test_schedules_fire_at_the_end_of_the_hour_and_of_the_day(midnight: Midnight) -> None:
    assert {day["status"] for day in midnight.days()} == {"open"}, "the stack came too late for what this is about"
    wanted = {"collect_hourly": slot_key(midnight.at - HOUR), "aggregate_daily": period_key(midnight.at - DAY)}
    for job, partition in wanted.items():
        until(lambda j=job, p=partition: (midnight.run(j, p) or {}).get("status") == "SUCCESS", 400)  # type: ignore[misc]
        run = midnight.run(job, partition)
        assert run is not None
        for name in ("creationTime", "startTime", "endTime"):
            after = datetime.fromtimestamp(run[name], UTC) - midnight.at
            assert timedelta(seconds=-2) < after < timedelta(minutes=8), (job, name, after)


def test_api_gives_the_hour_and_the_day_that_ended(midnight: Midnight) -> None:
    until(lambda: {day["status"] for day in midnight.days()} == {"complete"}, 200)
    accounts = midnight.stack.get(f"{WORKSPACE}/accounts").json()["data"]
    assert {one["lastCollectedSlot"] for one in accounts} == {isoformat(midnight.at - HOUR)}
    assert all(datetime.fromisoformat(one["lastCollectedAt"]) > midnight.at for one in accounts)
    generated = datetime.fromisoformat(midnight.stack.get(f"{WORKSPACE}/accounts").json()["meta"]["generatedAt"])
    assert timedelta() < generated - midnight.at < timedelta(minutes=10)
    page = midnight.stack.client.get("/").text
    assert 'data-ahead-ms="0"' not in page
    assert "data-ahead-ms=" in page


def test_collection_on_demand_lives_at_the_same_time(midnight: Midnight) -> None:
    answer = midnight.stack.client.post(f"{WORKSPACE}/collect")
    assert timedelta() < datetime.fromisoformat(answer.json()["data"]["createdAt"]) - midnight.at
    operation = answer.headers["location"]
    until(lambda: midnight.stack.get(operation).json()["data"]["state"] == "succeeded", 60)


def test_second_start_goes_on_where_the_folder_lives(midnight: Midnight) -> None:
    stack = midnight.stack
    days = midnight.days()
    assert stack.stop() == []
    stack.arguments = ("--no-seed", "--no-dagster")
    stack.start()
    assert midnight.days() == days
    generated = datetime.fromisoformat(stack.get(f"{WORKSPACE}/accounts").json()["meta"]["generatedAt"])
    assert timedelta() < generated - midnight.at < timedelta(minutes=30)
