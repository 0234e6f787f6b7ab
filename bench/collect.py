"""Benchmark of collecting an hour of many accounts from the simulator, compared with the time that must pass anyway.

    python bench/collect.py [--workspaces 100 1000] [--latency 0 100 500]

It starts a MongoDB, a Redis and a simulator of its own; every answer of the simulator takes the latency, which includes
its computing time. It prints one line for each platform and one for all of them, per size and latency, and writes the
same as JSON to bench/results/collect.json. Platforms are collected one after the other in one process, like the steps
of a run.

The ideal of a platform is the time of a collector without any cost of its own: requests x latency / concurrency, or the
time until the platform's own limit per minute allows the last request, if that is longer. Without latency there is no
ideal. A request is one HTTP request; a call is the unit that a platform counts against its limits, such as each element
of a Graph batch. The processor seconds tell whether the collector, the simulator or a database was the bottleneck: all
of them share the cores of the machine.

The collector is one process of Python, which uses one core at a time. So `cpu_allowed_ms_per_request`, latency /
concurrency, is the most processor time that a request may cost it: with a latency of 100 ms and 10 concurrent calls,
10 ms. What costs more is bound by the processor, and `share_of_bound` compares with the larger of the two: the ideal,
and the collector's own processor time. All processes together may use as many times that as the machine has cores
(`cpu_all_ms_per_request`).
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography.fernet import Fernet
from redis import Redis

sys.path[0] = str(Path(__file__).parents[1])

from bench.support.memory import peak
from bench.support.servers import cpu_seconds
from metrics.documents import AccountDocument, Platform
from metrics.periods import DAY, HOUR
from metrics.platforms.registry import FACTS, STORING_NEEDS_CONSENT
from metrics.redis.events import Announcer
from metrics.redis.keys import pace_key
from metrics.settings import PLATFORM_APIS, Settings, load_settings
from metrics.store import Store
from metrics.vault import Vault
from pipelines.collect.collector import Collector
from pipelines.collect.report import CollectReport
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED
from tidemark.stack import mongo, redis
from tidemark.stack.ports import HOST, free_port
from tidemark.stack.process import Child

SLOT = datetime(2026, 11, 19, 23, tzinfo=UTC)
"""The last slot of a Thursday: every post of the last 30 days is due."""

WARM = (SLOT - DAY, SLOT - 5 * HOUR)
"""Slots collected before the measurement: the day before, from which a collection learns which accounts need the most
calls, and a recent hour."""
RESULTS = Path(__file__).parent / "results" / "collect.json"


Row = dict[str, float | str]


@dataclass(frozen=True)
class Bench:
    """Servers of a benchmark, and a collector on them; `pids` has all processes by name."""

    settings: Settings
    store: Store
    redis: Redis
    control: httpx.Client
    pids: Mapping[str, int]

    def connect(self, workspaces: int) -> None:
        """Connect one account of every platform in each workspace."""
        vault, accounts = Vault(self.settings.secret_keys), []
        for platform in PLATFORMS_IMPLEMENTED:
            known = self.control.get("/_control/accounts", params={"platform": platform, "count": workspaces}).json()
            for number, account in enumerate(known):
                if platform in STORING_NEEDS_CONSENT:
                    self.store.consents.set(f"w{number}", platform, given=True)
                accounts.append(
                    AccountDocument(
                        _id=f"{platform}-{number}",
                        workspaceId=f"w{number}",
                        platform=platform,
                        platformAccountId=account["platformAccountId"],
                        handle=account["handle"],
                        state="active",
                        connectedAt=SLOT - timedelta(days=60),
                        credentials=vault.seal({"access_token": account["token"]}, f"{platform}-{number}"),
                    )
                )
        self.store.accounts.put(accounts)

    def begin(self, slot: datetime, latency_ms: float) -> None:
        """Set the clock to the end of a slot. The hour since the slot before has passed for the pace of calls, too."""
        now = slot + HOUR + timedelta(seconds=5)
        self.control.put("/_control/clock", json={"now": now.isoformat()}).raise_for_status()
        self.control.put("/_control/latency", json={"ms": latency_ms}).raise_for_status()
        for platform in PLATFORMS_IMPLEMENTED:
            for key in self.redis.scan_iter(pace_key(platform, "*")):
                self.redis.delete(key)

    def cpu(self) -> dict[str, float]:
        """Return the processor seconds that each process has used so far."""
        return {name: cpu_seconds(pid) for name, pid in self.pids.items()}

    def collect(self, platform: Platform, slot: datetime) -> tuple[float, CollectReport, dict[str, int]]:
        """Collect a slot of a platform; return the seconds, the report, and the calls that the simulator counted."""
        self.control.delete("/_control/calls").raise_for_status()
        collector = Collector(
            self.store, self.redis, Announcer(self.redis), Vault(self.settings.secret_keys), self.settings
        )
        began = time.perf_counter()
        report = collector.collect(platform, slot, run_id="bench", now=slot + HOUR + timedelta(seconds=5))
        seconds = time.perf_counter() - began
        return seconds, report, self.control.get("/_control/calls").json()["byKind"]

    def collect_all(self, slot: datetime) -> list[CollectReport]:
        """Collect a slot of every platform without latency; return the reports."""
        self.begin(slot, 0)
        return [self.collect(platform, slot)[1] for platform in PLATFORMS_IMPLEMENTED]


def ideal(platform: Platform, requests: int, calls: Mapping[str, int], latency_ms: float, concurrency: int) -> float:
    """Return the seconds that collecting must take: for the latency, or for the platform's limit per minute."""
    per_minute = FACTS[platform].calls_per_minute
    minutes = max(((number - 1) // per_minute for number in calls.values()), default=0) if per_minute else 0
    return max(requests * latency_ms / 1000 / concurrency, 60.0 * minutes)


def measure(bench: Bench, workspaces: int, latencies: list[float]) -> Iterator[Row]:
    """Collect the warm-up slots to learn the posts, then once per latency; yield a row per platform, and one of all."""
    bench.connect(workspaces)
    for slot in WARM:
        bench.collect_all(slot)
    for latency in latencies:
        bench.begin(SLOT, latency)
        of_all = dict[str, float]()
        for platform in PLATFORMS_IMPLEMENTED:
            before = bench.cpu()
            seconds, report, calls = bench.collect(platform, SLOT)
            assert report.ok == workspaces, [str(failure) for failure in report.failures[:3]]
            sums = {
                "accounts": report.ok, "seconds": seconds, "requests": report.requests, "calls": report.calls,
                "observations": report.rows, "waited_seconds": report.waited_seconds,
                "ideal": ideal(platform, report.requests, calls, latency, bench.settings.collect_concurrency),
                **{f"cpu_{name}": after - before[name] for name, after in bench.cpu().items()},
            }  # fmt: skip
            sums["bound"] = max(sums["ideal"], sums["cpu_collector"])
            allowed = {"cpu_allowed_ms_per_request": latency / bench.settings.collect_concurrency}
            of_all = {name: of_all.get(name, 0.0) + value for name, value in sums.items()}
            yield {"platform": platform, "workspaces": workspaces, "latency_ms": latency, **_told(sums), **allowed}
        yield {"platform": "all", "workspaces": workspaces, "latency_ms": latency, **_told(of_all), "megabytes": peak()}


def _told(sums: Mapping[str, float]) -> dict[str, float]:
    """Return the figures of a row: those per account, the share of the ideal, and the processor's share of the time."""
    accounts, seconds, requests = sums["accounts"], sums["seconds"], sums["requests"]
    return {
        "accounts": accounts, "seconds": seconds, "accounts_per_second": accounts / seconds,
        "observations": sums["observations"],
        "requests_per_account": requests / accounts, "calls_per_account": sums["calls"] / accounts,
        **({"share_of_ideal": sums["ideal"] / seconds} if sums["ideal"] else {}),
        **({"share_of_bound": sums["bound"] / seconds} if sums["ideal"] else {}),
        "waited_seconds_per_account": sums["waited_seconds"] / accounts,
        "cpu_ms_per_request": 1000 * sums["cpu_collector"] / max(requests, 1),
        "cpu_ms_per_call": 1000 * sums["cpu_collector"] / max(sums["calls"], 1),
        "cpu_all_ms_per_request": 1000 * sum(v for n, v in sums.items() if n.startswith("cpu_")) / max(requests, 1),
        **{name: value / seconds for name, value in sums.items() if name.startswith("cpu_")},
    }  # fmt: skip


@contextmanager
def servers() -> Iterator[Bench]:
    """Start the servers of the benchmark; stop them at the end."""
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        home, ports = Path(folder), [free_port() for _ in range(3)]
        command = [sys.executable, "-m", "simulator", "--port", str(ports[2])]
        children = [
            mongo.start(home / "mongo", ports[0], home / "logs"),
            redis.start(home / "redis", ports[1], home / "logs"),
            Child.start("simulator", command, log=home / "logs" / "simulator.log"),
        ]
        url = f"http://{HOST}:{ports[2]}"
        try:
            with httpx.Client(base_url=url, timeout=60) as control:
                children[2].wait_until(lambda: _answers(control), 30)
                settings = load_settings(
                    _env_file=None, mongo_url=mongo.url(ports[0]), redis_url=redis.url(ports[1]),
                    secret_keys=Fernet.generate_key().decode(), retention_days=20_000, twitter_posts_per_day=None,
                    pinterest_calls_units_per_day=1_000_000,
                    **{f"{api}_url": url for api in PLATFORM_APIS},
                )  # fmt: skip
                store = Store.connect(settings)
                store.ensure(settings)
                with Redis.from_url(settings.redis_url or "") as client:
                    pids = {"collector": os.getpid()} | {child.name: child.process.pid for child in children}
                    yield Bench(settings, store, client, control, pids)
                store.close()
        finally:
            for child in reversed(children):
                child.stop()


def _answers(control: httpx.Client) -> bool:
    try:
        return control.get("/_control/clock").is_success
    except httpx.TransportError:
        return False


def main() -> None:
    """Measure each size, print one line per row, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--workspaces", type=int, nargs="+", default=[100, 1000], help="an account of each platform in each"
    )
    parser.add_argument("--latency", type=float, nargs="+", default=[0.0, 100.0, 500.0], help="milliseconds per call")
    options = parser.parse_args()
    rows = list[Row]()
    for workspaces in options.workspaces:
        with servers() as bench:
            for row in measure(bench, workspaces, options.latency):
                rows.append(row)
                told = (f"{name} {v}" if isinstance(v, str) else f"{name} {v:,.2f}" for name, v in row.items())
                print("  ".join(told), flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"python": sys.version.split()[0], "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
