"""Exports of 10^6 observations: seconds, rows a second, memory of the process, and DuckDB's sums against MongoDB's.

Each measurement is a process of its own, so that its memory is its own. The reference is a bare loop over a PyMongo
cursor with the same rows, in the same run. `python bench/export.py [observations]`
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from metrics.documents import AccountDocument, Observation
from metrics.export import Format, encode, read
from metrics.export.folders import Folders, write_day
from metrics.settings import load_settings
from metrics.store import Store
from tidemark.stack import mongo
from tidemark.stack.ports import free_port

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 10
ACCOUNTS = 10
NAMES = ("likes", "comments", "shares", "saves", "views", "reach", "interactions")


def fill(store: Store, rows: int) -> None:
    """Write posts of ten accounts, hour by hour over ten days."""
    posts = rows // (DAYS * 24)
    accounts: list[AccountDocument] = [
        {
            "_id": f"acc{n}", "workspaceId": "w", "platform": "instagram", "platformAccountId": str(n),
            "handle": f"h{n}", "state": "active", "connectedAt": FIRST,
        }
        for n in range(ACCOUNTS)
    ]  # fmt: skip
    store.accounts.put(accounts)
    for post in range(posts):
        store.observations.append(
            Observation(
                "w", f"acc{post % ACCOUNTS}", "instagram", "post", FIRST + timedelta(hours=hour),
                FIRST + timedelta(hours=hour + 1, seconds=post % 600),
                {name: hour * 7 + post * place for place, name in enumerate(NAMES)}, "run", "v25.0",
                post_id=f"post_{post:024d}", platform_post_id=str(10**16 + post), content_type="image",
            )
            for hour in range(DAYS * 24)
        )  # fmt: skip


def cursor_loop(store: Store, _: Path) -> int:
    """Reference: read the documents and do nothing."""
    return sum(1 for _ in store.db["metrics"].find({"metadata.workspaceId": "w"}))


def http(form: Format) -> Callable[[Store, Path], int]:
    """What an export over HTTP does, but for the network."""

    def run(store: Store, folder: Path) -> int:
        documents = read(store, "metrics", "w", FIRST, FIRST + timedelta(days=DAYS))
        with (folder / f"export.{form}").open("wb") as file:
            for piece in encode("metrics", form, documents):
                file.write(piece)
        return 0

    return run


def asset(store: Store, folder: Path) -> int:
    """What `export_parquet` does with a range of days; Dagster is loaded, as it is in a run."""
    import pipelines.definitions  # noqa: F401

    folders = Folders.open(load_settings(_env_file=None, export_url=f"file://{folder}/folders"))
    assert folders is not None
    began = time.perf_counter()
    days = [write_day(folders, store, FIRST + timedelta(days=n), run_id="bench") for n in range(DAYS)]
    print(json.dumps({"seconds": time.perf_counter() - began}))
    return sum(day.rows("metrics") for day in days)


WHAT = {"cursor loop": cursor_loop, "csv": http("csv"), "ndjson": http("ndjson"), "parquet": http("parquet"),
        "export_parquet": asset}  # fmt: skip


def child(what: str, url: str, folder: str) -> None:
    """Measure one thing and print what came of it."""
    store = Store.connect(load_settings(_env_file=None, mongo_url=url, mongo_db="bench"))
    began = time.perf_counter()
    rows = WHAT[what](store, Path(folder))
    seconds, rss = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "rss": rss, "rows": rows}))


@contextmanager
def measured(what: str, url: str, folder: Path) -> Iterator[dict[str, float]]:
    """Yield what a process of its own said."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", what, url, str(folder)], check=True, capture_output=True, text=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    # The asset says how long it took without loading Dagster.
    yield {**lines[-1], "seconds": lines[0]["seconds"]}


def sums_agree(store: Store, folder: Path) -> bool:
    """Compare DuckDB's sums over the folders with MongoDB's."""
    import duckdb

    glob = f"{folder}/folders/dataset=metrics/**/*.parquet"
    totals = ", ".join(f"sum({name})::BIGINT" for name in NAMES)
    (found,) = duckdb.sql(f"SELECT count(*), {totals} FROM read_parquet('{glob}', hive_partitioning = true)").fetchall()
    group = {"_id": None, "n": {"$sum": 1}, **{name: {"$sum": f"$metrics.{name}"} for name in NAMES}}
    (row,) = store.db["metrics"].aggregate([{"$match": {"metadata.workspaceId": "w"}}, {"$group": group}])
    return found == (row["n"], *(row[name] for name in NAMES))


def main(rows: int) -> None:
    """Fill a database and measure."""
    with tempfile.TemporaryDirectory() as home:
        folder, port = Path(home), free_port()
        server = mongo.start(folder / "data", port, folder / "logs")
        try:
            settings = load_settings(_env_file=None, mongo_url=mongo.url(port), mongo_db="bench", retention_days=20_000)
            store = Store.connect(settings)
            store.ensure(settings)
            fill(store, rows)
            count = store.db["metrics"].count_documents({})
            print(f"{count:,} observations\n{'':16}{'seconds':>9}{'rows/s':>10}{'RSS MB':>9}{'x reference':>13}")
            reference = 0.0
            for what in WHAT:
                with measured(what, mongo.url(port), folder) as found:
                    reference = reference or found["seconds"]
                    print(
                        f"{what:16}{found['seconds']:9.1f}{count / found['seconds']:10,.0f}{found['rss']:9.0f}"
                        f"{found['seconds'] / reference:13.2f}"
                    )
            print("DuckDB returns the sums of MongoDB:", "yes" if sums_agree(store, folder) else "NO")
            store.close()
        finally:
            server.stop()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:5])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
