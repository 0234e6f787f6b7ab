"""The embedded MongoDB: a replica set of one node, bound to the loopback interface."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from metrics.documents import Document
from tidemark.stack import locate
from tidemark.stack.ports import HOST
from tidemark.stack.process import Child

REPLICA_SET = "tidemark"
_CACHE_GB = "0.5"
_SLOW_MS = 1000


def url(port: int) -> str:
    """Return the URL of the embedded MongoDB."""
    return f"mongodb://{HOST}:{port}/?replicaSet={REPLICA_SET}"


def start(
    folder: Path, port: int, logs: Path, *, seconds: float = 30.0, parameters: Mapping[str, int] = MappingProxyType({})
) -> Child:
    """Start `mongod` on the data in `folder`, and return when it is a writable primary.

    `parameters` are passed as `--setParameter`.

    Raises:
        SettingsError: there is no `mongod` program.
        StartFailed: `mongod` ended, or was not ready in time.
    """
    server = locate.mongod(folder.parent)
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        str(server.program), "--replSet", REPLICA_SET, "--bind_ip", HOST, "--port", str(port),
        "--dbpath", str(folder), "--wiredTigerCacheSizeGB", _CACHE_GB, "--oplogSize", "128",
        "--setParameter", "diagnosticDataCollectionEnabled=false",
        # By default it logs each connection, and each query over 100 ms: megabytes an hour on a busy machine.
        "--quiet", "--slowms", str(_SLOW_MS),
        *(word for name, value in parameters.items() for word in ("--setParameter", f"{name}={value}")),
    ]  # fmt: skip
    child = Child.start("mongod", command, log=logs / "mongod.log", environment=server.environment)
    try:
        child.wait_until(lambda: _primary(port), seconds)
    except BaseException:
        child.stop()
        raise
    return child


def _primary(port: int) -> bool:
    """Configure the node as a replica set of one at its present port; tell whether it is the writable primary."""
    try:
        with MongoClient[Document](HOST, port, directConnection=True, serverSelectionTimeoutMS=500) as client:
            member = {"_id": 0, "host": f"{HOST}:{port}"}
            try:
                config = client.admin.command("replSetGetConfig")["config"]
            except OperationFailure:
                config = {"_id": REPLICA_SET, "members": [member], "settings": {"electionTimeoutMillis": 2000}}
                client.admin.command("replSetInitiate", config)
                return False
            if config["members"][0]["host"] != member["host"]:
                # The port differs from the last start: the node cannot find itself until it is reconfigured.
                config["members"][0]["host"] = member["host"]
                config["version"] += 1
                client.admin.command("replSetReconfig", config, force=True)
                return False
            return bool(client.admin.command("hello")["isWritablePrimary"])
    except PyMongoError:
        return False
