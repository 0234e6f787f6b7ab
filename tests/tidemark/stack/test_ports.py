"""Tests of ports: a taken port is refused with one line that names the setting."""

import socket

import pytest

from metrics.errors import SettingsError
from tidemark.stack.ports import HOST, free_port, require_free


def test_taken_port_names_its_setting() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        with pytest.raises(SettingsError, match="TIDEMARK_HTTP_PORT: port"):
            require_free(taken.getsockname()[1], "TIDEMARK_HTTP_PORT")


def test_free_port_is_free() -> None:
    port = free_port()
    assert require_free(port, "X") == port
