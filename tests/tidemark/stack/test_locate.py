"""Tests of locating server programs, and of the messages if there are none."""

import os
import platform
from collections.abc import Callable
from pathlib import Path

import pytest

from metrics.errors import SettingsError
from tidemark.stack import locate


def program(folder: Path, name: str, says: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of one folder, and no wheels."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    monkeypatch.setattr(locate, "_wheel_roots", list)
    return tmp_path


@pytest.mark.parametrize(
    ("system", "machine", "word"),
    [("Linux", "x86_64", "run `make install`"), ("Linux", "aarch64", "no package contains it for Linux on aarch64")],
)
def test_system_without_servers_gets_one_line(
    system: str, machine: str, word: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    find: Callable[[], object]
    for find, variable in (
        (lambda: locate.mongod(path), "TIDEMARK_MONGO_URL"),
        (locate.redis_server, "TIDEMARK_REDIS_URL"),
    ):
        with pytest.raises(SettingsError) as refused:
            find()
        assert word in str(refused.value)
        assert variable in str(refused.value)
        assert "\n" not in str(refused.value)


def test_installed_servers_go_first_if_new_enough(path: Path) -> None:
    program(path, "mongod", "db version v7.0.5")
    program(path, "valkey-server", "Valkey server v=8.0.1 sha=00000000")
    assert locate.mongod(path).origin == "PATH"
    assert locate.redis_server().program.name == "valkey-server"


def test_old_installed_servers_are_passed_over(path: Path) -> None:
    program(path, "mongod", "db version v4.4.0")
    program(path, "redis-server", "Redis server v=6.0.16 sha=00000000")
    with pytest.raises(SettingsError):
        locate.mongod(path)
    with pytest.raises(SettingsError):
        locate.redis_server()
