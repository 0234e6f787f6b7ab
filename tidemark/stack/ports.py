"""Free ports of this machine's loopback interface."""

import socket

from metrics.errors import SettingsError

HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port on which no process listens now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int, host: str = HOST) -> bool:
    """Tell whether a server could listen on a port; a port that was just closed counts as free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def require_free(port: int, variable: str) -> int:
    """Return `port` if it is free.

    Raises:
        SettingsError: another process listens on it.
    """
    if not is_free(port):
        raise SettingsError(
            f"{variable}: port {port} is taken; stop the program that listens there, or set another port"
        )
    return port
