"""Tests of locating server programs, and of the messages if there are none."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from metrics.errors import SettingsError
from tidemark.stack import locate, wheels


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
    ("tags", "word"),
    [(["manylinux_2_28_x86_64"], "run `make install`"), (["musllinux_1_2_x86_64"], "no wheel contains it for ")],
)
def test_system_without_servers_gets_one_line(
    tags: list[str], word: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "platform_tags", lambda: iter(tags))
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


@pytest.mark.parametrize("platform", wheels.PLATFORMS, ids=lambda platform: platform.name)
def test_wheel_of_this_platform_is_used(
    platform: wheels.Platform, path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path_factory.mktemp("servers")
    for one in wheels.PLATFORMS:
        (root / one.valkey_server).parent.mkdir(parents=True)
        program(root / one.valkey_server.parent, "valkey-server", f"Valkey server v=9.1.2 sha=00000000 ({one.name})")
    monkeypatch.setattr(locate, "_wheel_roots", lambda: [root])
    monkeypatch.setattr(wheels, "platform_tags", lambda: iter([platform.tag]))
    found = locate.redis_server()
    assert (found.program, found.origin, str(found)) == (root / platform.valkey_server, "wheel", "Valkey 9.1.2")


def test_installed_servers_go_first_if_new_enough(path: Path) -> None:
    program(path, "mongod", "db version v7.0.5")
    program(path, "valkey-server", "Valkey server v=8.0.1 sha=00000000")
    assert locate.mongod(path).origin == "PATH"
    assert locate.redis_server().program.name == "valkey-server"
    assert str(locate.redis_server()) == "Valkey 8.0.1"


@pytest.mark.parametrize(
    ("says", "name"),
    [
        ("Redis server v=7.4.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "Redis 7.4.1"),
        # Valkey installs links with the names of Redis.
        ("Valkey server v=9.1.2 sha=00000000:1 malloc=libc bits=64", "Valkey 9.1.2"),
    ],
)
def test_server_is_named_by_what_it_says(says: str, name: str, path: Path) -> None:
    program(path, "redis-server", says)
    assert str(locate.redis_server()) == name


def test_old_installed_servers_are_passed_over(path: Path) -> None:
    program(path, "mongod", "db version v4.4.0")
    program(path, "redis-server", "Redis server v=6.0.16 sha=00000000")
    with pytest.raises(SettingsError):
        locate.mongod(path)
    with pytest.raises(SettingsError):
        locate.redis_server()
