"""Tests of one-off tasks of the start: they may take any time while they make progress; a hanging task is given up."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.waiting import until
from tidemark.stack.process import Child, StartFailed
from tidemark.stack.tasks import finish

# These programs are children that the tests watch: their sleeps are work that takes time, and no test waits by one.
SILENT = "import time; time.sleep(1.2)"
TALKS = "import time\nfor n in range(17):\n    print(n, flush=True)\n    time.sleep(0.2)"
HANGS = "import signal; print('where it hangs', flush=True); signal.pause()"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Child]]:
    started: list[Child] = []

    def begin(code: str) -> Child:
        child = Child.start("task", [sys.executable, "-c", code], log=tmp_path / "task.log")
        started.append(child)
        # On a busy machine, starting Python takes seconds, which must not count in these tests.
        until(lambda: "print" not in code or child.log.stat().st_size > 0, 60)
        return child

    yield begin
    assert not any(child.alive for child in started), "whatever becomes of the wait, no task is left"


def test_task_that_goes_on_may_take_longer_than_a_stall(start: Callable[[str], Child]) -> None:
    began = time.monotonic()
    finish(start(TALKS), "counting", time.sleep, stall_seconds=2)
    assert time.monotonic() - began > 3


def test_progress_that_only_the_stores_show_counts(start: Callable[[str], Child]) -> None:
    numbers = iter(range(1000))
    finish(start(SILENT), "rolling", time.sleep, lambda: next(numbers), stall_seconds=0.5)


def test_task_that_hangs_is_given_up_with_its_last_words(start: Callable[[str], Child]) -> None:
    with pytest.raises(StartFailed, match=r"counting: no progress for 1 s: where it hangs \(see "):
        finish(start(HANGS), "counting", time.sleep, stall_seconds=1)


def test_task_that_fails_says_why(start: Callable[[str], Child]) -> None:
    with pytest.raises(StartFailed, match="counting: task failed: out of luck"):
        finish(start("raise SystemExit('out of luck')"), "counting", time.sleep)


def test_breaking_off_ends_the_task(start: Callable[[str], Child]) -> None:
    def pause(_seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finish(start(HANGS), "counting", pause)
