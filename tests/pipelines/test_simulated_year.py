"""A simulated year of a small deployment, day by day: its bookkeeping grows up to its horizons and no further.

    pytest -m long -s tests/pipelines/test_simulated_year.py

The test uses a real MongoDB, Redis and simulator, Dagster's SQLite storage, and the product's own jobs, which schedules
and sensors request. The year ends now. It takes less time than a year in these ways:

* Only one day of `EVERY` has Dagster runs: its last hour is collected, and everything happens that happens once a day.
  On the other days, the work of `maintain_daily` and `purge_history` is done without runs.
* Horizons are short, so that many pass.
* MongoDB deletes by the machine's time: for each simulated day, its expiries are extended by the day's distance to the
  present. Keys of Redis become a day older each day, and a day of its streams is as long as one simulated day takes.
* Ticks are written and purged with Dagster's calls and the retention in `dagster.yaml`, without its daemon.
"""

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from shutil import copyfile

import alembic.util.pyfiles
import dagster as dg
import pytest
import sqlalchemy as sa
from dagster import _time
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import TickData, TickStatus
from redis import Redis

from metrics import clock
from metrics.documents import PLATFORMS
from metrics.periods import DAY, HOUR, midnight
from metrics.redis import events
from metrics.redis.client import connect as connect_redis
from metrics.redis.events import Announcer
from metrics.settings import PLATFORM_APIS, Settings
from metrics.store import Store
from metrics.store.rollup.roll_marks import KEPT_DAYS
from metrics.store.setup.lifetimes import Difference, KeptDays, Lifetime, apply, count_expiring, lifetimes
from metrics.upkeep import retention
from metrics.upkeep.sizes import folder_bytes, keep, measure
from pipelines import jobs, shifted
from pipelines.resources import Clients
from pipelines.runs import storage
from pipelines.runs.pruning import purge
from tests.clock import ahead_by
from tests.pipelines.daemon import Daemon
from tests.pipelines.deployment import Deployment
from tests.simulator_fixture import Simulator
from tests.waiting import until
from tidemark.home import dagster_yaml
from tidemark.stack import mongo, redis
from tidemark.stack.logs import rotate
from tidemark.stack.ports import free_port


