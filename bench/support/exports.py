"""Measured export: `python -m bench.support.exports WHAT MONGO_URL DATABASE FOLDER` prints its cost as JSON."""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.support.memory import peak
from metrics.export import Format, encode, read
from metrics.settings import load_settings
from metrics.store import Store

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 10
WORKSPACE = "w"


def _cursor_loop(store: Store, _: Path) -> None:
    """Read the documents and discard them, as the reference."""
    for _document in store.db["metrics"].find({"metadata.workspaceId": WORKSPACE}):
        pass


def _http(form: Format) -> Callable[[Store, Path], None]:
    """Return a function that does the work of an export over HTTP, without the network."""

    def run(store: Store, folder: Path) -> None:
        documents = read(store, "metrics", WORKSPACE, FIRST, FIRST + timedelta(days=DAYS))
        with (folder / f"export.{form}").open("wb") as file:
            for piece in encode("metrics", form, documents):
                file.write(piece)

    return run


WHAT = {"cursor loop": _cursor_loop, "csv": _http("csv"), "ndjson": _http("ndjson"), "parquet": _http("parquet")}


def main(what: str, url: str, database: str, folder: str) -> None:
    """Run one export and print its seconds and peak memory."""
    store = Store.connect(load_settings(_env_file=None, mongo_url=url, mongo_db=database))
    began = time.perf_counter()
    WHAT[what](store, Path(folder))
    print(json.dumps({"seconds": time.perf_counter() - began, "megabytes": peak()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
