"""A newcomer's walk, from an empty folder: clone, `make up`, an account, a key, reading, collecting, streaming,
exporting, stopping, starting again; and on the way every block of the documents as a reader would run it.

python -m tests.walk
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
from httpx_sse import connect_sse
from redis import Redis

from metrics.clock import utcnow
from metrics.documents import Observation
from metrics.periods import slot_of
from metrics.redis.events import Announcer, observation_event
from tests.blocks import ROOT, RUN, blocks, pages
from tests.run_blocks import BlockFailed, Runner
from tests.waiting import until
from tidemark.stack.ports import free_port

READY_SECONDS = 300
STOP_SECONDS = 15
WORKSPACE = "walk"
PORTS = ("HTTP", "DAGSTER", "SIMULATOR")


class Walker:
    """A newcomer in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.clone, self.started = folder / "tidemark", time.monotonic()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TIDEMARK_", "DAGSTER_"))}
        ports = {f"TIDEMARK_{name}_PORT": str(free_port()) for name in PORTS}
        self.environment = {**kept, **ports, "HOME": str(folder), "SHELL": "/bin/bash"}
        self.up: dict[str, str] = {}

    def say(self, line: str) -> None:
        """Say what was done, and when."""
        print(f"{time.monotonic() - self.started:6.1f} s  {line}", flush=True)

    def make_up(self) -> None:
        """`make up`, until it is ready."""
        began = time.monotonic()
        self.process = subprocess.Popen(["make", "up"], cwd=self.clone, env=self.environment, start_new_session=True)
        path = self.clone / ".tidemark" / "up.json"
        while not path.exists():
            if self.process.poll() is not None:
                raise SystemExit(f"make up ended with code {self.process.returncode}")
            if time.monotonic() - began > READY_SECONDS:
                raise SystemExit(f"make up was not ready after {READY_SECONDS} s")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.2)
        self.up = json.loads(path.read_text())
        self.say(f"ready {time.monotonic() - began:.0f} s after make up")

    def stop(self) -> None:
        """Press Ctrl-C; everything has to end in time."""
        began = time.monotonic()
        family = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait()
        _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
        for left in alive:
            left.kill()
        if alive:
            raise SystemExit(f"still there {STOP_SECONDS} s after Ctrl-C: {alive}")
        self.say(f"stopped within {time.monotonic() - began:.1f} s")

    def tidemark(self, *words: str, token: str = "") -> Any:
        """Run a command with --json and return what it printed."""
        command = [str(self.clone / ".venv/bin/tidemark"), *words, "--json"]
        ran = subprocess.run(
            command, cwd=self.clone, env=self.environment, input=token, capture_output=True, text=True, check=False
        )
        if ran.returncode != 0:
            raise SystemExit(f"tidemark {' '.join(words)} ended with {ran.returncode}: {ran.stdout}{ran.stderr}")
        return json.loads(ran.stdout)

    def get(self, path: str, key: str, **query: str) -> httpx.Response:
        """Read from the API."""
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.get(self.up["http"] + path, params=query, headers=headers, timeout=30).raise_for_status()

    def graphql(self, query: str) -> Any:
        """Ask the Dagster UI's own interface."""
        return httpx.post(f"{self.up['dagster']}/graphql", json={"query": query}, timeout=30).json()["data"]


def main() -> int:
    """Walk; return an exit code."""
    with tempfile.TemporaryDirectory(prefix="tidemark-walk-") as folder:
        walker = Walker(Path(folder))
        subprocess.run(["git", "clone", "-q", str(ROOT), str(walker.clone)], check=True)
        subprocess.run(["make", "-s", "install"], cwd=walker.clone, env=walker.environment, check=True)
        walker.say("cloned and installed")
        walker.make_up()
        try:
            account_id, key, token = look_around(walker)
            collect(walker, account_id, key)
            failed = read_the_documents(walker, token)
            walker.stop()
            walker.make_up()
            find_all_again(walker, account_id, key)
        finally:
            walker.stop()
    return 1 if failed else 0


