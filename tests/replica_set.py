"""A MongoDB replica set of three for tests: real servers whose primary can be killed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from metrics.documents import Document
from tidemark.stack import locate
from tidemark.stack.ports import HOST, free_port
from tidemark.stack.process import Child

_NAME = "three"
_START_SECONDS = 60.0


class ReplicaSet:
    """Three members; `url` names them all."""

    def __init__(self, members: dict[int, Child]) -> None:
        self._members = members
        self.url = f"mongodb://{','.join(f'{HOST}:{port}' for port in members)}/?replicaSet={_NAME}"

    def kill_primary(self) -> None:
        """Kill the primary, as a power cut would."""
        with MongoClient[Document](self.url) as client:
            client.admin.command("ping")
            assert client.primary is not None
            self._members[client.primary[1]].process.kill()

    def has_primary(self) -> bool:
        """Tell whether somebody takes writes, and three members were there to be asked."""
        try:
            with MongoClient[Document](self.url, serverSelectionTimeoutMS=500) as client:
                client.admin.command("ping")
                return len(client.nodes) == len(self._members)
        except PyMongoError:
            return False


@contextmanager
def replica_set(folder: Path, members: int = 3, *options: str) -> Iterator[ReplicaSet]:
    """Run a replica set, empty, with an election timeout of two seconds; `options` are further ones of `mongod`."""
    server = locate.mongod(folder)
    ports = [free_port() for _ in range(members)]
    with ExitStack() as stack:
        running: dict[int, Child] = {}
        for port in ports:
            data = folder / str(port)
            data.mkdir()
            command = [
                str(server.program), "--replSet", _NAME, "--bind_ip", HOST, "--port", str(port), "--dbpath", str(data),
                "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64",
                "--setParameter", "diagnosticDataCollectionEnabled=false", *options,
            ]  # fmt: skip
            log = folder / f"mongod-{port}.log"
            running[port] = Child.start("mongod", command, log=log, environment=server.environment)
            stack.callback(running[port].stop, 2.0)
        for child, port in zip(running.values(), ports, strict=True):
            child.wait_until(lambda port=port: _answers(port), _START_SECONDS)  # type: ignore[misc]
        config = {
            "_id": _NAME,
            "members": [{"_id": number, "host": f"{HOST}:{port}"} for number, port in enumerate(ports)],
            "settings": {"electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500},
        }
        with MongoClient[Document](HOST, ports[0], directConnection=True) as client:
            client.admin.command("replSetInitiate", config)
        found = ReplicaSet(running)
        running[ports[0]].wait_until(found.has_primary, _START_SECONDS)
        yield found


def _answers(port: int) -> bool:
    try:
        with MongoClient[Document](HOST, port, directConnection=True, serverSelectionTimeoutMS=500) as client:
            return bool(client.admin.command("ping")["ok"])
    except PyMongoError:
        return False
