"""Benchmark of a change of calendar: 20 accounts with 400 days of hours, killed twice while a reader reads on.

    python bench/calendars.py [--accounts 20] [--days 400] [--kills 2]

A process of its own derives every day, week and month in the new calendar; it is ended by SIGKILL at even parts of its
progress, and started again. A thread reads all days meanwhile, twenty times a second at most, and notes whether an
answer is of several calendars, and how many different sums there were. The reference is `rebuild` of the same days in
the calendar that they have. Afterwards all rollups are compared with the log, as `tidemark rebuild --check` does. The
benchmark starts a MongoDB of its own, prints a table, and writes JSON to bench/results/calendars.json.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

# Another benchmark is imported as `bench.backfill`, so imports have to be resolved from the folder above.
sys.path[0] = str(Path(__file__).parents[1])

from bench.backfill import START, fill
from bench.support.servers import Bench, servers
from metrics.calendars import Calendar
from metrics.collection.calendars import request_change
from metrics.settings import load_settings
from metrics.store import Store
from metrics.upkeep.retention import Horizon
from pipelines.rollup import compare_with_log, rebuild
from pipelines.rollup.recalendar import change_calendar

WORKSPACE = "w0"
NEW_YORK = Calendar("America/New_York", "sunday")
RESULTS = Path(__file__).parent / "results" / "calendars.json"


class Reader(threading.Thread):
    """Reads the days of the workspace again and again, and keeps what each answer says about its calendar."""

    def __init__(self, store: Store, end: datetime) -> None:
        super().__init__(daemon=True)
        self._store, self._end = store, end
        self._ended = threading.Event()
        self.reads = 0
        self.versions: set[frozenset[int]] = set()
        self.sums: set[int] = set()

    def run(self) -> None:
        """Read until `end`."""
        while not self._ended.wait(0.05):
            version = self._store.calendars.get(WORKSPACE).current.version
            days = self._store.rollups.aggregated(
                WORKSPACE, "daily", START - timedelta(days=2), self._end, version=version,
                fields=("aggregatedMetrics.followerGrowth", "calendarVersion"),
            )  # fmt: skip
            self.reads += 1
            self.versions.add(frozenset(day.get("calendarVersion", 0) for day in days))
            self.sums.add(sum(day["aggregatedMetrics"].get("followerGrowth", 0) for day in days))

    def end(self) -> None:
        """Stop reading."""
        self._ended.set()
        self.join()


def change(now: datetime) -> None:
    """Complete the change that was requested, and print the part that is done; this is what the child process does."""
    settings = load_settings(_env_file=None)
    store = Store.connect(settings)
    change_calendar(
        store, WORKSPACE, run_id="bench", horizon=Horizon.of(store, settings, now), now=now,
        progress=lambda done, total: print(done / total, flush=True),
    )  # fmt: skip
    store.close()


def killed_and_completed(bench: Bench, now: datetime, kills: int) -> list[float]:
    """Run the change in processes of its own, end the first ones by SIGKILL; return the seconds of each process."""
    seconds = []
    for number in range(kills + 1):
        limit = (number + 1) / (kills + 1)
        began = time.perf_counter()
        command = [sys.executable, __file__, "--change", now.isoformat()]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | bench.environment) as child:
            assert child.stdout is not None
            for line in child.stdout:
                print(f"\r  process {number + 1}: {float(line):.0%} derived", end="", flush=True)
                if number < kills and float(line) >= limit:
                    child.kill()
                    break
        assert child.returncode == (-9 if number < kills else 0)
        seconds.append(time.perf_counter() - began)
        print(f", {'killed' if number < kills else 'completed'} after {seconds[-1]:.0f} s")
    return seconds


def measure(bench: Bench, accounts: int, days: int, kills: int) -> dict[str, object]:
    """Fill the store, change the calendar, and compare with the log; return what the table shows."""
    store, now = bench.store, START + timedelta(days=days)
    observations = fill(store, 1, days, accounts)
    began = time.perf_counter()
    rebuild(store, START, now, run_id="bench", workspace_ids=[WORKSPACE], now=now)
    in_utc = time.perf_counter() - began
    print(f"{observations:,} observations; rolled up in UTC in {in_utc:.0f} s")
    assert request_change(store, WORKSPACE, NEW_YORK) is not None
    reader = Reader(store, now)
    reader.start()
    seconds = killed_and_completed(bench, now, kills)
    reader.end()
    checked = compare_with_log(store, START, now, run_id="check", workspace_ids=[WORKSPACE], now=now)
    return {
        "accounts": accounts, "days": days, "observations": observations, "rebuild_seconds": in_utc,
        "change_seconds": sum(seconds), "ratio_to_rebuild": sum(seconds) / in_utc, "killed": kills,
        "reads_meanwhile": reader.reads, "reads_of_several_calendars": sum(len(one) > 1 for one in reader.versions),
        "different_sums": len(reader.sums), "compared": checked.compared, "differ": len(checked.differences),
    }  # fmt: skip


def main() -> None:
    """Measure, print a table, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--change", type=datetime.fromisoformat, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.change:
        change(options.change)
        return
    with servers() as bench:
        found = measure(bench, options.accounts, options.days, options.kills)
    for name, value in found.items():
        print(f"{name:>28}  {value:,.2f}" if isinstance(value, float) else f"{name:>28}  {value:,}")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"python": sys.version.split()[0], **found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
