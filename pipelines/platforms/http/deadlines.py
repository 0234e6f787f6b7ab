"""A total deadline for HTTP requests: each read from the connection may take only the time that is left.

The timeouts of urllib3 apply to each read separately, so a server or proxy that sends a byte every few seconds never
exceeds one. Connections of `POOLS` also obey the deadline that `deadline` sets for the thread.
"""

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

_current = threading.local()


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Limit the time of all reads by this thread within the block to `seconds` in total."""
    _current.at = time.monotonic() + seconds
    try:
        yield
    finally:
        _current.at = None


def _left() -> float | None:
    """Return the seconds left until this thread's deadline; None if it has no deadline.

    Raises:
        TimeoutError: the deadline has passed.
    """
    at = getattr(_current, "at", None)
    if at is None:
        return None
    left: float = at - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


class _Reader(io.RawIOBase):
    """Reads from a socket; each read times out at the deadline of the thread at the latest."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left, usual = _left(), self._sock.gettimeout()
        if left is not None and (usual is None or left < usual):
            self._sock.settimeout(left)
        found: int | None = self._raw.readinto(buffer)
        return found

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Socket:
    """A wrapper of a socket whose readers obey the deadline; everything else is passed through."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock))


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock = _Socket(self.sock)

    def _tunnel(self) -> None:
        _tunnel_in_time(self, super()._tunnel)


class _SecureConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.sock = _Socket(self.sock)

    def _tunnel(self) -> None:
        _tunnel_in_time(self, super()._tunnel)


def _tunnel_in_time(connection: Any, tunnel: Any) -> None:
    """Open a tunnel through a proxy under the deadline; restore the bare socket, which TLS inside the tunnel needs."""
    bare, connection.sock = connection.sock, _Socket(connection.sock)
    tunnel()
    connection.sock = bare


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


POOLS = {"http": _Pool, "https": _SecurePool}
"""The classes of urllib3's pools whose connections obey the deadline, both direct ones and those through a proxy."""
