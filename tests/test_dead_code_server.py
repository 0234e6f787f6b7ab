"""The code server is killed with -9 in the middle of each kind of run, in a whole stack.

The runs of a code server are its children and end with it. Within two minutes none of them may still be shown as under
way, and its work has to be done again without a person. In the end nothing is missing, and every rollup is what the log
says.

Two things hold a run in its middle. The simulator's fault `slow` holds a call to a platform; a lock on MongoDB's writes
(`fsync`) holds what calls nobody. So no test has to hit the right moment.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import httpx
import psutil
import pytest

from metrics.clock import utcnow
from metrics.collection import histories
from metrics.collection.hours import holes, hours_to_look_at
from metrics.documents import PLATFORMS
from metrics.periods import DAY, Period, midnight, period_start
from metrics.settings import Settings, load_settings
from metrics.store import Store
from metrics.upkeep.retention import Horizon
from pipelines.partitions import ended_slot, period_key, slot_key
from pipelines.runs.tags import BACKFILL, OPERATION
from tests.dagster_api import DagsterApi
from tests.stack import Stack
from tests.waiting import until

pytestmark = [pytest.mark.end_to_end, pytest.mark.long, pytest.mark.timeout(600)]
WORKSPACE = "demo-north"
RAW = [f"raw_{platform}" for platform in PLATFORMS]
UNDER_WAY = ["STARTING", "STARTED", "CANCELING"]
UNFINISHED = [*UNDER_WAY, "NOT_STARTED", "QUEUED"]
MOST_SECONDS = 120.0


@dataclass
class World:
    """A stack, and what is known of how long it took to heal."""

    stack: Stack
    dagster: DagsterApi
    store: Store
    settings: Settings
    took: list[str] = field(default_factory=list)

    @property
    def days(self) -> list[datetime]:
        """The days that have ended and were seeded in whole."""
        today = midnight(utcnow().date())
        return [today - back * DAY for back in range(9, 0, -1)]

    def one(self, job: str, statuses: list[str]) -> str | None:
        """The newest run of a job that has one of these statuses."""
        found = self.dagster.brief(pipelineName=job, statuses=statuses)
        return found[0]["runId"] if found else None


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    exports = tmp_path_factory.mktemp("exports")
    environment = {
        "TIDEMARK_EXPORT_URL": exports.as_uri(),
        "TIDEMARK_RETENTION_DAYS": "40",
        "TIDEMARK_HISTORY_POSTS_DAYS": "20",
    }
    stack = Stack(tmp_path_factory.mktemp("up"), "--days", "11", "--workspaces", "1", **environment)
    stack.start()
    settings = load_settings(mongo_url=stack.up["mongo"], redis_url=stack.up["redis"], retention_days=40)
    with closing(Store.connect(settings)) as store:
        yield World(stack, DagsterApi(stack.up["dagster"]), store, settings)
    stack.stop()


def child(world: World, module: str) -> psutil.Process:
    """The supervisor's child that runs a module."""
    for process in psutil.Process(world.stack.process.pid).children():
        # Others may end while they are looked at.
        with suppress(psutil.Error):
            if module in process.cmdline():
                return process
    raise AssertionError(f"no {module} runs")


def quiet(world: World) -> None:
    """Wait until nothing is marked and no run waits or works."""
    until(lambda: not world.store.marks.count() and not world.dagster.brief(statuses=UNFINISHED), 300)


@contextmanager
def calls_held(world: World) -> Iterator[Callable[[], bool]]:
    """Hold every call to a platform; the result tells whether any is held."""
    control = f"{world.stack.up['simulator']}/_control/faults"
    assert httpx.put(control, json=[{"kind": "slow", "seconds": 60}]).status_code == 200
    try:
        yield lambda: any(fault["struck"] for fault in httpx.get(control).json())
    finally:
        httpx.delete(control)


@contextmanager
def writes_held(world: World) -> Iterator[Callable[[], bool]]:
    """Hold every write to MongoDB; the result tells whether any is held."""
    admin = world.store.client.admin
    waiting: list[dict[str, Any]] = [
        {"$currentOp": {"allUsers": True}},
        {"$match": {"waitingForLock": True, "ns": {"$regex": "^tidemark"}}},
    ]
    admin.command("fsync", 1, lock=True)
    try:
        yield lambda: bool(list(admin.aggregate(waiting)))
    finally:
        admin.command("fsyncUnlock")


