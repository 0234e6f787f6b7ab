"""A Redis of one test, which may be stopped, started again with its data, or without."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

from tidemark.stack import locate, redis
from tidemark.stack.ports import free_port
from tidemark.stack.process import Child


class RedisServer:
    """One server on one port, with its data in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self._child: Child | None = None
        self.url = redis.url(self.port)

    def start(self) -> None:
        """Start it and wait until it answers. It allows DEBUG, which Redis forbids from 7.0 on."""
        allowing = locate.redis_server().version >= (7,)
        self._folder.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / "redis.conf"
        configuration.write_text("enable-debug-command local\n" if allowing else "")
        login = redis.Login(configuration, password="")
        self._child = redis.start(self._folder / "data", self.port, self._folder, login=login)

    def stop(self) -> None:
        """Stop it in order; its data stay."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        assert self._child is not None
        self._child.process.kill()
        self.stop()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Have it answer nothing and refuse nothing, as a host that is cut off does."""
        assert self._child is not None
        self._child.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._child.process.send_signal(signal.SIGCONT)

    def forget(self) -> None:
        """Remove its data; it has to be stopped."""
        assert self._child is None
        shutil.rmtree(self._folder / "data")

    def client(self) -> Redis:
        """Return a client."""
        return Redis.from_url(self.url)
