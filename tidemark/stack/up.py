"""Orchestrates `tidemark up`: starts all services on one machine in order, and runs them until Ctrl-C."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from metrics.clock import utcnow
from metrics.settings import PLATFORM_APIS, PREFIX, Settings, load_settings
from metrics.store import Store
from metrics.vault import Vault
from simulator.registry import new_world
from tidemark import seed
from tidemark.home import Home, write_private
from tidemark.lifetimes import changed, lengthen, synchronise
from tidemark.stack import child_services, clock, locate, mongo, redis, tasks
from tidemark.stack.logins import Logins, logins
from tidemark.stack.logs import kept_small
from tidemark.stack.ports import HOST, free_port, is_free, require_free
from tidemark.stack.process import Child, StartFailed
from tidemark.stack.simulated import simulated_settings
from tidemark.stack.supervisor import Service, Stopped, Supervisor, end_leftovers
from tidemark.watched_seed import seed_watched

Say = Callable[[str], None]
Progress = Callable[[int, int], None]

_START_SECONDS = 90.0
_KEY_FILE = "key"


@dataclass
class Up:
    """One run of the stack. `say` shows a line, `progress` the progress of seeding; `begins` sets the stack's clock."""

    settings: Settings
    say: Say
    progress: Progress
    with_seed: bool = True
    with_dagster: bool = True
    days: int = 35
    workspaces: int = 3
    shorten: bool = False
    begins: datetime | None = None
    home: Home = field(init=False)
    _reporting: Child | None = field(default=None, init=False)
    _orphans: Child | None = field(default=None, init=False)
    _ahead: timedelta = field(default=timedelta(), init=False)
    _ports_of_stores: dict[str, int] = field(default_factory=dict, init=False)
    _logins: Logins = field(init=False, repr=False)
    supervisor: Supervisor = field(init=False)

    def __post_init__(self) -> None:
        self.home = Home(self.settings.home.resolve())
        self.supervisor = Supervisor(self.home, self.say)

    def run(self, announce: Callable[[dict[str, str]], None]) -> None:
        """Start everything, announce the URLs, watch until the stack is to stop, and stop everything.

        Raises:
            InvalidInput: the stack cannot start at the instant `begins`.
            TidemarkError: a service could not be started, or keeps dying.
        """
        self.home.create()
        with self.home.lock():
            self._ahead = clock.adopt_clock(self.home, self.settings, self.begins)
            self.supervisor.listen()
            self.home.up_file.unlink(missing_ok=True)
            if leftovers := end_leftovers(self.home):
                self.say(f"ended {leftovers} processes that an earlier stack had left running")
            try:
                with kept_small(self.home.logs, self.settings.log_mb * 2**20):
                    announce(self._start())
                    self.supervisor.watch()
            except Stopped:
                pass
            finally:
                self.say("stopping")
                self.home.up_file.unlink(missing_ok=True)
                if self._reporting is not None:
                    self._reporting.stop(1.0)
                self._stop_ending_orphans()
                self.supervisor.stop()

    def _start(self) -> dict[str, str]:
        self.home.prepare()
        http, dagster, simulator = self._ports()
        environment = self._environment(http, simulator)
        grpc = free_port()
        migration = self._begin_migration(environment) if self.with_dagster else None
        sim = self.supervisor.start(child_services.simulator(self.home, simulator))
        self._start_stores()
        settings = load_settings(**{k.removeprefix(PREFIX).lower(): v for k, v in environment.items() if k in _OWN})
        store = Store.connect(settings)
        store.ensure(settings)
        self._retain(store, settings)
        key = self._key(store)
        api = self.supervisor.start(child_services.serving(self.home, http, environment))
        self.supervisor.wait(sim, _START_SECONDS)
        ui = self._start_dagster(migration, dagster, grpc, environment) if self.with_dagster else None
        if self.with_seed:
            self._seed(store, settings, environment)
        if ui is not None:
            self._finish_ending_orphans()
            self.supervisor.start(child_services.daemon(self.home, grpc, environment))
            self.supervisor.wait(ui, _START_SECONDS)
        self.supervisor.wait(api, _START_SECONDS)
        store.close()
        up = {
            "http": f"http://{HOST}:{http}",
            "dagster": f"http://{HOST}:{dagster}" if self.with_dagster else "",
            "simulator": f"http://{HOST}:{simulator}",
            "mongo": environment["TIDEMARK_MONGO_URL"],
            "redis": environment["TIDEMARK_REDIS_URL"],
            "key": key,
            "clock": f"{self._ahead.total_seconds():.6f}",
        }
        self.home.write("up.json", up)
        return up

    def _start_dagster(self, migration: Child | None, port: int, grpc: int, environment: dict[str, str]) -> Service:
        """Start the code server and the web server; return the latter. The daemon starts after the history is seeded.

        `migration` is the process that creates or migrates Dagster's storage, if one is needed.
        """
        # Wait for the tables of Dagster's storage, which the code server opens like the other processes.
        self._finish(migration, "Dagster's storage")
        code_server = child_services.code_server(self.home, grpc, environment)
        code_server.after_restart = lambda: self._begin_ending_orphans(grpc, environment, ["--daemon"])
        self.supervisor.start(code_server)
        if migration is None:
            self._begin_ending_orphans(grpc, environment)
        else:
            self._migrated.touch()
        return self.supervisor.start(child_services.webserver(self.home, port, grpc, environment))

    def _retain(self, store: Store, settings: Settings) -> None:
        """Make the database keep data for as long as the settings say; apply shorter periods only with `shorten`."""
        if self.shorten:
            synchronise(store, settings, self.say, shorten=True)
        else:
            for longer in lengthen(store, settings, self.say):
                self.say(changed(longer))

    def _ports(self) -> tuple[int, int, int]:
        settings = self.settings
        http = require_free(settings.http_port, "TIDEMARK_HTTP_PORT")
        dagster = settings.dagster_port
        if self.with_dagster:
            require_free(dagster, "TIDEMARK_DAGSTER_PORT")
        return http, dagster, require_free(settings.simulator_port, "TIDEMARK_SIMULATOR_PORT")

    def _environment(self, http: int, simulator: int) -> dict[str, str]:
        """Return the environment of the children: settings, and the simulator for platforms without URLs of their own.

        `http` and `simulator` are the ports of serving and of the simulator.
        """
        ports = self.home.read("ports.json") or {}
        ports = {
            n: p if is_free(p) else free_port()
            for n, p in {"mongo": free_port(), "redis": free_port(), **ports}.items()
        }
        self.home.write("ports.json", ports)
        self._ports_of_stores, self._logins = ports, logins(self.home)
        keys = ",".join(key.get_secret_value() for key in self.settings.secret_keys) or self.home.secret_key()
        environment = {
            "TIDEMARK_HOME": str(self.home.path),
            "TIDEMARK_MONGO_URL": self.settings.mongo_url or mongo.url(ports["mongo"], self._logins.mongo),
            "TIDEMARK_MONGO_DB": self.settings.mongo_db,
            "TIDEMARK_REDIS_URL": self.settings.redis_url or redis.url(ports["redis"], self._logins.redis),
            "TIDEMARK_SECRET_KEYS": keys,
            "DAGSTER_HOME": str(self.home.dagster),
            "PYTHONUNBUFFERED": "1",
            "TIDEMARK_AUTOMATION": "true",
        }
        simulated = simulated_settings(self.settings, f"http://{HOST}:{simulator}", f"http://{HOST}:{http}")
        return environment | {f"{PREFIX}{field.upper()}": value for field, value in simulated.items()}

    def _start_stores(self) -> None:
        data, logs, ports, login = self.home.path, self.home.logs, self._ports_of_stores, self._logins
        if self.settings.mongo_url is None:
            self.say("MongoDB")
            # MongoDB's expiry goes by the machine's time, and would delete the wrong data under a shifted clock.
            parameters = {"ttlMonitorEnabled": 0} if self._ahead else {}
            self._start_child(
                "MongoDB",
                lambda: mongo.start(data / "mongo", ports["mongo"], logs, parameters=parameters, login=login.mongo),
            )
        if self.settings.redis_url is None:
            product = locate.redis_server().product
            self.say(product)
            self._start_child(product, lambda: redis.start(data / "redis", ports["redis"], logs, login=login.redis))

    def _start_child(self, name: str, start: Callable[[], Child]) -> None:
        self.supervisor.start(Service(name, start, stop_seconds=10.0, store=True))

    def _key(self, store: Store) -> str:
        """Return the API key of this stack: the same at every start, as long as it is valid."""
        path: Path = self.home.path / _KEY_FILE
        if path.exists():
            key = path.read_text().strip()
            found = store.keys.look_up(key)
            if found is not None and found.valid(utcnow()):
                return key
        key, _ = store.keys.create("tidemark up", ["*"], ["read", "collect", "admin"], rate_limit=0)
        write_private(path, key)
        return key

    @property
    def _migrated(self) -> Path:
        return self.home.dagster / f".migrated-{version('dagster')}"

    def _begin_migration(self, environment: dict[str, str]) -> Child | None:
        """Start creating Dagster's tables; processes that created them at the same time would make each other fail."""
        if self._migrated.exists():
            return None
        return self._task("dagster-migrate", ["dagster", "instance", "migrate"], environment)

    def _begin_ending_orphans(self, grpc: int, environment: dict[str, str], options: Sequence[str] = ()) -> None:
        """Start ending the runs of an earlier code server (`tidemark.orphaned_runs`), as soon as the new one answers.

        If this fails, Dagster's monitor finds these runs within minutes.
        """
        self._stop_ending_orphans()
        self._orphans = self._task(
            "orphans", ["tidemark.orphaned_runs", str(grpc), str(utcnow().timestamp()), *options], environment
        )

    def _finish_ending_orphans(self) -> None:
        """Wait for that before the daemon starts: orphaned runs would still occupy the slots that queued runs need."""
        try:
            self._finish(self._orphans, "runs of an earlier start")
        except StartFailed as error:
            self.say(str(error))

    def _stop_ending_orphans(self) -> None:
        if self._orphans is not None:
            self._orphans.stop(1.0)

    def _task(self, name: str, module: list[str], environment: dict[str, str]) -> Child:
        command = child_services.dagster_task(*module)
        return Child.start(" ".join(module), command, log=self.home.logs / f"{name}.log", environment=environment)

    def _finish(self, task: Child | None, what: str) -> None:
        if task is None:
            return
        self.say(what)
        tasks.finish(task, what, self._pause)

    def _pause(self, seconds: float) -> None:
        """Sleep for some seconds.

        Raises:
            Stopped: Ctrl-C or SIGTERM was received.
        """
        self.supervisor.stopping.wait(seconds)
        self.supervisor.check()

    def _seed(self, store: Store, settings: Settings, environment: dict[str, str]) -> None:
        """Seed the history once. An interrupted seeding is repeated at the next start, without duplicates."""
        if store.accounts.workspaces() and self.home.read("seeded.json"):
            return
        self.say(f"{self.days} days of history")
        what, world = seed.plan(utcnow(), self.days, self.workspaces), new_world()
        seed.seed(store, Vault(settings.secret_keys), world, what, self._checked, settings)
        self.say("watched accounts")
        seed_watched(store, world, what)
        self._add_warehouse(store)
        if self.with_dagster:
            self.say("rollups")
            tasks.finish(
                self._history("roll", what, environment), "rolling up the history", self._pause, self._rolled(store)
            )
            self._reporting = self._history("report", what, environment)
        self.home.write("seeded.json", {"start": what.start.isoformat(), "end": what.end.isoformat()})

    def _add_warehouse(self, store: Store) -> None:
        """Add a file of DuckDB as a warehouse, if its driver is installed and there is no warehouse."""
        if find_spec("duckdb") is None or store.warehouses.all():
            return
        # The file is made by the first load: opening it here would load the driver into this process.
        store.warehouses.put(
            {
                "_id": "local",
                "kind": "duckdb",
                "options": {"path": str(self.home.warehouse)},
                "createdAt": utcnow(),
                "createdBy": "tidemark up",
            }
        )

    def _checked(self, done: int, total: int) -> None:
        self.supervisor.check()
        self.progress(done, total)

    def _rolled(self, store: Store) -> Callable[[], object]:
        """Return a function that shows how many periods are rolled up, and whose value changes with each."""
        days = total = store.marks.count().get("daily", 0)

        def look() -> object:
            nonlocal total
            left = store.marks.count()
            # Marks of weeks and months are added as their days are rolled up.
            total = max(total, days + left.get("weekly", 0) + left.get("monthly", 0))
            self.progress(total - sum(left.values()), total)
            return sorted(left.items())

        return look

    def _history(self, task: str, what: seed.Plan, environment: dict[str, str]) -> Child:
        span = [instant.strftime("%Y-%m-%dT%H:%M") for instant in (what.start, what.end)]
        return self._task("history", ["tidemark.history", task, *span], environment)


_OWN = {"TIDEMARK_MONGO_URL", "TIDEMARK_MONGO_DB", "TIDEMARK_REDIS_URL", "TIDEMARK_SECRET_KEYS", "TIDEMARK_HOME"}
_OWN |= {f"{PREFIX}{api.upper()}_URL" for api in PLATFORM_APIS}
"""The settings that this process shares with its children: the stores, and the simulator's address."""
