"""A TCP proxy of tests: the network between two programs, which may be cut and mended."""

import socket
import threading
from contextlib import suppress

from tidemark.stack.ports import HOST


class TcpProxy:
    """Passes bytes on to a port of this machine."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server((HOST, 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._cut = False
        self._nonsense: bytes | None = None
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Drop every connection, and refuse new ones."""
        self._cut = True
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let connections through again."""
        self._cut = False
        self._nonsense = None

    def answer_with(self, nonsense: bytes) -> None:
        """Drop every connection, and answer whatever arrives on new ones with the same bytes."""
        self.cut()
        self._nonsense, self._cut = nonsense, False

    def close(self) -> None:
        """Stop."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    if self._cut:
                        raise ConnectionRefusedError
                    if self._nonsense is not None:
                        with self._lock:
                            self._open.add(near)
                        threading.Thread(target=self._babble, args=[near, self._nonsense], daemon=True).start()
                        continue
                    far = socket.create_connection((HOST, self._target), timeout=5)
                    far.settimeout(None)
                except OSError:
                    near.close()
                    continue
                with self._lock:
                    self._open |= {near, far}
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=[one, other], daemon=True).start()

    def _babble(self, near: socket.socket, nonsense: bytes) -> None:
        with suppress(OSError):
            while near.recv(65536):
                near.sendall(nonsense)
        with self._lock:
            self._open.discard(near)
        near.close()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open.discard(one)
        one.close()
