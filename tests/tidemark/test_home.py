"""Tests of the folder of a stack: only one stack may use it, and its secrets are private."""

from pathlib import Path

import pytest

from metrics.errors import TidemarkError
from tidemark.home import Home


def test_second_stack_in_a_folder_is_told_in_one_line(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.lock(), pytest.raises(TidemarkError, match="TIDEMARK_HOME"), Home(tmp_path).lock():
        pass
    with home.lock():
        pass


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    key = home.secret_key()
    assert home.secret_key() == key
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    home.write("up.json", {"key": "k"})
    assert home.up_file.stat().st_mode & 0o777 == 0o600


def test_broken_file_counts_as_missing(tmp_path: Path) -> None:
    (tmp_path / "up.json").write_text("{")
    assert Home(tmp_path).read("up.json") is None
