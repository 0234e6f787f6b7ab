"""Which server can read the data that another one left; the older servers are those of `make redis-versions`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from tests import redis_versions
from tests.stack import Stack
from tidemark.stack import redis
from tidemark.stack.locate import Server
from tidemark.stack.ports import free_port
from tidemark.stack.process import StartFailed
from tidemark.stack.redis_data import unfit


def path_with(name: str, tmp_path: Path) -> str:
    """Return a PATH with this server; skip the test if it is not installed."""
    folder = tmp_path / name.replace(" ", "-")
    folder.mkdir(exist_ok=True)
    path = redis_versions.path_with(name, folder)
    if path is None:
        pytest.skip(f"{name} is not installed: run `make redis-versions`, on Linux on x86-64")
    return path


@pytest.mark.parametrize(
    ("base", "readers"),
    [
        (b"REDIS0009\xfa", {"Redis 7.0.15", "Redis 7.4.1", "Redis 8.0.0", "Valkey 8.0.1", "Valkey 9.1.2"}),
        (b"REDIS0011\xfa", {"Redis 7.0.15", "Redis 7.4.1", "Redis 8.0.0", "Valkey 8.0.1", "Valkey 9.1.2"}),
        (b"REDIS0012\xfa", {"Redis 7.4.1", "Redis 8.0.0"}),
        (b"VALKEY080\xfa", {"Valkey 9.1.2"}),
        # A file of commands, without a header: it was never rewritten.
        (b"*2\r\n$6\r\nSELECT\r\n", {"Redis 7.0.15", "Redis 7.4.1", "Redis 8.0.0", "Valkey 8.0.1", "Valkey 9.1.2"}),
    ],
)
def test_format_of_the_base_tells_who_can_read_it(base: bytes, readers: set[str], tmp_path: Path) -> None:
    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    lines = ["file appendonly.aof.2.base.rdb seq 2 type b", "file appendonly.aof.4.incr.aof seq 4 type i"]
    (folder / "appendonly.aof.manifest").write_text("\n".join(lines))
    (folder / "appendonly.aof.2.base.rdb").write_bytes(base)
    found = set()
    for name in ("Redis 6.2.14", "Redis 7.0.15", "Redis 7.4.1", "Redis 8.0.0", "Valkey 8.0.1", "Valkey 9.1.2"):
        product, version = name.split()
        server = Server(Path("redis-server"), "PATH", product, tuple(map(int, version.split("."))))
        if unfit(server, tmp_path) is None:
            found.add(name)
    assert found == readers


def test_folder_without_data_can_be_used_by_all(tmp_path: Path) -> None:
    assert unfit(Server(Path("redis-server"), "PATH", "Redis", (6, 2, 14)), tmp_path) is None
    (tmp_path / "appendonly.aof").touch()
    assert unfit(Server(Path("redis-server"), "PATH", "Valkey", (9, 1, 2)), tmp_path) is None


@pytest.mark.parametrize(
    ("writer", "reader"),
    [
        ("Redis 6.2", "Redis 7.4"),
        ("Redis 6.2", "Valkey 9.1"),
        ("Redis 7.4", "Redis 6.2"),
        ("Redis 7.4", "Valkey 9.1"),
        ("Valkey 9.1", "Redis 6.2"),
        ("Valkey 9.1", "Redis 7.4"),
    ],
)
def test_server_reads_the_data_of_another_or_says_why_not(
    writer: str, reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, paths = tmp_path / "data", {name: path_with(name, tmp_path) for name in (writer, reader)}
    monkeypatch.setenv("PATH", paths[writer])
    port = free_port()
    written = redis.start(data, port, tmp_path / "logs")
    with Redis.from_url(redis.url(port)) as client:
        client.xadd("events", {"n": 1})
    written.stop()

    monkeypatch.setenv("PATH", paths[reader])
    if writer != "Redis 6.2":
        needed = "Valkey 9 or later" if writer == "Valkey 9.1" else "Redis 7.4 or later"
        with pytest.raises(StartFailed, match=f"^{reader}.* cannot read .*, which needs {needed}: put "):
            redis.start(data, port, tmp_path / "logs")
        return
    read = redis.start(data, port, tmp_path / "logs")
    with Redis.from_url(redis.url(port)) as client:
        assert client.xlen("events") == 1
    read.stop()


@pytest.mark.end_to_end
@pytest.mark.timeout(400)
def test_stack_starts_on_what_redis_6_2_wrote(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    older, newer = (path_with(name, tmp_path) for name in ("Redis 6.2", "Valkey 9.1"))
    before = Stack(home, "--no-dagster", "--no-seed", PATH=older)
    before.start()
    with Redis.from_url(before.up["redis"]) as client:
        assert client.info("server")["redis_version"].startswith("6.2.")
        client.xadd("events", {"n": 1})
        client.bgrewriteaof()
    assert before.stop() == []

    after = Stack(home, "--no-dagster", "--no-seed", PATH=newer)
    after.start()
    try:
        with Redis.from_url(after.up["redis"]) as client:
            assert client.info("server")["valkey_version"].startswith("9.1.")
            assert client.xlen("events") == 1
        assert after.get("/readyz").status_code == 200
        command = [sys.executable, "-m", "tidemark.cli", "doctor", "--json"]
        ran = subprocess.run(command, env=after.environment, capture_output=True, text=True, timeout=120, check=False)
        (found,) = (one for one in json.loads(ran.stdout) if one["name"] == "Redis")
        assert found["well"]
        assert found["detail"].startswith("Valkey 9.1.")
    finally:
        after.stop()
