"""Ids are found where they stand, and nothing else is touched."""

from pathlib import Path

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
