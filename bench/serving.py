"""Benchmark of cached and uncached reads over HTTP, compared with a bare Starlette route over the same bytes in Redis.

    python bench/serving.py [--only trace|reads|uncached] [--seconds 5] [--rounds 3]

It needs wrk on the PATH (`apt-get install wrk`). It starts a MongoDB, a Redis, two serving processes (one without an
in-memory cache: «not hot») and the reference, all on this machine, and sends requests to them in turns, so that other
load on the machine affects all alike. «Not hot» requests many different answers in turn; the reference reads its key
among as many keys. The medians of the rounds are printed and written as JSON to bench/results/serving.json. `cpu_us` is
the processor time of the server per request, in microseconds: unlike the rate, it does not contain the load generator.
`trace` is an hour of dashboards (bench/support/dashboards.py); `uncached` are reads right after a change.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

# This file has the name of a package, so imports have to be resolved from the folder above.
sys.path[0] = str(Path(__file__).parents[1])

import httpx
import psutil
from pymongo import monitoring
from redis import Redis

from bench.support.dashboards import ACCOUNTS_EACH, WORKSPACES, Commands, saved
from bench.support.filling import account, observation
from bench.support.servers import Bench, percentile, servers
from metrics.clock import utcnow
from metrics.periods import DAY, HOUR, PERIODS, midnight, period_start
from metrics.redis.events import Announcer
from pipelines.rollup import roll
from tidemark.stack.process import Child

RESULTS = Path(__file__).parent / "results" / "serving.json"
ACCOUNTS, DAYS = 20, 90
CHARTED = (
    "followers", "followerGrowth", "totalEngagement", "engagementRate", "totalImpressions", "totalViews", "totalClicks",
    "totalLikes", "totalComments", "totalShares", "totalSaves", "postCount",
)  # fmt: skip
CONNECTIONS = 64
DIFFERENT = 300
"""Number of different answers of all workspaces that are requested in turn: no two concurrent requests are the same."""


def fill(bench: Bench) -> None:
    """Write 90 days of `w0` with 20 accounts and of the other workspaces with four, and roll them up."""
    today = midnight(utcnow().date())
    days = [today - DAY * n for n in range(DAYS, -1, -1)]
    for number in range(WORKSPACES):
        workspace = f"w{number}"
        names = [f"{workspace}a{i}" for i in range(ACCOUNTS if number == 0 else ACCOUNTS_EACH)]
        bench.store.accounts.put([account(workspace, name) for name in names])
        slots = [day + HOUR * hour for day in days for hour in (0, 12, 23) if day + HOUR * hour < utcnow() - HOUR]
        bench.store.observations.append([observation(workspace, name, slot) for name in names for slot in slots])
    for period in PERIODS:
        roll(bench.store, period, sorted({period_start(period, day) for day in days}), run_id="bench", now=utcnow())


class Wrk:
    """Load generator that runs wrk."""

    def __init__(self, folder: Path, key: str, seconds: int) -> None:
        self._folder = folder
        self._headers = [f"Authorization: Bearer {key}"]
        self._seconds = seconds

    def ask(
        self, server: tuple[str, Child], paths: Sequence[str], *headers: str, rate: float | None = None
    ) -> dict[str, float]:
        """Request paths in turn, at about `rate` if given.

        Return the requests per second, the p99 in ms, and the microseconds of processor time that the server took per
        request. The latter does not depend on how many cores the server shares with wrk.
        """
        base, process = server[0], psutil.Process(server[1].process.pid)
        listed = ",".join(f'wrk.format("GET", "{path}")' for path in paths)
        lines = [
            f"function init() asked = {{{listed}}} end", "turn = 0",
            "function request() turn = turn % #asked + 1 return asked[turn] end",
        ]  # fmt: skip
        if rate is not None:
            lines.append(f"function delay() return math.random() * {2000 * CONNECTIONS / rate:.3f} end")
        script = self._folder / "wrk.lua"
        script.write_text("\n".join(lines))
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{self._seconds}s", "--latency", "-s", str(script)]
        for header in (*self._headers, *headers):
            command += ["-H", header]
        before = _processor_seconds(process)
        output = subprocess.run([*command, base], capture_output=True, text=True, check=True).stdout
        used = _processor_seconds(process) - before
        if refused := re.search(r"Non-2xx or 3xx responses: (\d+)", output):
            raise SystemExit(f"{base}{paths[0]}: {refused[1]} answers were errors")
        p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
        per_second = re.search(r"Requests/sec:\s+([\d.]+)", output)
        requests = re.search(r"(\d+) requests in", output)
        assert p99
        assert per_second
        assert requests
        return {
            "per_second": float(per_second[1]),
            "p99": float(p99[1]) * {"us": 0.001, "ms": 1, "s": 1000}[p99[2]],
            "cpu_us": 1_000_000 * used / int(requests[1]),
        }


def _processor_seconds(process: psutil.Process) -> float:
    """Return the processor seconds of a server process so far."""
    times = process.cpu_times()
    return times.user + times.system


def measure(bench: Bench, seconds: int, rounds: int) -> dict[str, float]:
    """Measure all servers in turns; return medians."""
    key, _ = bench.store.keys.create("bench", ["*"], ["read"])
    hot, cold = bench.serve("hot"), bench.serve("cold", TIDEMARK_CACHE_HOT_MB="0")
    paths = _different()
    with httpx.Client(headers={"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}, timeout=30) as client:
        for base, _ in (hot, hot, cold):
            answers = [client.get(base + path) for path in paths]
        answer = answers[0]
        with Redis.from_url(str(bench.settings.redis_url)) as redis:
            redis.set("bench:kept", answer.content)
        bare = bench.reference("bench:kept")
        assert client.get(bare[0] + "/kept").content == answer.content
        wrk, tag = Wrk(bench.folder, key, seconds), f"If-None-Match: {answer.headers['etag']}"
        measured: dict[str, list[dict[str, float]]] = {}
        for _ in range(rounds):
            for name, server, wanted, headers in (
                ("bare", bare, ["/kept"], ()), ("hot", hot, paths[:1], ()), ("hot_304", hot, paths[:1], (tag,)),
                ("hot_many", hot, paths, ()), ("not_hot", cold, paths, ()),
            ):  # fmt: skip
                measured.setdefault(name, []).append(wrk.ask(server, wanted, *headers))
        found = {name: statistics.median(one["per_second"] for one in all_) for name, all_ in measured.items()}
        cpu = {name: statistics.median(one["cpu_us"] for one in all_) for name, all_ in measured.items()}
        half = wrk.ask(hot, paths[:1], rate=found["hot"] / 2)
        cold_half = wrk.ask(cold, paths, rate=found["not_hot"] / 2)
    return {
        "bytes": len(answer.content), **found,
        **{f"{name}_to_bare": found[name] / found["bare"] for name in ("hot", "hot_many", "not_hot")},
        **{f"{name}_cpu_us": used for name, used in cpu.items()},
        **{f"{name}_cpu_to_bare": cpu[name] / cpu["bare"] for name in ("hot", "hot_many", "not_hot")},
        "half_load_per_second": half["per_second"], "half_load_p99_ms": half["p99"],
        "not_hot_half_load_p99_ms": cold_half["p99"],
    }  # fmt: skip


def uncached(bench: Bench, rounds: int) -> dict[str, float]:
    """Read 90 days of 20 accounts, each time right after an announcement; return percentiles in ms.

    `uncached_series` are 12 metrics of these days and accounts in columns.
    """
    key, _ = bench.store.keys.create("bench", ["*"], ["read"])
    url, _ = bench.serve("uncached")
    found: dict[str, float] = {}
    with httpx.Client(headers={"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}, timeout=30) as client:
        for name, query in (
            ("uncached", "aggregated?period=daily&limit=1000"),
            ("uncached_compared", "aggregated?period=daily&limit=1000&compare=previous"),
            ("uncached_series", f"series?interval=daily&metrics={','.join(CHARTED)}"),
            ("uncached_series_grouped", f"series?interval=daily&metrics={','.join(CHARTED)}&groupBy=account"),
        ):
            taken = [_uncached(client, bench, url, query) for _ in range(40 * rounds)]
            found |= {f"{name}_p50_ms": percentile(taken, 0.5), f"{name}_p95_ms": percentile(taken, 0.95)}
    return found


def _different() -> list[str]:
    """Return paths whose answers have the same size but differ; consecutive ones belong to different workspaces."""
    today = utcnow().date()
    starts = [today - timedelta(days=DAYS - n) for n in range(DIFFERENT // WORKSPACES)]
    return [
        f"/analytics/workspace/w{number}/metrics?limit=35&startDate={start}&endDate={today - timedelta(days=1)}"
        for start in starts
        for number in range(WORKSPACES)
    ]


def _uncached(client: httpx.Client, bench: Bench, base: str, query: str) -> float:
    """Return the milliseconds of a read of 90 days of 20 accounts right after an announcement."""
    with Redis.from_url(str(bench.settings.redis_url)) as redis:
        Announcer(redis).announce("w0")
    first = (utcnow() - timedelta(days=DAYS - 1)).date()
    dates = f"startDate={first}&endDate={utcnow().date()}"
    began = time.perf_counter()
    answer = client.get(f"{base}/analytics/workspace/w0/{query}&{dates}")
    assert answer.headers["x-cache"] == "miss"
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    """Measure, print the figures, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="seconds per request kind and round (5)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, whose median is reported (3)")
    parser.add_argument(
        "--only",
        choices=("trace", "reads", "uncached"),
        help="measure only one part; its figures replace the former ones",
    )
    options = parser.parse_args()
    if options.only in (None, "reads") and shutil.which("wrk") is None:
        sys.exit("wrk is needed: apt-get install wrk")
    commands = Commands()
    monitoring.register(commands)
    found: dict[str, float] = {}
    with servers() as bench:
        fill(bench)
        if options.only in (None, "trace"):
            found |= saved(bench, commands)
        if options.only in (None, "reads"):
            found |= measure(bench, options.seconds, options.rounds)
        if options.only in (None, "uncached"):
            found |= uncached(bench, options.rounds)
    for name, value in found.items():
        print(f"{name:28} {value:12,.2f}", flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**before, "python": sys.version.split()[0], **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
