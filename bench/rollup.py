"""Benchmark of roll-ups of logs of growing size, compared with a bare `$group` over the same observations.

    python bench/rollup.py [--small] [--hours] [--zones] [--mongo URL]

It starts a MongoDB of its own unless given one. It prints a table, and writes it as JSON to bench/results/rollup.json.
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.fernet import Fernet

from metrics.calendars import Calendar
from metrics.calendars.workspace import WorkspaceCalendar
from metrics.collection.appending import Entry, append_and_mark
from metrics.documents import AccountDocument, Document, Observation, PostDocument
from metrics.periods import PERIODS
from metrics.settings import load_settings
from metrics.store import Store
from pipelines.rollup import roll
from tidemark.stack import mongo
from tidemark.stack.ports import free_port

DAY = datetime(2026, 3, 2, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
ACCOUNTS, POSTS = 4, 20
"""Accounts per workspace and posts per account."""
HOURS = 24
ZONES = (
    *("Pacific/Pago_Pago", "Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Denver"),
    *("America/Chicago", "America/New_York", "America/Halifax", "America/Sao_Paulo", "Atlantic/South_Georgia"),
    *("Atlantic/Azores", "Europe/London", "Europe/Berlin", "Europe/Athens", "Europe/Istanbul", "Asia/Dubai"),
    *("Asia/Karachi", "Asia/Dhaka", "Asia/Bangkok", "Asia/Shanghai", "Asia/Tokyo", "Australia/Sydney"),
    *("Pacific/Noumea", "Pacific/Auckland"),
)
"""24 zones, each with another offset."""
RESULTS = Path(__file__).parent / "results" / "rollup.json"


def fill(store: Store, workspaces: int, days: int, first: int = -1) -> int:
    """Write hourly observations of every post and account from the hour `first` on; return the number per day."""
    for number in range(workspaces):
        accounts = [_account(f"w{number}", f"w{number}a{i}") for i in range(ACCOUNTS)]
        posts = [_post(account, i) for account in accounts for i in range(POSTS)]
        store.accounts.put(accounts)
        store.posts.put(posts)
        store.observations.append(_observations(accounts, posts, range(first, HOURS * days)))
    return workspaces * ACCOUNTS * (POSTS + 1) * HOURS


def _account(workspace_id: str, account_id: str) -> AccountDocument:
    return {
        "_id": account_id, "workspaceId": workspace_id, "platform": "instagram", "platformAccountId": account_id,
        "handle": account_id, "state": "active", "connectedAt": DAY - timedelta(days=30),
    }  # fmt: skip


def _post(account: AccountDocument, number: int) -> PostDocument:
    return {
        "_id": f"{account['_id']}p{number}", "workspaceId": account["workspaceId"], "accountId": account["_id"],
        "platform": "instagram", "platformPostId": str(number), "metricType": "post", "contentType": "image",
        "publishedAt": DAY - timedelta(days=5),
    }  # fmt: skip


def _observations(accounts: list[AccountDocument], posts: list[PostDocument], hours: range) -> Iterator[Observation]:
    for hour in hours:
        yield from _observations_in(accounts, posts, hour)


def _observations_in(accounts: list[AccountDocument], posts: list[PostDocument], hour: int) -> Iterator[Observation]:
    slot = DAY + timedelta(hours=hour)
    collected_at = slot + timedelta(hours=1, seconds=5)
    for account in accounts:
        yield Observation(
            account["workspaceId"], account["_id"], "instagram", "account", slot, collected_at,
            {"followers": 1000 + hour, "following": 10, "posts": POSTS}, "bench", "v25.0",
        )  # fmt: skip
    for post in posts:
        yield Observation(
            post["workspaceId"], post["accountId"], "instagram", "post", slot, collected_at,
            {"likes": 50 + hour, "comments": hour // 3 + 1, "shares": 3, "saves": 2, "views": 900 + 20 * hour},
            "bench", "v25.0", {}, post["_id"], post["platformPostId"], "image",
        )  # fmt: skip


def bare_group(store: Store, start: datetime, end: datetime) -> float:
    """Return the seconds of the minimal work of any roll-up: minimum and maximum of each metric by subject."""
    names = ("likes", "comments", "shares", "saves", "views", "followers")
    extremes = {f"{low}_{n}": {f"${low}": f"$metrics.{n}"} for n in names for low in ("min", "max")}
    subject = {"a": "$metadata.accountId", "p": "$metadata.postId"}
    began = time.perf_counter()
    stages: list[Document] = [
        {"$match": {"timestamp": {"$gte": start, "$lt": end}}},
        {"$group": {"_id": subject, **extremes}},
    ]
    list(store.db["metrics"].aggregate([*stages, {"$count": "n"}], allowDiskUse=True))
    return time.perf_counter() - began


def measure(store: Store, workspaces: int, days: int, rounds: int) -> dict[str, float]:
    """Fill the store and roll up its days and its month; return medians in seconds."""
    per_day = fill(store, workspaces, days)
    starts = [DAY + timedelta(days=n) for n in range(days)]
    first, bare, again = [], [], []
    for number, start in enumerate(starts):
        first.append(_rolled(store, [start]))
        if number < rounds:
            bare.append(bare_group(store, start, start + timedelta(days=1)))
            again.append(_rolled(store, [start]))
    began = time.perf_counter()
    roll(store, "monthly", [datetime(2026, 3, 1, tzinfo=UTC)], run_id="bench", now=NOW)
    month = time.perf_counter() - began
    seconds, group = statistics.median(first), statistics.median(bare)
    return {
        "observations": per_day * days, "days": days, "day_observations": per_day, "day_seconds": seconds,
        "again_seconds": statistics.median(again), "observations_per_second": per_day / seconds,
        "bare_group_seconds": group, "ratio_to_group": seconds / group, "month_seconds": month,
        "worker_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def measure_hours(store: Store, workspaces: int, days: int) -> dict[str, float]:
    """Append hour after hour and roll up the changed periods, as `late_data` does; return medians over `days`.

    `seconds` is wall time, `cpu` the processor time of the server, which is more reliable on a busy machine.
    """
    accounts = [_account(f"w{number}", f"w{number}a{i}") for number in range(workspaces) for i in range(ACCOUNTS)]
    posts = [_post(account, i) for account in accounts for i in range(POSTS)]
    store.accounts.put(accounts)
    store.posts.put(posts)
    spent: dict[tuple[int, str], list[tuple[float, float]]] = {}
    for day in range(days):
        for hour in range(HOURS):
            slot = DAY + timedelta(days=day, hours=hour)
            _append(store, accounts, posts, slot)
            # The other hours are rolled up together with the next of these.
            if hour in (0, 1, HOURS - 4, HOURS - 3, HOURS - 2, HOURS - 1):
                for name, cost in _late(store, slot + timedelta(hours=1, minutes=5)).items():
                    spent.setdefault((hour, name), []).append(cost)
    found: dict[str, float] = {"workspaces": workspaces, "days": days}
    for place, kind in enumerate(("seconds", "cpu")):
        for name in ("day", "all"):
            early, late = (statistics.median(one[place] for one in spent[hour, name]) for hour in (1, HOURS - 1))
            found |= {f"{name}_1_{kind}": early, f"{name}_23_{kind}": late, f"{name}_{kind}_ratio": late / early}
    return found


def _append(store: Store, accounts: list[AccountDocument], posts: list[PostDocument], slot: datetime) -> None:
    """Append one hour of every account, and set its marks as the collection does."""
    hour = (slot - DAY) // timedelta(hours=1)
    by_workspace: dict[str, list[Observation]] = {}
    for observation in _observations_in(accounts, posts, hour):
        by_workspace.setdefault(observation.workspace_id, []).append(observation)
    for workspace_id, observations in by_workspace.items():
        append_and_mark(store, [Entry(workspace_id, observations)])


def _late(store: Store, now: datetime) -> dict[str, tuple[float, float]]:
    """Roll up the marked periods, days first; return the cost of the days and of all periods: wall and CPU seconds."""
    began, cpu = time.perf_counter(), _cpu(store)
    spent: dict[str, tuple[float, float]] = {}
    for period in PERIODS:
        for mark in store.marks.pending(period):
            roll(store, period, [mark.start], run_id="bench", workspace_ids=mark.workspaces, now=now)
        spent["day" if period == "daily" else "all"] = (time.perf_counter() - began, _cpu(store) - cpu)
    return spent


def _cpu(store: Store) -> float:
    spent = store.client.admin.command("serverStatus")["extra_info"]
    return float(spent["user_time_us"] + spent["system_time_us"]) / 1e6


def _rolled(store: Store, starts: list[datetime]) -> float:
    began = time.perf_counter()
    roll(store, "daily", starts, run_id="bench", now=NOW)
    return time.perf_counter() - began


@contextmanager
def server(url: str | None) -> Iterator[str]:
    """Yield the given URL of a MongoDB, or that of a MongoDB that runs as long as the benchmark."""
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
        home, port = Path(folder), free_port()
        child = mongo.start(home / "data", port, home / "logs")
        try:
            yield mongo.url(port)
        finally:
            child.stop()


def measure_zones(store: Store, workspaces: int, rounds: int) -> dict[str, float]:
    """Roll up one day, all workspaces in UTC and then spread over 24 zones, in turns; return medians in seconds.

    The log begins ten hours before the days. MongoDB keeps the observations of a subject in buckets of 24 hours, which
    begin when the account is connected. With buckets that begin at midnight in UTC, the days of UTC alone would lie
    within one bucket each.
    """
    fill(store, workspaces, 3, first=-10)
    names = [f"w{number}" for number in range(workspaces)]
    by_zone = [Calendar(zone, version=number + 1) for number, zone in enumerate(ZONES)]
    chosen = {
        "utc": {name: WorkspaceCalendar() for name in names},
        "zones": {name: WorkspaceCalendar(by_zone[i % len(by_zone)]) for i, name in enumerate(names)},
    }
    taken: dict[str, list[float]] = {kind: [] for kind in chosen}
    cpu: dict[str, list[float]] = {kind: [] for kind in chosen}
    for round_ in range(rounds + 1):
        for kind, calendars in chosen.items():
            began, used = time.perf_counter(), time.process_time()
            roll(store, "daily", [DAY + timedelta(days=1)], run_id="bench", now=NOW, calendars=calendars)
            if round_:
                taken[kind].append(time.perf_counter() - began)
                cpu[kind].append(time.process_time() - used)
    found = {kind: statistics.median(all_) for kind, all_ in taken.items()}
    return {
        "utc_seconds": found["utc"], "zones_seconds": found["zones"], "ratio": found["zones"] / found["utc"],
        "ratio_of_fastest": min(taken["zones"]) / min(taken["utc"]),
        "own_cpu_ratio": statistics.median(cpu["zones"]) / statistics.median(cpu["utc"]),
    }  # fmt: skip


def main() -> None:
    """Measure each size, print a table, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="only two days of 100 workspaces")
    parser.add_argument("--mongo", help="URL of a MongoDB to measure; its database tidemark_bench is dropped")
    parser.add_argument("--hours", action="store_true", help="the cost of one more hour, early and late in a day")
    parser.add_argument("--zones", action="store_true", help="a day of workspaces in 24 time zones, and of UTC")
    options = parser.parse_args()
    # (workspaces, days): 10^5, 10^6 and 10^7 observations.
    sizes = [(100, 2)] if options.small else [(50, 1), (100, 5), (100, 50)]
    rows: list[dict[str, float]] = []
    with server(options.mongo) as url:
        if options.hours:
            with fresh(url) as store:
                rows.append(measure_hours(store, 100, 1))
            _print(rows[-1], head=True)
        elif options.zones:
            with fresh(url) as store:
                rows.append(measure_zones(store, 100, rounds=9))
            _print(rows[-1], head=True)
        else:
            for workspaces, days in sizes:
                with fresh(url) as store:
                    rows.append(measure(store, workspaces, days, rounds=3))
                _print(rows[-1], head=len(rows) == 1)
    stem = "rollup_hours" if options.hours else "rollup_zones" if options.zones else RESULTS.stem
    results = RESULTS.with_stem(stem)
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps({"python": sys.version.split()[0], "sizes": rows}, indent=2) + "\n")


@contextmanager
def fresh(url: str) -> Iterator[Store]:
    """Yield a store on an empty database, and drop the database afterwards."""
    settings = load_settings(
        _env_file=None, mongo_url=url, mongo_db="tidemark_bench", secret_keys=Fernet.generate_key().decode(),
        retention_days=20_000, rollup_retention_days=20_000,
    )  # fmt: skip
    store = Store.connect(settings)
    store.client.drop_database(settings.mongo_db)
    store.ensure(settings)
    try:
        yield store
    finally:
        store.client.drop_database(settings.mongo_db)
        store.close()


def _print(row: dict[str, float], *, head: bool) -> None:
    """Print a row of the table, with the head above it if `head` is set."""
    widths = [max(len(name), 12) for name in row]
    if head:
        print("  ".join(name.rjust(width) for name, width in zip(row, widths, strict=True)))
    cells = (f"{value:,.0f}" if value >= 1000 else f"{value:,.2f}" for value in row.values())
    print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)), flush=True)


if __name__ == "__main__":
    main()
