"""Benchmark of loads into warehouses: a day of 10^6 rows, first and again, and a day of 2,500 rows beside them.

    python bench/warehouse.py [rows]

The reference is the bare driver: it copies the same batches into an empty table, without keys, deletion and ledger.
Each warehouse is loaded by a process of its own. MB are 10^6 bytes of peak memory beyond that of the imports. The
seconds include making the rows, for which the time is given apart.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

# This file has the name of a package, so imports have to be resolved from the folder above.
sys.path[0] = str(Path(__file__).parents[1])

from tests.postgres import postgres


def measured(kind: str, place: str, rows: int) -> None:
    """Load in a separate process, and print a line for each way."""
    command = [sys.executable, "-m", "bench.support.warehouse_rows", kind, place, str(rows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=sys.path[0])
    figures = json.loads(done.stdout)
    print(f"{kind}: making the rows {figures['made']:.1f} s, peak memory {figures['megabytes']:.0f} MB")
    for what in ("bare", "first", "again"):
        print(f"  {what:10} {figures[what]:7.2f} s   {figures[what] / figures['bare']:5.2f} x bare")
    for what in ("day", "day again"):
        print(f"  {what:10} {figures[what]:7.2f} s")


def main(rows: int) -> None:
    """Measure each kind of warehouse."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        measured("duckdb", str(folder / "warehouse.duckdb"), rows)
        with postgres(folder / "data", "password") as server:
            measured("postgres", f"postgresql://dagster:{server.password}@127.0.0.1:{server.port}/dagster", rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
