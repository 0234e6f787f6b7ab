"""Benchmark of reading watched accounts: its seconds, calls and bill, and what it costs the collection beside it.

    python bench/watching.py [--workspaces 10] [--accounts 100] [--latency 100]

It starts a MongoDB, a Redis and a simulator of its own, as `bench/collect.py` does. Each workspace has a connected
account of every platform, and watches so many accounts of others, evenly over the platforms with a public route; half
of them are watched by all workspaces. It prints one line for each platform: the first day, on which accounts are looked
up and all their young posts are read, and the day after. Then it collects an hour of all own accounts, twice alone and
twice while another process reads watched accounts, in turns, and prints the ratio of the seconds, and of the accounts
and observations that were collected. The same is in bench/results/watching.json.
"""

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

from pydantic import SecretStr

sys.path[0] = str(Path(__file__).parents[1])

from bench.collect import SLOT, WARM, Bench, Row, servers
from metrics.documents import Platform
from metrics.periods import DAY, HOUR
from metrics.platforms.registry import FACTS
from metrics.redis.client import connect
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault
from metrics.watching.lists import NewWatch, watch
from pipelines.platforms.public.registry import PUBLIC_PLATFORMS
from pipelines.watching.read import WatchedReader
from pipelines.watching.report import WatchReport
from simulator.facebook.public import WITH_ACCESS
from simulator.twitter.tokens import token_of_app

RESULTS = Path(__file__).parent / "results" / "watching.json"
SHARED_FROM, OWN_FROM = 200, 400
"""Indexes in the simulator from which the accounts are that all workspaces watch, and those that one does."""
_AFTER = timedelta(seconds=5)


def with_tokens(bench: Bench) -> Bench:
    """Return the same bench with the tokens of the app that routes need."""
    page = bench.control.get("/_control/accounts", params={"platform": "facebook", "count": 1}).json()[0]
    secrets = {
        "facebook_app_token": SecretStr(page["token"] + WITH_ACCESS),
        "twitter_app_token": SecretStr(token_of_app("app")),
        "youtube_api_key": SecretStr("AIza" + 35 * "k"),
    }
    return replace(bench, settings=bench.settings.model_copy(update={**secrets, "watch_posts_per_day": None}))


def watch_all(bench: Bench, workspaces: int, accounts: int) -> None:
    """Let each workspace watch accounts of others, evenly over the platforms, the first half the same for all."""
    for place, platform in enumerate(PUBLIC_PLATFORMS):
        number = accounts // len(PUBLIC_PLATFORMS) + (place < accounts % len(PUBLIC_PLATFORMS))
        known = bench.control.get(
            "/_control/accounts", params={"platform": platform, "count": OWN_FROM + workspaces * number}
        ).json()
        for workspace in range(workspaces):
            first, own = number // 2, OWN_FROM + workspace * number
            chosen = [*known[SHARED_FROM : SHARED_FROM + first], *known[own : own + number - first]]
            for one in chosen:
                name = one["platformAccountId"] if FACTS[platform].public.by_id else f"@{one['handle']}"
                watch(bench.store, f"w{workspace}", NewWatch(platform, name), SLOT, 10_000)


def read(bench: Bench, platform: Platform, now: datetime) -> WatchReport:
    """Read the watched accounts of a platform that are due."""
    reader = WatchedReader(bench.store, bench.redis, Vault(bench.settings.secret_keys), bench.settings)
    return reader.read(platform, run_id="bench", now=now)


def of_day(bench: Bench, name: str, slot: datetime, latency: float) -> list[Row]:
    """Read all platforms on a day; return a row for each, and one of all."""
    bench.begin(slot, latency)
    reports = [read(bench, platform, slot + HOUR + _AFTER) for platform in PUBLIC_PLATFORMS]
    rows: list[Row] = [
        {"day": name, "platform": one.platform, **one.counts(), "usd": one.usd, "seconds": one.seconds}
        for one in reports
    ]
    whole = {key: sum(float(row[key]) for row in rows) for key in rows[0] if key not in ("day", "platform")}
    return [*rows, {"day": name, "platform": "all", **whole}]


def ready() -> None:
    """Do nothing: a process that has done it has imported everything."""


def read_all(settings: Settings, now: datetime) -> int:
    """Read the watched accounts of all platforms that are due; return how many these were."""
    store, redis = Store.connect(settings), connect(settings)
    reader = WatchedReader(store, redis, Vault(settings.secret_keys), settings)
    due = sum(reader.read(platform, run_id="bench", now=now).due for platform in PUBLIC_PLATFORMS)
    store.close()
    redis.close()
    return due


def hour(bench: Bench, slot: datetime, latency: float, *, watching: bool) -> tuple[float, int, int]:
    """Collect an hour of own accounts; return the seconds, and how many accounts and observations were collected.

    With `watching`, another process reads the watched accounts meanwhile, as a run of Dagster does.
    """
    bench.begin(slot, latency)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(ready).result()
        beside = pool.submit(read_all, bench.settings, slot + HOUR + _AFTER) if watching else None
        began = time.perf_counter()
        reports = [bench.collect(platform, slot)[1] for platform in PUBLIC_PLATFORMS]
        seconds = time.perf_counter() - began
        if beside is not None:
            assert beside.result(), "nothing was read beside the collection"
    return seconds, sum(report.ok for report in reports), sum(report.rows for report in reports)


def compared(bench: Bench, latency: float) -> Row:
    """Collect hours alone and beside a reading of all watched accounts, in turns; return the ratios."""
    found: dict[bool, list[tuple[float, int, int]]] = {False: [], True: []}
    for turn, watching in enumerate((False, True, True, False)):
        # From Monday to Thursday, on which the same posts are due.
        slot = SLOT + (turn + 4) * DAY
        found[watching].append(hour(bench, slot, latency, watching=watching))
    alone, beside = ([sum(one) for one in zip(*found[kind], strict=True)] for kind in (False, True))
    return {
        "own hours": "with and without",
        "seconds_alone": alone[0],
        "seconds_beside": beside[0],
        "ratio_of_seconds": beside[0] / alone[0],
        "accounts_alone": alone[1],
        "accounts_beside": beside[1],
        "ratio_of_accounts": beside[1] / alone[1],
        "ratio_of_observations": beside[2] / alone[2],
    }


def main() -> None:
    """Measure, print one line per row, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspaces", type=int, default=10)
    parser.add_argument("--accounts", type=int, default=100, help="watched accounts of others per workspace")
    parser.add_argument("--latency", type=float, default=100.0, help="milliseconds per call")
    options = parser.parse_args()
    with servers() as started:
        bench = with_tokens(started)
        bench.connect(options.workspaces)
        for slot in WARM:
            bench.collect_all(slot)
        watch_all(bench, options.workspaces, options.accounts)
        rows = [
            *of_day(bench, "first", SLOT, options.latency),
            *of_day(bench, "second", SLOT + DAY, options.latency),
            compared(bench, options.latency),
        ]
    for row in rows:
        print("  ".join(f"{name} {v}" if isinstance(v, str) else f"{name} {v:,.3g}" for name, v in row.items()))
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    figures = {"python": sys.version.split()[0], **vars(options), "rows": rows}
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
