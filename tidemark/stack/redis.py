"""The embedded Redis: with an append-only file, bound to the loopback interface."""

from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tidemark.stack import locate
from tidemark.stack.ports import HOST
from tidemark.stack.process import Child


def url(port: int) -> str:
    """Return the URL of the embedded Redis."""
    return f"redis://{HOST}:{port}/0"


def start(folder: Path, port: int, logs: Path, *, seconds: float = 20.0) -> Child:
    """Start `redis-server` on the data in `folder`, and return when it answers.

    Raises:
        SettingsError: there is no `redis-server` program.
        StartFailed: the server ended, or was not ready in time.
    """
    server = locate.redis_server()
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        str(server.program), "--bind", HOST, "--port", str(port), "--dir", str(folder), "--daemonize", "no",
        "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction",
    ]  # fmt: skip
    child = Child.start("redis", command, log=logs / "redis.log", environment=server.environment)
    try:
        child.wait_until(lambda: _answers(port), seconds)
    except BaseException:
        child.stop()
        raise
    return child


def _answers(port: int) -> bool:
    try:
        with Redis(host=HOST, port=port, socket_connect_timeout=0.5, socket_timeout=0.5) as client:
            return bool(client.ping())
    except RedisError:
        return False
