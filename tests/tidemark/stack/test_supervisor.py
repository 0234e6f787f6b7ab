"""Tests of the supervisor: it restarts a dead child, gives up if one keeps dying, and ends leftover processes."""

import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from metrics.errors import TidemarkError
from tidemark.home import Home
from tidemark.stack import supervisor as supervisor_module
from tidemark.stack.process import Child
from tidemark.stack.supervisor import Service, Supervisor, end_leftovers


def service(tmp_path: Path, code: str) -> Service:
    return Service("child", lambda: Child.start("child", [sys.executable, "-c", code], log=tmp_path / "child.log"))


def run_until(supervisor: Supervisor, condition: Callable[[], bool]) -> None:
    """Watch until a condition holds. Another thread checks it, because this one started the children and must watch."""

    def look() -> None:
        while not condition() and not supervisor.stopping.wait(0.05):
            pass
        supervisor.stopping.set()

    threading.Thread(target=look).start()
    supervisor.watch()


def test_killed_child_is_named_and_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    supervisor = Supervisor(Home(tmp_path), said.append)
    one = supervisor.start(service(tmp_path, "import signal; signal.pause()"))
    first = one.child
    assert first is not None
    first.process.send_signal(signal.SIGKILL)
    run_until(supervisor, lambda: one.child is not None and one.child is not first and one.child.alive)
    assert said == ["child died (code -9): starting it again"]
    supervisor.stop()
    assert not (tmp_path / "pids.json").exists()


def test_what_a_dead_child_took_with_it_is_seen_to_once_its_successor_was_started(tmp_path: Path) -> None:
    supervisor = Supervisor(Home(tmp_path), lambda _: None)
    one = supervisor.start(service(tmp_path, "import signal; signal.pause()"))
    first, seen = one.child, list[Child | None]()
    assert first is not None
    one.after_restart = lambda: seen.append(one.child)
    first.process.send_signal(signal.SIGKILL)
    run_until(supervisor, lambda: bool(seen))
    assert seen == [one.child]
    assert one.child is not first
    supervisor.stop()


def test_child_that_keeps_dying_ends_it_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "WATCH_SECONDS", 0.02)
    monkeypatch.setattr(supervisor_module, "FIRST_WAIT_SECONDS", 0.01)
    supervisor = Supervisor(Home(tmp_path), lambda _: None)
    supervisor.start(service(tmp_path, "raise SystemExit('no luck')"))
    with pytest.raises(TidemarkError, match=r"died 5 times(.|\n)*no luck"):
        supervisor.watch()
    supervisor.stop()


def test_leftovers_of_a_killed_stack_are_ended(tmp_path: Path) -> None:
    home = Home(tmp_path)
    supervisor = Supervisor(home, lambda _: None)
    one = supervisor.start(service(tmp_path, "import signal; signal.pause()"))
    assert one.child is not None
    assert end_leftovers(home) == 1
    one.child.process.wait(60)


def test_what_a_killed_child_had_started_is_ended_too(tmp_path: Path) -> None:
    home = Home(tmp_path)
    supervisor = Supervisor(home, lambda _: None)
    sleep = "import signal; signal.pause()"
    started = supervisor.start(
        service(
            tmp_path,
            f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', '{sleep}']); "
            f"print(p.pid, flush=True); {sleep}",
        )
    )
    child = started.child
    assert child is not None
    child.wait_until(lambda: child.log.read_text().strip().isdecimal(), 20)
    grandchild = psutil.Process(int(child.log.read_text()))
    child.process.kill()
    child.process.wait()
    assert end_leftovers(home) == 1
    grandchild.wait(60)


def test_another_process_under_an_old_pid_is_left_alone(tmp_path: Path) -> None:
    home, own = Home(tmp_path), psutil.Process()
    home.write("pids.json", [[own.pid, own.create_time() - 100]])
    assert end_leftovers(home) == 0