@sa.event.listens_for(sa.Engine, "connect")
def _unsafe_and_fast(connection: object, _record: object) -> None:
    """Let SQLite not wait for the disk, which is most of the time of a run here."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]
DAYS = 365
EVERY = int(os.environ.get("TIDEMARK_TEST_EVERY", "15"))
"""One of so many days has runs; a divisor of `MONTH`, so that each month has equally many."""
MONTH = 30
HORIZONS = {"retention_days": 30, "rollup_retention_days": 60, "run_history_days": 30, "events_days": 7, "log_mb": 1}
LOGS, LOG_BYTES = ("serving", "dagster-daemon", "mongod"), 60_000
"""Processes whose logs are fed, and the bytes that each writes in a day."""
SENSORS = ("requested_work", "retry_failed", "late_data")
TICKS = 20
"""Ticks of a sensor in a day that requested no run."""
DATA = ("metrics", "posts", "subject_rollups", "aggregated_metrics", "accounts", "api_keys", "workspace_settings")
GROWS = ("posts",)
"""Collections without a horizon: a post is kept as long as its account."""
MOST = 1.1
"""The last quarter of a year holds no more than so many times what the half-year before it held."""


@dataclass
class Year:
    """A deployment whose clock runs through a year that ends now."""

    deployment: Deployment
    instance: dg.DagsterInstance
    dagster_home: Path
    patch: pytest.MonkeyPatch
    began: float = field(default_factory=time.monotonic)
    rows: list[dict[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.first = midnight(clock.machine_now().date()) - DAYS * DAY
        self.daemon = Daemon(self.deployment, self.instance)
        self.logs = self.deployment.clients.settings.home / "logs"
        self.logs.mkdir()

    @property
    def store(self) -> Store:
        return self.deployment.clients.store

    @property
    def redis(self) -> Redis:
        return self.deployment.clients.redis

    def run(self) -> None:
        """Live through the year and measure every thirty days."""
        for number in range(1, DAYS + 1):
            end = self.first + number * DAY
            self.at(end + timedelta(seconds=2))
            self.age(number)
            if number % EVERY == 0:
                self.day(end, number)
            else:
                self.maintain(end)
            self.write_logs()
            if number % MONTH == 0:
                self.note_sizes(number)

    def day(self, end: datetime, number: int) -> None:
        """Do the work at the end of a day."""
        self.tick("collect_hourly", end)
        self.tick("aggregate_daily", end)
        self.store.operations.request("collect", "w")
        for sensor in SENSORS:
            self.daemon.evaluate(sensor)
            self.note_ticks(sensor, InstigatorType.SENSOR, TICKS, TickStatus.SKIPPED)
        self.daemon.evaluate_until_quiet("late_data")
        self.tick("check_freshness", end + timedelta(minutes=20))
        if number % MONTH == 0:
            self.tick("aggregate_weekly", end + HOUR)
            self.tick("aggregate_monthly", end + 2 * HOUR)
        self.tick("maintain_daily", end + timedelta(hours=3, minutes=30))
        self.tick("purge_history", end + timedelta(hours=3, minutes=40))

    def maintain(self, end: datetime) -> None:
        """Do the work of `maintain_daily` and `purge_history` without a run."""
        clients = self.deployment.clients
        days = clients.settings.run_history_days
        self.at(end + timedelta(hours=3, minutes=30))
        retention.apply(self.store, retention.Horizon.of(self.store, clients.settings, clock.utcnow()))
        events.trim(self.redis, self.store.accounts.workspaces(), clients.settings.events_days)
        size = storage.storage_bytes(self.instance)
        keep(self.store, measure(self.store, self.redis, clients.settings.home, size, clock.utcnow()))
        purge(self.instance, clock.utcnow() - days * DAY)
        first = jobs.first_partitions(clients.settings, clock.utcnow())
        storage.prune(self.instance, clock.utcnow() - days * DAY, first)
        storage.shrink(self.instance)

    def write_logs(self) -> None:
        """Write as much log as the processes of `tidemark up` do in a day, and rotate it as `tidemark up` does."""
        for name in LOGS:
            with (self.logs / f"{name}.log").open("ab") as log:
                log.write(b"x" * LOG_BYTES)
            rotate(self.logs / f"{name}.log", self.deployment.clients.settings.log_mb * 2**20)

    def at(self, now: datetime) -> None:
        clock.set_offset(now - clock.machine_now())

    def tick(self, schedule: str, at: datetime) -> None:
        self.at(at + timedelta(seconds=2))
        for result in self.daemon.tick(schedule, at):
            assert result.success, (schedule, at)
        self.note_ticks(schedule, InstigatorType.SCHEDULE, 1, TickStatus.SUCCESS)

    def note_ticks(self, name: str, kind: InstigatorType, count: int, status: TickStatus) -> None:
        """Write ticks and purge old ones, as Dagster's daemon does."""
        now = _time.get_current_timestamp()
        for _ in range(count):
            self.instance.create_tick(TickData(name, name, kind, status, now, run_ids=[], selector_id=name))
        for tick_status, days in self.instance.get_tick_retention_settings(kind).items():
            if days > 0:
                self.instance.purge_ticks(name, name, now - days * 86_400, [tick_status])

    def age(self, number: int) -> None:
        """Make everything in the stores one day older."""
        for key in list(self.redis.scan_iter(count=1000)):
            left = self.redis.pttl(key)
            if left >= 0:
                self.redis.pexpire(key, max(1, left - 86_400_000))
        pace = (time.monotonic() - self.began) / number
        self.patch.setattr(events, "_DAY_SECONDS", pace)
        self.patch.setattr(
            self.deployment.clients.announcer, "_max_seconds", pace * self.deployment.clients.settings.events_days
        )
        apply(self.store.db, self.expiries())
        # In a real deployment the first partition moves once a year, at a restart of Dagster.
        self.patch.setattr(jobs, "FIRST_HOUR", self.first + (number - HORIZONS["retention_days"]) * DAY)

    def expiries(self) -> list[Difference]:
        """The expiries to set in MongoDB, by its own clock, on the present simulated day."""
        back = int(-clock.offset().total_seconds())
        wanted = [*lifetimes(self.deployment.clients.settings)]
        wanted.append(Lifetime("roll_marks", "settledAt", "expire", KEPT_DAYS * 86_400))
        return [Difference(replace(one, seconds=one.seconds + back), None) for one in wanted]

    def overdue(self) -> bool:
        """Tell whether MongoDB has still to delete something; whole buckets of the log are deleted, a day later."""
        return any(
            count_expiring(self.store.db, one, clock.machine_now() - 2 * DAY).documents for one in self.expiries()
        )

    def note_sizes(self, number: int) -> None:
        until(lambda: not self.overdue(), 60)
        on_disk = folder_bytes(self.dagster_home)
        for path in self.dagster_home.rglob("*.db"):
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.execute("VACUUM")
        history = self.dagster_home / "history"
        row = {
            "Dagster on disk": on_disk,
            "runs": (history / "runs.db").stat().st_size,
            "event log": folder_bytes(history / "runs"),
            "ticks": folder_bytes(self.dagster_home / "schedules"),
            "logs of steps": folder_bytes(self.dagster_home / "storage"),
            "runs kept": self.instance.get_runs_count(),
            "Redis": int(self.redis.info("memory")["used_memory"]),
            "Redis keys": int(self.redis.dbsize()),
            "events": sum(self.redis.xlen(key) for key in self.redis.scan_iter("tm:*:events")),
            "logs": folder_bytes(self.logs),
        }
        for name in sorted(self.store.db.list_collection_names()):
            if not name.startswith("system."):
                row[name] = self.store.db[name].count_documents({})
                row[f"{name}: bytes"] = int(self.store.db.command("collStats", name)["size"])
        self.rows.append(row)
        print(number, f"{time.monotonic() - self.began:.0f} s", {k: v for k, v in row.items() if v}, flush=True)


