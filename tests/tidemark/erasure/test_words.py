"""Tests that erasure finds ids in texts and files, and changes nothing else."""

import errno
from pathlib import Path
from typing import Any

import pytest

from metrics.errors import TidemarkError
from metrics.ids import account_id
from tidemark.erasure.files import erase_in_files
from tidemark.erasure.words import Words

OURS = account_id("w", "twitter", "1")


def test_ids_of_ours_go_wherever_they_stand() -> None:
    assert Words([OURS]).cleaned(rf"\n{OURS}|2026") == rf"\n{'x' * len(OURS)}|2026"


def test_short_ids_of_others_go_as_words_alone() -> None:
    assert Words(["a1"]).cleaned('account a1 of "a1", a10, 9a1, run-a1') == 'account xx of "xx", a10, 9a1, run-a1'


def test_logs_are_overwritten_in_place(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    log, database = tmp_path / "runs" / "one.log", tmp_path / "runs.db"
    log.write_text(f"GET /analytics/post/post_1/metrics\nGET /{OURS}\n")
    database.write_text(OURS)
    (tmp_path / "empty.log").touch()
    with log.open("a") as writer:
        assert erase_in_files(tmp_path, Words([OURS], ["post_1"])) == 1
        writer.write("goes on\n")
    assert log.read_text() == f"GET /analytics/post/xxxxxx/metrics\nGET /{'x' * len(OURS)}\ngoes on\n"
    assert database.read_text() == OURS


def test_file_that_cannot_be_written_is_no_matter_unless_it_holds_an_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, log = tmp_path / "dagster.yaml", tmp_path / "run.log"
    settings.write_text("storage: {}\n")
    opened = Path.open

    def read_only(path: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
        # Tests may run as root, and root may write any file whatever its mode.
        if mode != "rb":
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, mode, *rest, **named)

    log.write_text("nothing\n")
    monkeypatch.setattr(Path, "open", read_only)
    assert erase_in_files(tmp_path, Words([OURS])) == 0
    monkeypatch.undo()
    log.write_text(OURS)
    monkeypatch.setattr(Path, "open", read_only)
    with pytest.raises(TidemarkError, match=r"run\.log .* cannot be written \(Permission denied\).*erase --resume"):
        erase_in_files(tmp_path, Words([OURS]))
