"""The modules that every run loads before it does anything, and their memory."""

import subprocess
import sys

HEAVY = ("apprise", "duckdb", "matplotlib", "numpy", "pandas", "pyarrow", "requests", "urllib3", "playwright")


def said_by(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_definitions_load_nothing_that_few_runs_need() -> None:
    code = f"import sys, pipelines.definitions; print(*sorted(sys.modules.keys() & {set(HEAVY)}))"
    assert said_by(code) == ""


def test_arrow_gives_back_what_it_no_longer_needs() -> None:
    for module in ("metrics.export.parquet", "metrics.warehouse.arrow"):
        code = f"import {module}, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
        assert said_by(code) == "system"
