"""Benchmark that reads the same simulated Instagram accounts with Airbyte's connector and with Tidemark.

    python bench/peers.py [--accounts 3] [--latency 0 100]

Both read the accounts' fields, their posts and stories with insights, and the accounts' insights of the last three
days. The connector, `airbyte-source-instagram` as installed by `make clients`, reads all existing posts in one read.
Tidemark uses two slots of a Sunday: one reads the days, the other every post of 90 days. Therefore figures per post are
printed beside the total figures. Tidemark is measured twice: when it collects the accounts for the first time, and a
week later, on the day of the connector's read. It stores the results in a MongoDB and a Redis of the benchmark; the
connector's records are counted and discarded, and its figures exclude the start of its process.

It prints seconds, CPU seconds of the process and HTTP requests of each, and the ratio of the connector's figures to
Tidemark's, and writes the same as JSON to bench/results/peers.json. If the connector is not installed, it says so.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

# Another benchmark is imported as `bench.collect`, so imports have to be resolved from the folder above.
sys.path[0] = str(Path(__file__).parents[1])

from bench.collect import Bench, servers
from metrics.clock import utcnow
from metrics.documents import AccountDocument
from metrics.periods import DAY, HOUR, WEEK, midnight
from metrics.redis.events import Announcer
from metrics.vault import Vault
from pipelines.collect.collector import Collector

ROOT = Path(__file__).parents[1]
CONNECTOR = Path(sys.prefix) / "apart" / "airbyte-instagram" / "bin" / "python"
DAYS_AT, POSTS_AT = 21 * HOUR, 23 * HOUR
"""Slots of a Sunday: in the first, the days of accounts are read; in the second, every post is due."""

RESULTS = Path(__file__).parent / "results" / "peers.json"
FIGURES = ("seconds", "cpu_seconds", "requests")

Figures = dict[str, Any]


def last_sunday() -> datetime:
    """Return the start of the last past Sunday, since posts are listed for 90 days back from today."""
    yesterday = midnight(utcnow()) - DAY
    return yesterday - (yesterday.weekday() + 1) % 7 * DAY


def connect(bench: Bench, accounts: int, sunday: datetime) -> list[str]:
    """Connect Instagram accounts to Tidemark, dated 90 days before a Sunday; return their tokens."""
    wanted: dict[str, str | int] = {"platform": "instagram", "count": accounts}
    known = bench.control.get("/_control/accounts", params=wanted).raise_for_status().json()
    vault = Vault(bench.settings.secret_keys)
    bench.store.accounts.put(
        AccountDocument(
            _id=f"instagram-{number}", workspaceId="peers", platform="instagram",
            platformAccountId=account["platformAccountId"], handle=account["handle"], state="active",
            connectedAt=sunday - timedelta(days=90),
            credentials=vault.seal({"access_token": account["token"]}, f"instagram-{number}"),
        )
        for number, account in enumerate(known)
    )  # fmt: skip
    return [account["token"] for account in known]


def tidemark(bench: Bench, sunday: datetime) -> Figures:
    """Return the figures of Tidemark for the two slots of a Sunday."""
    posts, found = set(), dict.fromkeys(FIGURES, 0.0)
    for slot in (sunday + DAYS_AT, sunday + POSTS_AT):
        now = slot + HOUR + timedelta(seconds=5)
        bench.control.put("/_control/clock", json={"now": now.isoformat()}).raise_for_status()
        collector = Collector(
            bench.store, bench.redis, Announcer(bench.redis), Vault(bench.settings.secret_keys), bench.settings
        )
        wall, cpu = time.perf_counter(), _cpu()
        report = collector.collect("instagram", slot, run_id="bench", now=now)
        found["seconds"] += time.perf_counter() - wall
        found["cpu_seconds"] += _cpu() - cpu
        found["requests"] += report.requests
        assert not report.failed, [str(failure) for failure in report.failures[:3]]
        rows = bench.store.observations.page({"workspaceId": "peers"}, slot, slot + HOUR, limit=100_000)
        posts |= {row["metadata"]["postId"] for row in rows if row["metadata"].get("postId")}
    return {**found, "posts": len(posts)}


def connector(bench: Bench, tokens: list[str], sunday: datetime) -> Figures:
    """Return the figures of the connector for a read at the end of a Sunday."""
    now = sunday + DAY + timedelta(seconds=5)
    bench.control.put("/_control/clock", json={"now": now.isoformat()}).raise_for_status()
    script = ROOT / "bench" / "support" / "read_connector.py"
    command = [str(CONNECTOR), str(script), str(bench.control.base_url), now.isoformat(), *tokens]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "clients")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found: Figures = json.loads(done.stdout)
    records = found.pop("records")
    return {**found, "posts": records["media_insights"] + records.get("story_insights", 0)}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(accounts: int, latency: float) -> list[Figures]:
    """Return the figures of Tidemark's first collection, of the connector, and of Tidemark a week later."""
    sunday = last_sunday()
    with servers() as bench:
        tokens = connect(bench, accounts, sunday)
        bench.control.put("/_control/latency", json={"ms": latency}).raise_for_status()
        rows = [
            {"reader": "Tidemark, first time", **tidemark(bench, sunday - WEEK)},
            {"reader": "airbyte-source-instagram", **connector(bench, tokens, sunday)},
            {"reader": "Tidemark, a week later", **tidemark(bench, sunday)},
        ]
    return [{"accounts": accounts, "latency_ms": latency, **row} for row in rows]


def main() -> None:
    """Measure with each latency, print one line per reader and the ratios, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=3)
    parser.add_argument("--latency", type=float, nargs="+", default=[0.0, 100.0], help="milliseconds per answer")
    options = parser.parse_args()
    if not CONNECTOR.exists():
        print("airbyte-source-instagram is not installed: `make clients` installs it, if the machine has Python 3.11")
        return
    rows = [row for latency in options.latency for row in measure(options.accounts, latency)]
    for first, other, later in (rows[n : n + 3] for n in range(0, len(rows), 3)):
        for row in (first, other, later):
            numbers = "  ".join(f"{name} {round(row[name], 2):,.9g}" for name in (*FIGURES, "posts"))
            print(f"{row['accounts']} accounts, {row['latency_ms']:g} ms  {row['reader']:<24}  {numbers}")
        for row in (first, later):
            whole = "  ".join(f"{name} {other[name] / row[name]:.1f}" for name in FIGURES)
            each = "  ".join(
                f"{name} {other[name] / row[name] * row['posts'] / other['posts']:.1f}" for name in FIGURES
            )
            print(f"  the connector, as multiples of {row['reader']}:  {whole};  for each post:  {each}", flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"python": sys.version.split()[0], "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
