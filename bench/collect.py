"""Benchmark of collecting an hour of many accounts from the simulator, compared with the time of latency alone.

    python bench/collect.py [--workspaces 100 1000] [--latency 0 100 500]

It starts a MongoDB, a Redis and a simulator of its own; every answer of the simulator takes the latency, which includes
its computing time. It prints one line per size and latency, and writes the same as JSON to bench/results/collect.json.
The ideal is requests x latency / concurrency, the time of a collector without any cost of its own; without latency
there is no ideal. A request is one HTTP request; a call is the unit that a platform counts against its limits, such as
each element of a Graph batch. Platforms are collected one after the other in one process, like the steps of a run.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography.fernet import Fernet
from redis import Redis

from metrics.documents import AccountDocument
from metrics.periods import DAY, HOUR
from metrics.redis.events import Announcer
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


@dataclass(frozen=True)
class Bench:
    """Servers of a benchmark, and a collector on them."""

    settings: Settings
    store: Store
    redis: Redis
    control: httpx.Client

    def connect(self, workspaces: int) -> None:
        """Connect one account of every platform in each workspace."""
        vault, accounts = Vault(self.settings.secret_keys), []
        for platform in PLATFORMS_IMPLEMENTED:
            known = self.control.get("/_control/accounts", params={"platform": platform, "count": workspaces}).json()
            for number, account in enumerate(known):
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

    def collect(self, slot: datetime, latency_ms: float) -> tuple[float, list[CollectReport]]:
        """Collect a slot of every platform; return the seconds and the reports."""
        now = slot + HOUR + timedelta(seconds=5)
        self.control.put("/_control/clock", json={"now": now.isoformat()}).raise_for_status()
        self.control.put("/_control/latency", json={"ms": latency_ms}).raise_for_status()
        collector = Collector(
            self.store, self.redis, Announcer(self.redis), Vault(self.settings.secret_keys), self.settings
        )
        began = time.perf_counter()
        reports = [collector.collect(p, slot, run_id="bench", now=now) for p in PLATFORMS_IMPLEMENTED]
        return time.perf_counter() - began, reports


def measure(bench: Bench, workspaces: int, latencies: list[float]) -> Iterator[dict[str, float]]:
    """Collect the warm-up slots to learn the posts, then once per latency; yield a row per latency."""
    bench.connect(workspaces)
    for slot in WARM:
        bench.collect(slot, 0)
    for latency in latencies:
        before = resource.getrusage(resource.RUSAGE_SELF)
        wall, reports = bench.collect(SLOT, latency)
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        accounts, calls = sum(r.ok for r in reports), sum(r.calls for r in reports)
        requests = sum(r.requests for r in reports)
        assert accounts == workspaces * len(PLATFORMS_IMPLEMENTED), [str(f) for r in reports for f in r.failures[:3]]
        ideal = requests * latency / 1000 / bench.settings.collect_concurrency
        yield {
            "workspaces": workspaces, "accounts": accounts, "latency_ms": latency, "seconds": wall,
            "accounts_per_second": accounts / wall, "observations": sum(r.rows for r in reports),
            "requests_per_account": requests / accounts, "calls_per_account": calls / accounts,
            "cpu_ms_per_request": 1000 * cpu / requests, "cpu_ms_per_call": 1000 * cpu / calls,
            **({"share_of_ideal": ideal / wall} if latency else {}),
            "megabytes": after.ru_maxrss / 1024,
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
                    **{f"{api}_url": url for api in PLATFORM_APIS},
                )  # fmt: skip
                store = Store.connect(settings)
                store.ensure(settings)
                with Redis.from_url(settings.redis_url or "") as client:
                    yield Bench(settings, store, client, control)
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
    parser.add_argument("--workspaces", type=int, nargs="+", default=[100, 1000], help="four accounts each")
    parser.add_argument("--latency", type=float, nargs="+", default=[0.0, 100.0, 500.0], help="milliseconds per call")
    options = parser.parse_args()
    rows = []
    for workspaces in options.workspaces:
        with servers() as bench:
            for row in measure(bench, workspaces, options.latency):
                rows.append(row)
                print("  ".join(f"{name} {value:,.2f}" for name, value in row.items()), flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"python": sys.version.split()[0], "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
