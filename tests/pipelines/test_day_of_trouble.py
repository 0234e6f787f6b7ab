"""A day of a thousand accounts in a whole stack while one call in twenty fails and each process is killed once.

Two runs are terminated as well. The day is 24 hours of the stack's clock: the test puts it forward to the end of each
hour and to the retries of that hour, and waits in between until no run is unfinished. Everything else is as in
`tidemark up`: Dagster's daemon evaluates the schedules and sensors, and its code server starts a process per run.
"""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psutil
import pytest
from pydantic import SecretStr

from metrics.clock import VARIABLE, isoformat
from metrics.collection.hours import holes
from metrics.documents import PLATFORMS, CollectionDocument
from metrics.errors import MongoUnavailable
from metrics.periods import HOUR
from metrics.platforms.registry import STORING_NEEDS_CONSENT
from metrics.settings import load_settings
from metrics.store import Store
from metrics.upkeep.retention import Horizon
from metrics.vault import Vault
from pipelines.partitions import slot_key
from simulator import truth
from simulator.registry import new_world
from simulator.world import SimAccount, World
from tests.dagster_api import DagsterApi
from tests.moved_clock import MovedClock
from tests.platform_fields import followers_field
from tests.stack import Stack
from tests.waiting import until
from tidemark.home import Home
from tidemark.seed import seeded_account
from tidemark.stack import locate

pytestmark = [pytest.mark.end_to_end, pytest.mark.long, pytest.mark.timeout(14_400)]
ACCOUNTS = int(os.environ.get("TIDEMARK_TEST_ACCOUNTS", "1000"))
"""Accounts of all platforms together, which take turns."""
WORKSPACE = "trouble"
HOURS = int(os.environ.get("TIDEMARK_TEST_HOURS", "24"))
"""The last hours of a day, to try fewer of them; the accounts are connected in the first one."""
END = datetime(2026, 1, 9, tzinfo=UTC)
"""The world of the simulator begins a week before, so that an account has about eight posts."""
START = END - HOURS * HOUR
TROUBLE: tuple[dict[str, Any], ...] = (
    {"kind": "error", "rate": 0.02},
    {"kind": "broken_json", "rate": 0.01},
    {"kind": "cut", "rate": 0.01},
    {"kind": "account_limit", "rate": 0.005, "seconds": 600},
    {"kind": "html", "rate": 0.005},
)
RETRIES = tuple(timedelta(minutes=minutes, seconds=5) for minutes in (16, 41))
"""When the second and the third retry of an hour are due, whatever their jitter, and accounts without a record.

The test puts the clock forward to the third one only if an account still has no record."""
DAY_LIMIT = "rate_limited until midnight"
"""LinkedIn limits a member until the next UTC midnight: no retry can read the account before that."""
STANDARD_ACCESS = {"TIDEMARK_PINTEREST_CALLS_UNITS_PER_DAY": "1000000"}
"""Pinterest's Trial access has 1,000 calls a day, which is enough for about twenty accounts."""
SENSORS = ("retry_failed", "missed_hours")
LONGEST_RUN = timedelta(minutes=5)
UNFINISHED = ["NOT_STARTED", "QUEUED", "STARTING", "STARTED", "CANCELING"]
_TICKS = """query($s: SensorSelector!) { sensorOrError(sensorSelector: $s) { ... on Sensor { sensorState {
  ticks(limit: 1) { timestamp endTimestamp } } } } }"""


_SEEN = """query($s: ScheduleSelector!) { scheduleOrError(scheduleSelector: $s) { ... on Schedule { scheduleState {
  typeSpecificData { ... on ScheduleData { startTimestamp } } } } } }"""
_REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "pipelines"}