def look_around(walker: Walker) -> tuple[str, str, str]:
    """Open the pages, connect an account of the simulator, make a key."""
    for path in ("/", "/docs", "/readyz", "/openapi.json"):
        walker.get(path, walker.up["key"])
    offered = httpx.get(f"{walker.up['simulator']}/_control/accounts?platform=instagram&count=60").json()[-1]
    named = ["--workspace", WORKSPACE, "--platform", "instagram", "--account", offered["platformAccountId"]]
    (account,) = walker.tidemark(
        "accounts", "connect", *named, "--handle", offered["handle"], token=offered["token"] + "\n"
    )
    scopes = ("--scope", "read", "--scope", "collect")
    key = walker.tidemark("keys", "create", "walk", "--workspace", WORKSPACE, *scopes)["key"]
    (listed,) = walker.get(f"/analytics/workspace/{WORKSPACE}/accounts", key).json()["data"]
    assert listed["state"] == "active", listed
    assert walker.get(f"/analytics/workspace/{WORKSPACE}/metrics", key).json()["data"] == []
    walker.say(f"connected {offered['handle']}, made a key")
    # The documents connect the account 17841400000000001, whose token is asked for.
    named_there = httpx.get(f"{walker.up['simulator']}/_control/accounts?platform=instagram&count=2").json()[1]
    return account["_id"], key, named_there["token"]


def collect(walker: Walker, account_id: str, key: str) -> None:
    """Ask for a collection; see it on the stream, in the reads, in an export and in Dagster."""
    headers = {"Authorization": f"Bearer {key}"}
    path = f"/analytics/workspace/{WORKSPACE}"
    with (
        httpx.Client(base_url=walker.up["http"], headers=headers, timeout=120) as client,
        connect_sse(client, "GET", "/analytics/stream", params={"workspaceId": WORKSPACE}) as stream,
    ):
        operation = client.post(f"{path}/collect").raise_for_status().headers["location"]
        event = next(event for event in stream.iter_sse() if event.event == "metrics:update")
        assert event.json()["accountId"] == account_id, event
        walker.say("a collected number arrived on the stream")
    until(lambda: walker.get(operation, key).json()["data"]["state"] == "succeeded", 120)
    run_id = walker.get(operation, key).json()["data"]["runId"]
    read = walker.get(f"{path}/metrics", key)
    assert read.json()["data"], "nothing was observed"

    def same() -> bool:
        now = walker.get(f"{path}/metrics", key)
        return httpx.get(now.url, headers={**headers, "If-None-Match": now.headers["etag"]}).status_code == 304

    # The account's history may still be read: what it writes changes the answer.
    until(same, 60)
    exported = walker.get(f"{path}/export", key, dataset="metrics", format="csv").text.splitlines()
    assert len(exported) > len(read.json()["data"]), exported[:3]
    query = f'{{ runOrError(runId: "{run_id}") {{ ... on Run {{ status jobName }} }} }}'
    until(lambda: walker.graphql(query)["runOrError"] == {"status": "SUCCESS", "jobName": "collect_hourly"}, 60)
    walker.say("collected, read, exported, and seen in Dagster")


def read_the_documents(walker: Walker, token: str) -> list[str]:
    """Run every block of every page; return those that failed."""
    now = slot_of(utcnow())
    followers = Observation(
        "demo-north", "acc_of_the_walk", "instagram", "account", now, now, {"followers": 1}, "walk", "v1"
    )

    def disturb() -> None:
        # Announce the event of a collection without running one, which takes seconds: `collect` waited for a real one.
        with Redis.from_url(walker.up["redis"]) as redis:
            Announcer(redis).announce("demo-north", [observation_event(followers)])

    runner = Runner(walker.clone, walker.up, {**walker.environment, "TOKEN": token}, disturb)
    failed = []
    for page in pages():
        runner.forget()
        for block in blocks(page):
            if block.how == "not run" or block.language not in RUN:
                continue
            began = time.monotonic()
            try:
                runner.run(block)
            except BlockFailed as error:
                failed.append(str(block))
                walker.say(f"FAILED {error}")
            else:
                walker.say(f"ran {block} ({block.language}, {time.monotonic() - began:.1f} s)")
    return failed


def find_all_again(walker: Walker, account_id: str, key: str) -> None:
    """After the second start everything is still there."""
    (listed,) = walker.get(f"/analytics/workspace/{WORKSPACE}/accounts", key).json()["data"]
    assert listed["accountId"] == account_id, listed
    assert walker.get(f"/analytics/workspace/{WORKSPACE}/metrics", key).json()["data"]
    assert walker.get("/analytics/workspace/demo-north/aggregated", walker.up["key"], period="daily").json()["data"]
    walker.say("all still there")


if __name__ == "__main__":
    sys.exit(main())