def kill(world: World, kind: str, job: str) -> tuple[str, float]:
    """Kill the code server; return the job's run that died with it, once nothing dead is shown as under way."""
    server = child(world, "grpc")
    workers = server.children(recursive=True)
    doomed = {run["runId"] for run in world.dagster.brief(statuses=UNDER_WAY)}
    run = world.one(job, ["STARTED", "CANCELING"])
    assert run is not None
    assert run in doomed
    killed = time.monotonic()
    server.kill()
    until(lambda: not world.dagster.brief(runIds=sorted(doomed), statuses=UNDER_WAY), MOST_SECONDS)
    ended = time.monotonic() - killed
    assert psutil.wait_procs(workers, timeout=30)[1] == [], "what Dagster calls failed goes on"
    world.took.append(f"{kind:<28} no dead run is under way after {ended:5.1f} s")
    return run, killed


def healed(world: World, killed: float, done: Callable[[], bool], seconds: float = 240) -> None:
    """Wait until the work that was cut off is done, and note how long that took."""
    until(done, seconds)
    world.took[-1] += f", its work is done again after {time.monotonic() - killed:5.1f} s"


def assert_failed_plainly(world: World, run: str) -> None:
    """The run that died says so in the UI, and another one took its place."""
    assert world.dagster.status(run) == "FAILURE"
    # The stack ends the run, or Dagster's monitor does, whichever looks first.
    reasons = ("The code server ended, and with it this run", "the code server was started again, and this run ended")
    message = world.dagster.end_message(run)
    assert any(reason in message for reason in reasons), message


def succeeded_again(world: World, run: str) -> bool:
    """Tell whether the run that Dagster started in the place of a dead one succeeded."""
    return any(
        other["parentRunId"] == run and other["status"] == "SUCCESS"
        for other in world.dagster.brief(statuses=["SUCCESS"])
    )


def test_collection_of_the_hour(world: World) -> None:
    quiet(world)
    slot = ended_slot(utcnow())
    world.store.db["collections"].delete_many({"slot": slot})
    horizon = Horizon.of(world.store, world.settings, utcnow())
    assert holes(world.store, [slot], horizon)
    with calls_held(world) as held:
        world.dagster.launch("collect_hourly", RAW, slot_key(slot))
        until(lambda: held() and world.one("collect_hourly", ["STARTED"]) is not None, 120)
        run, killed = kill(world, "collection of the hour", "collect_hourly")
    assert_failed_plainly(world, run)
    healed(world, killed, lambda: not holes(world.store, [slot], horizon))


def test_collection_that_was_asked_for(world: World) -> None:
    quiet(world)
    with calls_held(world) as held:
        answer = world.stack.client.post(f"/analytics/workspace/{WORKSPACE}/collect")
        operation = answer.json()["data"]["operationId"]
        until(lambda: held() and world.store.operations.get(operation)["state"] == "running", 120)
        run, killed = kill(world, "collection on demand", "collect_hourly")
    assert_failed_plainly(world, run)
    healed(world, killed, lambda: world.store.operations.get(operation)["state"] not in ("queued", "running"))
    assert world.store.operations.get(operation)["state"] == "succeeded"
    # The operation ends with its last asset, a moment before the run does.
    of_it = [{"key": OPERATION, "value": operation}]
    until(lambda: sorted(r["status"] for r in world.dagster.brief(tags=of_it)) == ["FAILURE", "SUCCESS"], 60)


def test_history_of_an_account(world: World) -> None:
    quiet(world)
    account = world.store.accounts.find(workspace_id=WORKSPACE)[0]
    with calls_held(world) as held:
        operation = histories.request_histories(world.store, [account], again=[account["_id"]])[account["_id"]]["_id"]
        until(lambda: held() and world.one("collect_history", ["STARTED"]) is not None, 120)
        run, killed = kill(world, "history of an account", "collect_history")
    assert_failed_plainly(world, run)
    healed(world, killed, lambda: world.store.operations.get(operation)["state"] == "succeeded")


def test_late_roll(world: World) -> None:
    quiet(world)
    day = world.days[-2]
    lose(world, "daily", [day])
    world.store.marks.touch([(WORKSPACE, "daily", day)])
    with writes_held(world) as held:
        until(lambda: held() and world.one("aggregate_late", ["STARTED"]) is not None, 120)
        run, killed = kill(world, "late roll", "aggregate_late")
    assert_failed_plainly(world, run)
    healed(world, killed, lambda: rolled(world, "daily", [day]) and not world.store.marks.count())


def test_backfill_of_days(world: World) -> None:
    quiet(world)
    days = world.days
    lose(world, "daily", days)
    backfill = world.dagster.backfill({"daily_rollup": (period_key(days[0]), period_key(days[-1]))})

    def begun() -> bool:
        found = world.dagster.brief(tags=[{"key": BACKFILL, "value": backfill}])
        return bool(found) and bool(world.dagster.partitions_of(found[0]["runId"]))

    until(begun, 120)
    with writes_held(world) as held:
        until(held, 30)
        _, killed = kill(world, "backfill of days, half done", "__ASSET_JOB")
    healed(world, killed, lambda: world.dagster.backfill_status(backfill) == "COMPLETED_SUCCESS")
    assert rolled(world, "daily", days)