@dataclass
class Day:
    """The stack and its clock, the accounts by id, and notes about the course of the day."""

    stack: Stack
    clock: MovedClock
    dagster: DagsterApi
    store: Store
    world: World = field(default_factory=new_world)
    accounts: dict[str, SimAccount] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def connect(self) -> None:
        """Connect the accounts within the first hour of the day, which is their first one."""
        vault = Vault([SecretStr(Home(self.stack.home).secret_key())])
        turns = [divmod(n, len(PLATFORMS)) for n in range(ACCOUNTS)]
        simulated = [self.world.account(PLATFORMS[turn], index) for index, turn in turns]
        documents = [seeded_account(WORKSPACE, account, vault, START) for account in simulated]
        self.store.accounts.put(documents)
        for platform in STORING_NEEDS_CONSENT:
            self.store.consents.set(WORKSPACE, platform, given=True)
        self.accounts = {document["_id"]: sim for document, sim in zip(documents, simulated, strict=True)}

    def set_faults(self, *faults: dict[str, Any]) -> None:
        """Replace the faults of the simulator."""
        httpx.put(f"{self.stack.up['simulator']}/_control/faults", json=list(faults), timeout=30).raise_for_status()

    def recorded(self, slot: datetime) -> int:
        """Count the accounts with a record of an hour; 0 while MongoDB is away."""
        try:
            return len(self.store.collections.of_slot(slot))
        except MongoUnavailable:
            return 0

    def run_of(self, slot: datetime) -> str | None:
        """Return the unfinished run that collects an hour."""
        tags = [{"key": "dagster/partition", "value": slot_key(slot)}]
        found = self.dagster.brief(pipelineName="collect_hourly", tags=tags, statuses=UNFINISHED)
        return found[0]["runId"] if found else None

    def quiet(self) -> None:
        """Wait until no run is unfinished: the limits of runs would take a leap of the clock for their runtime."""
        until(lambda: not self.dagster.brief(statuses=UNFINISHED), 900, every=1)

    def collected(self) -> None:
        """Wait until no run collects, and none is being started."""
        until(
            lambda: (
                not self.dagster.brief(pipelineName="collect_hourly", statuses=UNFINISHED)
                and not self.dagster.brief(statuses=["NOT_STARTED", "STARTING"])
            ),
            900,
            every=1,
        )

    def retry(self, instant: datetime) -> None:
        """Put the clock forward within the hour, and wait until the sensors and their runs have done what was due."""
        self.collected()
        self.clock.put_forward(instant)
        until(lambda: all(self._evaluated(sensor) >= instant.timestamp() for sensor in SENSORS), 300, every=1)
        self.collected()

    def look_again(self) -> None:
        """Wait until `missed_hours`, which requests nothing while an hour is being collected, has had another look."""
        since = self.clock.now().timestamp()
        until(lambda: self._evaluated("missed_hours") >= since, 300, every=1)
        self.collected()

    def _evaluated(self, sensor: str) -> float:
        ticks = self.dagster.ask(_TICKS, s={**_REPOSITORY, "sensorName": sensor})["sensorState"]["ticks"]
        return float(ticks[0]["timestamp"]) if ticks and ticks[0]["endTimestamp"] else 0.0

    def scheduled(self) -> bool:
        """Tell whether the daemon has seen the hourly schedule: it requests no hour that ended before that."""
        state = self.dagster.ask(_SEEN, s={**_REPOSITORY, "scheduleName": "collect_hourly"})["scheduleState"]
        return bool(state["typeSpecificData"]["startTimestamp"])

    def is_behind(self, slot: datetime) -> bool:
        """Tell whether accounts of an hour have no record."""
        return self.recorded(slot) < len(self.accounts)

    def kill(self, word: str) -> None:
        """Kill the stack's child with this word in its command line, and wait until the supervisor started another."""
        doomed = self._child(word)
        assert doomed is not None, word
        doomed.kill()
        until(lambda: (child := self._child(word)) is not None and child.pid != doomed.pid, 60, every=0.1)

    def _child(self, word: str) -> psutil.Process | None:
        for child in psutil.Process(self.stack.process.pid).children():
            # Others may end while they are looked at.
            with suppress(psutil.Error):
                if child.status() != psutil.STATUS_ZOMBIE and any(word in part for part in child.cmdline()[:6]):
                    return child
        return None


@pytest.fixture
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    home = tmp_path_factory.mktemp("up")
    clock = MovedClock(home / "moved")
    environment = {**clock.environment, **STANDARD_ACCESS}
    stack = Stack(home, "--no-seed", "--clock", isoformat(START + timedelta(minutes=1)), **environment)
    stack.start()
    clock.at_start = timedelta(seconds=float(stack.up["clock"]))
    settings = load_settings(mongo_url=stack.up["mongo"], redis_url=stack.up["redis"])
    with closing(Store.connect(settings)) as store:
        yield Day(stack, clock, DagsterApi(stack.up["dagster"]), store)
    if stack.process.poll() is None:
        stack.stop()


def terminate(day: Day, slot: datetime) -> None:
    """Press «Terminate» for the run that collects an hour."""
    run = day.run_of(slot)
    assert run is not None
    day.dagster.terminate(run)
    day.quiet()
    assert day.dagster.status(run) == "CANCELED"


def killing(word: str) -> Callable[[Day, datetime], None]:
    """Return a function that kills a child of the stack while an hour is being collected."""

    def kill(day: Day, slot: datetime) -> None:
        assert day.run_of(slot) is not None
        day.kill(word)

    return kill


TROUBLES: dict[int, tuple[str, Callable[[Day, datetime], None], float]] = {
    1: ("«Terminate»", terminate, 0.05),
    2: ("code server killed", killing("grpc"), 0.5),
    3: ("daemon killed", killing("dagster._daemon"), 0.25),
    4: ("MongoDB killed", killing("mongod"), 0.5),
    5: ("Redis killed", killing(locate.redis_server().program.name), 0.25),
    8: ("«Terminate»", terminate, 0.6),
}
"""By hour: the trouble, and the share of the accounts that are collected when it comes."""


def test_every_level_that_could_be_read_is_true_and_every_gap_has_its_reason(
    day: Day, capsys: pytest.CaptureFixture[str]
) -> None:
    day.connect()
    until(day.scheduled, 120, every=0.5)
    for hour in range(HOURS):
        collect_hour(day, hour)
        with capsys.disabled():
            sys.stdout.write(f"\n{isoformat(day.clock.now())} {day.notes[-1]}")
            sys.stdout.flush()
    day.set_faults()
    day.quiet()
    day.retry(END + timedelta(minutes=55))
    until(lambda: not day.store.marks.count() and not day.dagster.brief(statuses=UNFINISHED), 900, every=0.5)
    day.notes += [check_records(day), check_holes(day), check_rollups(day), check_answers(day)]
    statuses = Counter((run["jobName"], run["status"]) for run in day.dagster.brief())
    day.notes += [f"{job} {status}: {count}" for (job, status), count in sorted(statuses.items())]
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *day.notes, ""]))


