"""The embedded Redis or Valkey: with an append-only file, bound to the loopback interface."""

from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tidemark.stack import locate, redis_data
from tidemark.stack.ports import HOST
from tidemark.stack.process import Child, StartFailed


@dataclass(frozen=True, slots=True)
class Login:
    """The password of the embedded Redis, and the configuration file that sets it."""

    configuration: Path
    password: str = field(repr=False)


def url(port: int, login: Login | None = None) -> str:
    """Return the URL of the embedded Redis, with its password if it has one."""
    return f"redis://:{login.password}@{HOST}:{port}/0" if login else f"redis://{HOST}:{port}/0"


def start(folder: Path, port: int, logs: Path, *, seconds: float = 20.0, login: Login | None = None) -> Child:
    """Start the server on the data in `folder`, and return when it answers. Without `login` anybody may use it.

    Raises:
        SettingsError: there is no `redis-server` or `valkey-server` program.
        StartFailed: the server cannot read the data, ended, or was not ready in time.
    """
    server = locate.redis_server()
    if needed := redis_data.unfit(server, folder):
        raise StartFailed(
            f"{server} ({server.program}) cannot read {folder}, which needs {needed}: put that server first on the "
            "PATH, or move the folder away; the stack then begins with an empty cache and without old events"
        )
    folder.mkdir(parents=True, exist_ok=True)
    configuration = [str(login.configuration)] if login else []
    command = [
        str(server.program), *configuration, "--bind", HOST, "--port", str(port), "--dir", str(folder),
        "--daemonize", "no", "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
        "--maxmemory-policy", "noeviction",
    ]  # fmt: skip
    child = Child.start(server.program.name, command, log=logs / "redis.log", environment=server.environment)
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
