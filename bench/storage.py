"""Benchmark of the storage per account: in MongoDB per day, in Redis, in Dagster's event log.

    python bench/storage.py [--workspaces 10]

It starts a MongoDB, a Redis and a simulator of its own, collects every hour of a day, rolls the day up, and executes
one hour as a Dagster run, in one step and in shards. It prints one line per figure, and writes the same as JSON to
bench/results/storage.json. Bytes do not depend on other load of the machine.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

# Another benchmark is imported as `bench.collect`, so imports have to be resolved from the folder above.
sys.path[0] = str(Path(__file__).parents[1])

import dagster as dg
from dagster._serdes import serialize_value

from bench.collect import SLOT, Bench, servers
from metrics.periods import HOUR, midnight
from metrics.redis.events import Announcer
from pipelines.assets.outside import OUTSIDE
from pipelines.assets.raw import raw_asset
from pipelines.assets.sharded import sharded_asset
from pipelines.partitions import slot_key
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED
from pipelines.resources import Clients, Tidemark
from pipelines.rollup import roll

RESULTS = Path(__file__).parent / "results" / "storage.json"
SHARDS = 8


def collect_a_day(bench: Bench, workspaces: int) -> Iterator[tuple[str, float]]:
    """Collect 24 hours, roll them up, and yield the figures per account."""
    bench.connect(workspaces)
    rows = 0
    for back in range(23, -1, -1):
        reports = bench.collect_all(SLOT - back * HOUR)
        rows += sum(report.rows for report in reports)
    roll(bench.store, "daily", [midnight(SLOT.date())], run_id="bench", now=SLOT + HOUR)
    accounts = workspaces * len(PLATFORMS_IMPLEMENTED)
    yield "observations per account and day", rows / accounts
    yield "observations per account in the last hour of a day", sum(report.rows for report in reports) / accounts
    bench.store.db.client.admin.command("fsync")
    for name in ("metrics", "collections", "subject_rollups", "aggregated_metrics", "posts"):
        found = bench.store.db.command("collStats", name)
        count = rows if name == "metrics" else found["count"]
        on_disk = found["storageSize"] + found["totalIndexSize"]
        yield f"{name}: documents per account", count / accounts
        yield f"{name}: bytes per document, uncompressed", found["size"] / count
        yield f"{name}: bytes per document, on disk with indexes", on_disk / count
    events = sum(bench.redis.xlen(key) for key in bench.redis.scan_iter("tm:*:events"))
    memory = sum(bench.redis.memory_usage(key) or 0 for key in bench.redis.scan_iter("tm:*:events"))
    yield "Redis: bytes per event kept", memory / events


def event_log(bench: Bench) -> Iterator[tuple[str, float]]:
    """Yield the number and bytes of the events that a run of one platform's hour leaves."""
    settings = bench.settings.model_copy(update={"collect_shards": SHARDS})
    clients = Clients(settings, bench.store, bench.redis, Announcer(bench.redis))

    class Fixed(Tidemark):
        def clients(self) -> Clients:
            return clients

    for label, asset in (("one step", raw_asset), (f"{SHARDS} shards", sharded_asset)):
        with dg.DagsterInstance.ephemeral() as instance:
            key = slot_key(SLOT - timedelta(days=30))
            collected = asset("instagram")
            run = dg.materialize(
                [*OUTSIDE, collected],
                selection=[collected],
                instance=instance,
                partition_key=key,
                resources={"tidemark": Fixed()},
                run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
            )
            entries = instance.all_logs(run.run_id)
        yield f"event log: events per run, {label}", len(entries)
        yield f"event log: bytes per run, {label}", sum(len(serialize_value(entry)) for entry in entries)


def main() -> None:
    """Measure, print one line per figure, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspaces", type=int, default=10, help="four accounts each")
    options = parser.parse_args()
    with servers() as bench:
        found = {**dict(collect_a_day(bench, options.workspaces)), **dict(event_log(bench))}
    for name, value in found.items():
        print(f"{name}: {value:,.1f}")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