@pytest.mark.parametrize("period", ["weekly", "monthly"])
def test_rollup_of_a_longer_period(world: World, period: Period) -> None:
    quiet(world)
    start = period_start(period, world.days[-1])
    lose(world, period, [start])
    with writes_held(world) as held:
        world.dagster.launch(f"aggregate_{period}", [f"{period}_rollup"], period_key(start))
        until(lambda: held() and world.one(f"aggregate_{period}", ["STARTED"]) is not None, 120)
        run, killed = kill(world, f"{period} rollup", f"aggregate_{period}")
    assert_failed_plainly(world, run)
    healed(world, killed, lambda: succeeded_again(world, run))
    assert rolled(world, period, [start])


def test_export(world: World) -> None:
    quiet(world)
    until(lambda: not exports_behind(world), 240)
    world.store.exports.touch([WORKSPACE], world.days[-2])
    with writes_held(world) as held:
        until(lambda: held() and world.one("export_daily", ["STARTED"]) is not None, 180)
        run, killed = kill(world, "export", "export_daily")
    assert_failed_plainly(world, run)
    # The write that took the mark away may have been the dead run's: the run in its place has to succeed as well.
    healed(world, killed, lambda: succeeded_again(world, run) and not exports_behind(world))


def test_nightly_maintenance(world: World) -> None:
    quiet(world)
    with writes_held(world) as held:
        world.dagster.launch("maintain_daily")
        until(lambda: held() and world.one("maintain_daily", ["STARTED"]) is not None, 120)
        run, killed = kill(world, "nightly maintenance", "maintain_daily")
    assert_failed_plainly(world, run)
    healed(world, killed, lambda: succeeded_again(world, run))


def test_run_that_somebody_terminated_is_not_started_again(world: World) -> None:
    quiet(world)
    with writes_held(world) as held:
        launched = world.dagster.launch("maintain_daily")
        until(lambda: held() and world.dagster.status(launched) == "STARTED", 120)
        # Its process is held, too: it would end by itself within a second or two.
        for worker in child(world, "grpc").children(recursive=True):
            os.kill(worker.pid, signal.SIGSTOP)
        pressed = Thread(target=terminate, args=(world, launched))
        pressed.start()
        until(lambda: world.dagster.status(launched) == "CANCELING", 30)
        run, _ = kill(world, "run being terminated", "maintain_daily")
    pressed.join()
    assert run == launched
    assert world.dagster.status(run) == "CANCELED"
    quiet(world)
    assert [r for r in world.dagster.brief() if r["parentRunId"] == run] == []


def test_in_the_end_nothing_is_missing_and_every_rollup_is_what_the_log_says(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet(world)
    until(lambda: not exports_behind(world), 240)
    horizon = Horizon.of(world.store, world.settings, utcnow())
    until(lambda: not holes(world.store, hours_to_look_at(utcnow()), horizon), 240)
    quiet(world)
    span = ["--from", f"{utcnow() - timedelta(days=30):%Y-%m-%d}", "--to", f"{utcnow():%Y-%m-%d}"]
    command = [sys.executable, "-m", "tidemark.cli", "rebuild", *span, "--check"]
    checked = subprocess.run(command, env=world.stack.environment, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "rollups compared, 0 differ" in checked.stdout
    assert "wait to be rolled up" not in checked.stdout
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *world.took, checked.stdout]))


def lose(world: World, period: Period, starts: list[datetime]) -> None:
    """Take rollups away, so that it shows whether they were rolled again."""
    for collection in (world.store.rollups.subjects, world.store.rollups.accounts):
        collection.delete_many({"period": period, "periodStart": {"$in": starts}})


def rolled(world: World, period: Period, starts: list[datetime]) -> bool:
    """Tell whether each of some periods has a rollup of every account."""
    accounts = len(world.store.accounts.find(workspace_id=WORKSPACE))
    query = {"period": period, "periodStart": {"$in": starts}}
    return world.store.rollups.accounts.count_documents(query) == accounts * len(starts)


def terminate(world: World, run: str) -> None:
    """Press «Terminate»: Dagster answers when the process has ended, or not at all when its code server dies."""
    with suppress(httpx.HTTPError):
        world.dagster.terminate(run)


def exports_behind(world: World) -> bool:
    return bool(world.store.exports.pending(midnight(utcnow().date())))
