"""`tidemark up` as a user has it: history, a collection on demand, the stream, a store that dies, the second start."""

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import psutil
import pytest
from httpx_sse import connect_sse
from pydantic import SecretStr

from metrics.accounts import Vault, generate_secret_key
from metrics.clock import isoformat
from metrics.documents import AccountDocument, Observation, PostDocument
from metrics.periods import DAY
from pipelines.collect.ladder import FOLLOWED_UNTIL
from pipelines.collect.observe import post_document
from pipelines.platforms.base import Post
from simulator.registry import new_world
from tests.pipelines.rollup.reference import Reference
from tests.waiting import until
from tidemark.seed import Plan, observations, seeded_account
from tidemark.stack.ports import free_port

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(300)]
WORKSPACE = "/analytics/workspace/demo-north"


class Stack:
    """One `tidemark up` in a folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        ports = {f"TIDEMARK_{name}_PORT": str(free_port()) for name in ("HTTP", "DAGSTER", "SIMULATOR")}
        self.environment = {**os.environ, **ports, "TIDEMARK_HOME": str(home)}

    def start(self) -> None:
        with (self.home / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tidemark.cli", "up", "--days", "3"],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(lambda: (self.home / "up.json").exists() or self.process.poll() is not None, 150)
        assert self.process.poll() is None, (self.home / "up.log").read_text()[-3000:]
        self.up: dict[str, str] = json.loads((self.home / "up.json").read_text())
        headers = {"Authorization": f"Bearer {self.up['key']}"}
        self.client = httpx.Client(base_url=self.up["http"], headers=headers, timeout=30)

    def stop(self) -> list[psutil.Process]:
        """Press Ctrl-C; return what is left of the stack's processes after 15 seconds."""
        self.client.close()
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGINT)
        self.process.wait(15)
        alive = psutil.wait_procs(children, timeout=1)[1]
        # What has ended and waits for init to notice is no process that is left.
        return [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]

    def get(self, path: str, **params: str) -> httpx.Response:
        return self.client.get(path, params=params)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("up"))
    made.start()
    yield made
    if made.process.poll() is None:
        made.stop()


def test_history_is_rolled_up_and_complete(stack: Stack) -> None:
    found = stack.get(f"{WORKSPACE}/aggregated", period="daily").json()["data"]
    ended = [row for row in found if row["status"] != "open"]
    assert len(ended) >= 6
    assert {row["status"] for row in ended} == {"complete"}


def truth_of(stack: Stack) -> Reference:
    """Everything seeded of a workspace, from the simulator's truth, for the brute-force reference."""
    span = json.loads((stack.home / "seeded.json").read_text())
    what = Plan(*(datetime.fromisoformat(span[name]) for name in ("start", "end")))
    world, vault = new_world(), Vault([SecretStr(generate_secret_key())])
    accounts: list[AccountDocument] = []
    posts: list[PostDocument] = []
    said: list[Observation] = []
    for sim in (sim for workspace_id, sim in what.of(world) if workspace_id == "demo-north"):
        account = seeded_account("demo-north", sim, vault, what.start)
        published = world.posts(sim, what.start - FOLLOWED_UNTIL, what.end)
        accounts.append(account)
        for p in published:
            post = Post(p.platform_post_id, p.metric_type, p.content_type, p.published_at)
            document = post_document(account, post)
            if p.deleted_at is not None and p.deleted_at <= what.end:
                document["deletedAt"] = p.deleted_at
            posts.append(document)
        said += observations(world, account, sim, published, what)
    return Reference(accounts, posts, said, what.end)


def test_every_answered_number_equals_the_truth(stack: Stack) -> None:
    reference = truth_of(stack)
    span = {"startDate": min(o.slot for o in reference.observations).date().isoformat()}
    span["endDate"] = reference.now.date().isoformat()
    wanted: dict[tuple[str, str], dict[str, int | float]] = {}
    for one in reference.observations:
        wanted.setdefault((one.subject_id, isoformat(one.slot)), {}).update(one.metrics)
    found: dict[tuple[str, str], dict[str, int | float]] = {}
    page = {"nextCursor": ""}
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
            same = math.isclose(given, value, rel_tol=1e-9) if isinstance(value, float) else given == value
            assert same, (name, day["periodStart"], given, value)
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
    until(lambda: stack.get(operation).json()["data"]["state"] == "succeeded", 15)
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


def test_second_start_has_all_data_of_the_first(stack: Stack) -> None:
    before = stack.get(f"{WORKSPACE}/aggregated", period="daily").json()["data"][0]
    assert stack.stop() == []
    assert not (stack.home / "up.json").exists()
    stack.start()
    assert stack.get(f"{WORKSPACE}/aggregated", period="daily").json()["data"][0] == before
