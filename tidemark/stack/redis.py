"""The embedded Redis: with an append-only file, bound to the loopback interface."""

from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tidemark.stack import locate
from tidemark.stack.ports import HOST
from tidemark.stack.process import Child


@dataclass(frozen=True, slots=True)
class Login:
    """The password of the embedded Redis, and the configuration file that sets it."""

    configuration: Path
    password: str = field(repr=False)


def url(port: int, login: Login | None = None) -> str:
    """Return the URL of the embedded Redis, with its password if it has one."""
    return f"redis://:{login.password}@{HOST}:{port}/0" if login else f"redis://{HOST}:{port}/0"


def start(folder: Path, port: int, logs: Path, *, seconds: float = 20.0, login: Login | None = None) -> Child:
    """Start `redis-server` on the data in `folder`, and return when it answers. Without `login` anybody may use it.

    Raises:
        SettingsError: there is no `redis-server` program.
        StartFailed: the server ended, or was not ready in time.
    """
    server = locate.redis_server()
    folder.mkdir(parents=True, exist_ok=True)
    configuration = [str(login.configuration)] if login else []
    command = [
        str(server.program), *configuration, "--bind", HOST, "--port", str(port), "--dir", str(folder),
        "--daemonize", "no", "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
        "--maxmemory-policy", "noeviction",
    ]  # fmt: skip
    child = Child.start("redis", command, log=logs / "redis.log", environment=server.environment)
    try:
        child.wait_until(lambda: _answers(port, login), seconds)
    except BaseException:
        child.stop()
        raise
    return child


def _answers(port: int, login: Login | None) -> bool:
    password = login.password if login else None
    try:
        with Redis(host=HOST, port=port, password=password, socket_connect_timeout=0.5, socket_timeout=0.5) as client:
            return bool(client.ping())
    except RedisError:
        return False
