"""The order of the suite on several workers: long tests first, and tests that share a costly fixture on one worker.

The scheduler hands out one test at a time, or one group of tests. Without groups the tests of a module spread over the
workers, and each worker would start the servers, the browser or the whole stack of that module for itself. The mark
`xdist_group` cannot do this: pytest-xdist 3.8 writes the group into an attribute that pytest 9.2 no longer reads.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]

FIRST = (
    "tests/test_end_to_end.py",
    "tests/serving/dashboard/",
    "tests/test_services.py",
    "tests/serving/test_schemathesis.py",
    "tests/pipelines/scale/test_workers.py",
    "tests/pipelines/platforms/fuzz/",
    "tests/pipelines/rollup/test_year.py",
    "tests/pipelines/rollup/test_laws.py",
    "tests/serving/test_leaks.py",
    "tests/tidemark/erasure/",
    "tests/serving/test_failover.py",
    "tests/pipelines/test_scheduler.py",
    "tests/pipelines/test_queue.py",
    "tests/pipelines/collect/test_chaos.py",
)
"""Tests or groups that take longest, by the beginnings of their paths. One that began last would end alone."""


def arrange(items: list[pytest.Item]) -> None:
    """Put the longest tests first, and leave the others in their order."""
    items.sort(key=lambda item: _rank(item.nodeid))


def scheduler(config: pytest.Config, log: Any) -> "LoadScopeScheduling":
    """Return a scheduler of pytest-xdist that keeps the order and the groups."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return Groups(config, log)


def group_of(nodeid: str) -> str:
    """Return the module or folder whose fixtures a test shares with others, or the test itself if it shares none."""
    module = nodeid.split("::", 1)[0]
    # A folder holds its modules, so that it comes first.
    for folder in reversed(Path(module).parents):
        if _has(ROOT / folder / "conftest.py", "package"):
            return str(folder)
    return module if _has(ROOT / module, "module") else nodeid


@cache
def _has(path: Path, scope: str) -> bool:
    """Tell whether a file defines fixtures of a scope."""
    return path.is_file() and f'scope="{scope}"' in path.read_text()


def _rank(nodeid: str) -> int:
    return next((number for number, path in enumerate(FIRST) if nodeid.startswith(path)), len(FIRST))
