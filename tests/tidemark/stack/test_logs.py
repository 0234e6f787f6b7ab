"""Tests of log rotation: logs of child processes are bounded, whatever the children write."""

import sys
from pathlib import Path

import pytest

from tests.waiting import until
from tidemark.stack import logs
from tidemark.stack.logs import OLD_FILES, kept_small, last_line, rotate
from tidemark.stack.process import Child


def test_full_log_moves_aside_and_its_child_goes_on_writing(tmp_path: Path) -> None:
    go = tmp_path / "go"
    # The child polls for a file at its own pace; the test itself waits for conditions.
    code = (
        f"import pathlib, time\nprint('before', flush=True)\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.02)\n"
        "print('after', flush=True)\n"
    )
    started = Child.start("child", [sys.executable, "-c", code], log=tmp_path / "child.log")
    until(lambda: started.log.read_text() == "before\n", 20)
    assert rotate(started.log, 5)
    go.touch()
    started.process.wait(20)
    assert (tmp_path / "child.log.1").read_text() == "before\n"
    assert started.log.read_text() == "after\n"
    assert not rotate(started.log, 100)


def test_oldest_files_go(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    for number in range(OLD_FILES + 4):
        log.write_text(f"{number}\n")
        assert rotate(log, 1)
    assert [(tmp_path / f"child.log.{n}").read_text() for n in range(1, OLD_FILES + 1)] == ["6\n", "5\n", "4\n"]
    assert len(list(tmp_path.iterdir())) == OLD_FILES + 1


def test_child_that_writes_without_end_fills_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, most = tmp_path / "logs", 4_000
    monkeypatch.setattr(logs, "_LOOK_SECONDS", 0.05)
    # The sleep is the pace at which the child writes; the test itself waits for a file.
    code = "import time\nwhile True:\n    print('x' * 99, flush=True)\n    time.sleep(0.001)\n"
    started = Child.start("child", [sys.executable, "-c", code], log=folder / "child.log")
    try:
        with kept_small(folder, most):
            until((folder / f"child.log.{OLD_FILES}").exists, 60)
        assert len(list(folder.iterdir())) == OLD_FILES + 1
        assert all(path.read_text().strip("x\n") == "" for path in folder.iterdir()), "no byte of another kind"
    finally:
        started.stop()


def test_last_words_are_read_without_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "child.log"
    log.write_text("first\n" + "x" * 3_000_000 + "\nout of luck\n\n")
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: pytest.fail("the whole file was read"))
    started = Child.start("child", [sys.executable, "-c", ""], log=log)
    started.process.wait(20)
    assert started.last_words() == f"out of luck (see {log})"


def test_log_that_is_empty_or_gone_has_no_last_line(tmp_path: Path) -> None:
    assert last_line(tmp_path / "none.log") == ""
    (tmp_path / "empty.log").touch()
    assert last_line(tmp_path / "empty.log") == ""
