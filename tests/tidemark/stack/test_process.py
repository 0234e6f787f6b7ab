"""Tests of child processes: readiness, early exit, and stopping with all their descendants."""

import sys
from pathlib import Path

import psutil
import pytest

from tidemark.stack.process import Child, StartFailed


def child(tmp_path: Path, code: str) -> Child:
    return Child.start("child", [sys.executable, "-c", code], log=tmp_path / "child.log")


def test_child_that_ends_at_once_shows_its_last_words(tmp_path: Path) -> None:
    started = child(tmp_path, "print('out of luck'); raise SystemExit(3)")
    with pytest.raises(StartFailed, match=r"ended with code 3(.|\n)*out of luck"):
        started.wait_until(lambda: False, 20)


def test_child_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    started = child(tmp_path, "import signal; signal.pause()")
    with pytest.raises(StartFailed, match="was not ready"):
        started.wait_until(lambda: False, 0.2)
    started.stop()
    assert not started.alive


def test_stopping_takes_grandchildren_along(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, signal\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        "print(p.pid, flush=True)\n"
        "signal.pause()\n"
    )
    started = child(tmp_path, code)
    started.wait_until(lambda: bool(started.log.read_text().strip()), 20)
    grandchild = psutil.Process(int(started.log.read_text().split()[0]))
    started.stop()
    grandchild.wait(60)
    assert not grandchild.is_running()


def test_program_for_another_processor_is_named(tmp_path: Path) -> None:
    foreign = tmp_path / "server"
    # The header of a program for macOS. A Mac without Rosetta refuses a program for Intel in the same way.
    foreign.write_bytes(b"\xcf\xfa\xed\xfe\x07\x00\x00\x01" + bytes(64))
    foreign.chmod(0o755)
    with pytest.raises(StartFailed, match=rf"^server: {foreign} cannot be run: "):
        Child.start("server", [str(foreign)], log=tmp_path / "server.log")
