"""The order of the suite names files that exist, and keeps tests with a shared fixture on one worker."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.order import FIRST, arrange, group_of

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("path", FIRST)
def test_first_files_are_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_longest_tests_come_first_and_the_others_keep_their_order() -> None:
    names = ["tests/b.py::test", "tests/a.py::test", f"{FIRST[1]}::test", f"{FIRST[0]}::test"]
    items: list[Any] = [SimpleNamespace(nodeid=name) for name in names]
    arrange(cast("list[pytest.Item]", items))
    assert [item.nodeid for item in items] == [names[3], names[2], names[0], names[1]]


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/test_end_to_end.py::test_a", "tests/test_end_to_end.py"),
        ("tests/serving/dashboard/test_tabs.py::test_a[::x]", "tests/serving/dashboard"),
        ("tests/metrics/test_ids.py::test_a", "tests/metrics/test_ids.py::test_a"),
    ],
)
def test_tests_that_share_a_fixture_are_a_group(nodeid: str, group: str) -> None:
    assert group_of(nodeid) == group


def test_group_runs_on_one_worker() -> None:
    path = "tests/metrics/store/test_failover.py"
    command = [sys.executable, "-m", "pytest", "-n", "2", "-v", "-p", "no:cacheprovider", path, "-k", "bulk_write"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    workers = [line.split("]")[0] for line in ran.stdout.splitlines() if line.startswith("[gw") and path in line]
    assert len(workers) > 10
    assert len(set(workers)) == 1