def collect_hour(day: Day, hour: int) -> None:
    """Let an hour end, cause its trouble while it is collected, and let the retries of the hour come."""
    began, slot = time.monotonic(), START + hour * HOUR
    end, name = slot + HOUR, "no trouble"
    day.set_faults(*TROUBLE)
    day.quiet()
    day.clock.put_forward(end + timedelta(seconds=1))
    until(lambda: day.run_of(slot) is not None, 300, every=0.5)
    if hour in TROUBLES:
        name, cause, share = TROUBLES[hour]
        until(lambda: day.recorded(slot) > share * len(day.accounts), 600, every=0.1)
        assert day.recorded(slot) < len(day.accounts), "the trouble came too late"
        cause(day, slot)
    day.collected()
    for retry in RETRIES:
        day.retry(end + retry)
        if day.is_behind(slot):
            day.look_again()
        if not day.is_behind(slot):
            break
        day.quiet()
    seconds = time.monotonic() - began
    day.notes.append(f"hour {hour:2}: {name}, {seconds:.0f} s")


def check_records(day: Day) -> str:
    """Compare each level with the truth, and each account's hour without one with its record."""
    gaps: Counter[str] = Counter()
    levels = 0
    for hour in range(HOURS):
        slot = START + hour * HOUR
        records = {row["accountId"]: row for row in day.store.collections.of_slot(slot)}
        assert records.keys() == day.accounts.keys(), slot
        rows = day.store.db["metrics"].find({"timestamp": slot, "metadata.metricType": "account"})
        read: dict[str, list[tuple[int, datetime]]] = {}
        for row in rows:
            if "followers" in row["metrics"]:
                read.setdefault(row["metadata"]["accountId"], []).append(
                    (row["metrics"]["followers"], row["collectedAt"])
                )
        for account_id, record in records.items():
            if account_id not in read:
                gaps[reason_of(record)] += 1
            for value, at in read.get(account_id, ()):
                account = day.accounts[account_id]
                name = followers_field(account.platform)
                early, late = (truth.account_value(day.world, account, name, t) for t in (at, at + LONGEST_RUN))
                assert min(early, late) <= value <= max(early, late), (account_id, slot)
                levels += 1
    assert gaps.keys() <= {"provider_error", "rate_limited", DAY_LIMIT}, gaps
    # Without the retries within the grace, some three in a hundred would be missing.
    assert gaps.total() - gaps[DAY_LIMIT] < HOURS * len(day.accounts) / 100, gaps
    return (
        f"{levels} levels equal the truth, {gaps.total()} of {HOURS * len(day.accounts)} hours lack one: {dict(gaps)}"
    )


def reason_of(record: CollectionDocument) -> str:
    """Return why an account has no level in an hour."""
    parts = ", ".join(sorted({one["reason"] for one in record.get("problems", ())}))
    reason: str = record.get("reason") or parts or record["state"]
    return DAY_LIMIT if (record["platform"], reason) == ("linkedin", "rate_limited") else reason


def check_holes(day: Day) -> str:
    """Check that no account lacks a record of an hour."""
    now = day.clock.now()
    settings = load_settings(mongo_url=day.stack.up["mongo"], redis_url=day.stack.up["redis"])
    slots = [START + hour * HOUR for hour in range(HOURS)]
    assert not holes(day.store, slots, Horizon.of(day.store, settings, now))
    return "no hour without a record"


def check_rollups(day: Day) -> str:
    """Check that deriving the rollups again gives the stored ones."""
    span = ["--from", f"{START:%Y-%m-%d}", "--to", f"{START:%Y-%m-%d}"]
    command = [sys.executable, "-m", "tidemark.cli", "rebuild", *span, "--check"]
    environment = {**day.stack.environment, VARIABLE: day.stack.up["clock"]}
    checked = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    found = re.search(r"(\d[\d,]*) rollups compared, 0 differ", checked.stdout)
    assert found is not None, checked.stdout
    assert found[1] != "0"
    return found[0]


def check_answers(day: Day) -> str:
    """Check that the API answers the day of every account, and counts the hours without a level as missing."""
    dates = {"startDate": f"{START:%Y-%m-%d}", "endDate": f"{START:%Y-%m-%d}"}
    path = f"/analytics/workspace/{WORKSPACE}/aggregated"
    (total,) = day.stack.get(path, period="daily", limit="1", **dates).json()["totals"]
    assert total["accounts"] == total["expectedAccounts"] == len(day.accounts)
    assert total["status"] in ("complete", "partial")
    assert total["coverage"]["expectedSlots"] == HOURS * len(day.accounts)
    return f"the API answers {total['coverage']} and the status {total['status']}"