@pytest.fixture
def year(tmp_path: Path, settings: Settings, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Year]:
    ports = free_port(), free_port()
    servers = [
        mongo.start(tmp_path / "mongo", ports[0], tmp_path, parameters={"ttlMonitorSleepSecs": 1}),
        redis.start(tmp_path / "redis", ports[1], tmp_path),
    ]
    urls = {f"{api}_url": simulator.url for api in PLATFORM_APIS}
    there = settings.model_copy(
        update={**urls, **HORIZONS, "mongo_url": mongo.url(ports[0]), "redis_url": redis.url(ports[1])}
    )
    home = tmp_path / "dagster"
    home.mkdir()
    copyfile(dagster_yaml(), home / "dagster.yaml")
    # Dagster loads the scripts of its migrations again for each file that it opens: half of a second per run.
    monkeypatch.setattr(alembic.util.pyfiles, "load_module_py", cache(alembic.util.pyfiles.load_module_py))
    # Functions that `shifted` replaces are restored at the end of the test.
    for place, name in ((time, "time"), (time, "time_ns"), *((_time, hook) for hook in shifted._HOOKS)):
        monkeypatch.setattr(place, name, getattr(place, name))
    kept = KeptDays(there.retention_days, there.rollup_retention_days)
    monkeypatch.setattr(retention, "kept_days", lambda _db: kept)
    with ahead_by(-DAYS * DAY), closing(Store.connect(there)) as store, connect_redis(there) as client:
        shifted.install()
        store.ensure(there)
        deployment = Deployment(Clients(there, store, client, Announcer(client)), simulator)
        with dg.DagsterInstance.from_config(str(home)) as instance:
            made = Year(deployment, instance, home, monkeypatch)
            for platform in PLATFORMS:
                deployment.connect(0, platform=platform, connectedAt=made.first)
            yield made
    for server in reversed(servers):
        server.stop()


def peaks(rows: list[dict[str, int]]) -> Mapping[str, tuple[int, int]]:
    """The most that each thing came to in the half-year before the last quarter, and in that quarter.

    A half-year, because streams keep the events of the newest day that has runs, whose number differs from day to day.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return {
        name: (max(row.get(name, 0) for row in rows[-9:-3]), max(row.get(name, 0) for row in rows[-3:]))
        for name in names
    }


def test_bookkeeping_of_a_year_is_flat_after_its_horizons(year: Year) -> None:
    year.run()
    spent, runs = time.monotonic() - year.began, len(year.daemon.runs)
    print(f"\n{DAYS} days in {spent:.0f} s; {runs} runs, on one day of {EVERY}; {HORIZONS}")
    for name in peaks(year.rows):
        print(f"{name:<32}", *(f"{row.get(name, 0):>9,}" for row in year.rows))
    grown = {
        name: (before, last)
        for name, (before, last) in peaks(year.rows).items()
        if last > MOST * before and not name.startswith(GROWS)
    }
    assert grown == {}
