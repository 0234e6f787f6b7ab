"""A server for tests that answers every request with bytes that belong to no protocol."""

import socket
import threading
from contextlib import suppress

from tidemark.stack.ports import HOST


class NonsenseServer:
    """Listens on a port and answers whatever arrives with the same bytes."""

    def __init__(self, port: int, answer: bytes) -> None:
        self._answer = answer
        self._closed = False
        self._open: list[socket.socket] = []
        self._listener = socket.create_server((HOST, port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Drop every connection, and stop listening."""
        self._closed = True
        # A close alone does not wake the thread that waits in accept.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                if self._closed:
                    connection.close()
                    return
                threading.Thread(target=self._talk, args=[connection], daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError):
            while connection.recv(65536):
                connection.sendall(self._answer)
