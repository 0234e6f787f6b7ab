"""The order of the suite on several workers: long tests first, and tests that share a costly fixture on one worker.

`--dist loadgroup` hands out one test at a time, or one group of tests. Without groups the tests of a module spread over
the workers, and each worker would start the servers, the browser or the whole stack of that module for itself.
"""

from collections.abc import Sequence
from typing import Any

import pytest

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

_SHARED = ("class", "module", "package")


def arrange(items: list[pytest.Item]) -> None:
    """Put the longest tests first, and mark those that have to run on one worker as a group."""
    items.sort(key=lambda item: _rank(item.nodeid))
    for item in items:
        group = group_of(item)
        if group is not None:
            item.add_marker(pytest.mark.xdist_group(group))


def group_of(item: pytest.Item) -> str | None:
    """Return the module or folder whose fixtures a test shares with others, or None if it shares none."""
    info: Any = getattr(item, "_fixtureinfo", None)
    found: Sequence[Sequence[Any]] = list(info.name2fixturedefs.values()) if info else []
    places = {one[-1].baseid for one in found if one[-1].scope in _SHARED}
    # A folder holds the modules below it: its name is the shortest.
    return min(places, key=len) if places else None


def _rank(nodeid: str) -> int:
    return next((number for number, path in enumerate(FIRST) if nodeid.startswith(path)), len(FIRST))
