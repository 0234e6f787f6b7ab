"""`tidemark up` as a user has it: history, a collection on demand, the stream, a store that dies, the second start."""

import json
from collections.abc import Iterator
from datetime import datetime

import psutil
import pytest
from httpx_sse import connect_sse

from metrics.clock import isoformat
from metrics.periods import DAY
from tests.stack import Stack
from tests.truth import same, truth_of
from tests.waiting import until

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]
WORKSPACE = "/analytics/workspace/demo-north"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("up"), "--days", "3", "--workspaces", "2")
    made.start()
    yield made
    if made.process.poll() is None:
        made.stop()


def test_history_is_rolled_up_and_complete(stack: Stack) -> None:
    found = stack.get(f"{WORKSPACE}/aggregated", period="daily").json()["data"]
    ended = [row for row in found if row["status"] != "open"]
    assert len(ended) >= 6
    assert {row["status"] for row in ended} == {"complete"}


def test_a_week_of_history_is_too_short_for_forecasts_which_say_so(stack: Stack) -> None:
    found = stack.get(f"{WORKSPACE}/forecasts", metric="followers", horizon="7").json()["data"]["forecasts"]
    assert {one["unavailable"]["reason"] for one in found} == {"too_short"}
    assert {one["model"] for one in found} == {"forecast/1"}


def test_every_answered_number_equals_the_truth(stack: Stack) -> None:
    reference = truth_of(stack)
    span = {"startDate": min(o.slot for o in reference.observations).date().isoformat()}
    span["endDate"] = reference.now.date().isoformat()
    wanted: dict[tuple[str, str], dict[str, int | float]] = {}
    for one in reference.observations:
        wanted.setdefault((one.subject_id, isoformat(one.slot)), {}).update(one.metrics)
    found: dict[tuple[str, str], dict[str, int | float]] = {}
    page: dict[str, str | None] = {"nextCursor": ""}
    while page["nextCursor"] is not None:
        cursor = {"cursor": page["nextCursor"]} if page["nextCursor"] else {}
        answer = stack.get(f"{WORKSPACE}/metrics", limit="1000", **span, **cursor).json()
        for row in answer["data"]:
            row["metrics"].pop("engagement", None)
            found[row["metadata"].get("postId", row["accountId"]), row["timestamp"]] = row["metrics"]
        page = answer["page"]
    assert found == wanted
    days = [d for d in stack.get(f"{WORKSPACE}/aggregated", period="daily").json()["data"] if d["status"] != "open"]
    for day in days:
        start = datetime.fromisoformat(day["periodStart"])
        expected = reference.account(day["accountId"], start, start + DAY, "daily")
        assert expected is not None
        for name, value in expected["aggregatedMetrics"].items():
            given = day["aggregatedMetrics"][name]
            assert same(given, value), (day["platform"], name, day["periodStart"], given, value)
    assert len(days) >= 6


def test_collection_on_demand_arrives_on_the_stream_and_in_the_reads(stack: Stack) -> None:
    seen: set[str] = set()
    with connect_sse(stack.client, "GET", "/analytics/stream", params={"workspaceId": "demo-north"}) as source:
        answer = stack.client.post(f"{WORKSPACE}/collect")
        assert answer.status_code == 202
        for event in source.iter_sse():
            seen.add(event.event)
            if {"metrics:update", "metrics:post", "metrics:aggregated"} <= seen:
                break
    operation = answer.headers["location"]
    until(lambda: stack.get(operation).json()["data"]["state"] == "succeeded")
    newest = stack.get(f"{WORKSPACE}/accounts").json()["data"][0]
    assert newest["lastCollectedAt"] >= answer.json()["data"]["createdAt"]


def test_what_was_accepted_is_run_after_mongodb_died(stack: Stack) -> None:
    operation = stack.client.post("/analytics/workspace/demo-harbour/collect").headers["location"]
    children = psutil.Process(stack.process.pid).children()
    mongod = next(p for p in children if "mongod" in p.name())
    mongod.kill()
    statuses: set[int] = set()

    def back() -> bool:
        statuses.add(stack.get(f"{WORKSPACE}/posts", limit="7").status_code)
        return stack.get("/readyz").status_code == 200 and not mongod.is_running()

    until(back, 30)
    assert statuses <= {200, 503}
    until(lambda: stack.get(operation).json()["data"].get("state") in ("succeeded", "partial"), 60)


def test_passwords_of_the_stores_are_in_no_log_event_or_command_line(stack: Stack) -> None:
    passwords = [text.encode() for text in json.loads((stack.home / "logins.json").read_text()).values()]
    folders = [stack.home / name for name in ("logs", "dagster", "redis")]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert len(files) > 10
    assert [file for file in files for password in passwords if password in file.read_bytes()] == []
    shown = stack.command_lines()
    assert "mongod" in shown
    assert [password for password in passwords if password.decode() in shown] == []


def test_second_start_has_all_data_of_the_first(stack: Stack) -> None:
    before = stack.get(f"{WORKSPACE}/aggregated", period="daily").json()["data"][0]
    assert stack.stop() == []
    assert not (stack.home / "up.json").exists()
    stack.start()
    assert stack.get(f"{WORKSPACE}/aggregated", period="daily").json()["data"][0] == before
