"""Benchmark of exports of 10^6 observations: seconds, rows per second, peak memory, and a check of the sums.

    python bench/export.py [observations]

Each measurement runs in a separate process, so that its memory can be measured; `export_parquet` is a Dagster run as
under `tidemark up`. The reference is a bare loop over a PyMongo cursor with the same rows, in the same benchmark run.
MB are 10^6 bytes of peak memory. At the end, DuckDB's sums over the exported files are compared with MongoDB's.
"""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

# This file has the name of a package, so imports have to be resolved from the folder above.
sys.path[0] = str(Path(__file__).parents[1])

from bench.support.exports import DAYS, FIRST, WHAT, WORKSPACE
from bench.support.runs import run
from bench.support.servers import Bench, servers
from metrics.documents import AccountDocument, Observation
from metrics.store import Store
from pipelines.partitions import period_key
from pipelines.runs.tags import RANGE_END, RANGE_START

ACCOUNTS = 10
NAMES = ("likes", "comments", "shares", "saves", "views", "reach", "interactions")


def fill(store: Store, rows: int) -> None:
    """Write hourly observations of posts of ten accounts over ten days."""
    posts = rows // (DAYS * 24)
    accounts: list[AccountDocument] = [
        {
            "_id": f"acc{n}", "workspaceId": WORKSPACE, "platform": "instagram", "platformAccountId": str(n),
            "handle": f"h{n}", "state": "active", "connectedAt": FIRST,
        }
        for n in range(ACCOUNTS)
    ]  # fmt: skip
    store.accounts.put(accounts)
    for post in range(posts):
        store.observations.append(
            Observation(
                WORKSPACE, f"acc{post % ACCOUNTS}", "instagram", "post", FIRST + timedelta(hours=hour),
                FIRST + timedelta(hours=hour + 1, seconds=post % 600),
                {name: hour * 7 + post * place for place, name in enumerate(NAMES)}, "run", "v25.0",
                post_id=f"post_{post:024d}", platform_post_id=str(10**16 + post), content_type="image",
            )
            for hour in range(DAYS * 24)
        )  # fmt: skip


def measured(what: str, bench: Bench) -> tuple[float, float]:
    """Return the seconds and the megabytes of an export in a separate process."""
    url, database = str(bench.settings.mongo_url), bench.settings.mongo_db
    command = [sys.executable, "-m", "bench.support.exports", what, url, database, str(bench.folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=sys.path[0])
    figures = json.loads(done.stdout)
    return figures["seconds"], figures["megabytes"]


def asset(bench: Bench) -> tuple[float, float]:
    """Return the seconds and the megabytes of a run of `export_parquet` over all days."""
    tags = {RANGE_START: period_key(FIRST), RANGE_END: period_key(FIRST + timedelta(days=DAYS - 1))}
    environment = bench.environment | {"TIDEMARK_EXPORT_URL": f"file://{bench.folder}/folders"}
    ran = run(bench.folder, "export_daily", tags, environment)
    return ran.seconds, ran.megabytes[0]


def sums_agree(store: Store, folder: Path) -> bool:
    """Tell whether DuckDB's sums over the folders equal MongoDB's."""
    import duckdb

    glob = f"{folder}/folders/dataset=metrics/**/*.parquet"
    totals = ", ".join(f"sum({name})::BIGINT" for name in NAMES)
    relation = duckdb.sql(f"SELECT count(*), {totals} FROM read_parquet('{glob}', hive_partitioning = true)")
    assert relation is not None
    (found,) = relation.fetchall()
    group = {"_id": None, "n": {"$sum": 1}, **{name: {"$sum": f"$metrics.{name}"} for name in NAMES}}
    (row,) = store.db["metrics"].aggregate([{"$match": {"metadata.workspaceId": WORKSPACE}}, {"$group": group}])
    return found == (row["n"], *(row[name] for name in NAMES))


def main(rows: int) -> None:
    """Fill a database and measure."""
    with servers() as bench:
        fill(bench.store, rows)
        count = bench.store.db["metrics"].count_documents({})
        print(f"{count:,} observations\n{'':16}{'seconds':>9}{'rows/s':>10}{'MB':>6}{'x reference':>13}")
        reference = 0.0
        for what in (*WHAT, "export_parquet"):
            seconds, megabytes = asset(bench) if what == "export_parquet" else measured(what, bench)
            reference = reference or seconds
            print(f"{what:16}{seconds:9.1f}{count / seconds:10,.0f}{megabytes:6.0f}{seconds / reference:13.2f}")
        print("DuckDB returns the sums of MongoDB:", "yes" if sums_agree(bench.store, bench.folder) else "NO")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
