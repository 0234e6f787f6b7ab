"""The embedded MongoDB: a replica set of one node, bound to the loopback interface."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from metrics.documents import Document
from tidemark.stack import locate
from tidemark.stack.ports import HOST
from tidemark.stack.process import Child

REPLICA_SET = "tidemark"
USER = "tidemark"
_SYSTEM = "__system"
_CACHE_GB = "0.5"
_SLOW_MS = 1000


@dataclass(frozen=True, slots=True)
class Login:
    """The password of the user `tidemark` of the embedded MongoDB, and the key file of its replica set."""

    key_file: Path
    password: str = field(repr=False)


def url(port: int, login: Login | None = None) -> str:
    """Return the URL of the embedded MongoDB, with its user if it has one."""
    user = f"{USER}:{login.password}@" if login else ""
    return f"mongodb://{user}{HOST}:{port}/?replicaSet={REPLICA_SET}"


def start(
    folder: Path,
    port: int,
    logs: Path,
    *,
    seconds: float = 30.0,
    parameters: Mapping[str, int] = MappingProxyType({}),
    login: Login | None = None,
) -> Child:
    """Start `mongod` on the data in `folder`, and return when it is a writable primary.

    With `login`, clients have to authenticate, and the user exists when this returns. Without it anybody may use it.
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
        *(["--keyFile", str(login.key_file)] if login else []),
        *(word for name, value in parameters.items() for word in ("--setParameter", f"{name}={value}")),
    ]  # fmt: skip
    child = Child.start("mongod", command, log=logs / "mongod.log", environment=server.environment)
    try:
        child.wait_until(lambda: _primary(port, login), seconds)
    except BaseException:
        child.stop()
        raise
    return child


def _primary(port: int, login: Login | None) -> bool:
    """Configure the node as a replica set of one at its present port; tell whether it is the writable primary."""
    try:
        with _connect(port, login) as client:
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
            if not client.admin.command("hello")["isWritablePrimary"]:
                return False
            if login is not None:
                _admit_user(client, port, login)
            return True
    except PyMongoError:
        return False


def _connect(port: int, login: Login | None, user: str = _SYSTEM) -> MongoClient[Document]:
    """Return a client of this node alone, as the given user if there is a login.

    The members of a replica set are the user `__system` of the database `local`, whose password is the content of the
    key file. This user may do everything, also while the node is no member yet and no other user exists.
    """
    options: dict[str, Any] = {}
    if login is not None:
        is_system = user == _SYSTEM
        options = {
            "username": user,
            "password": login.key_file.read_text().strip() if is_system else login.password,
            "authSource": "local" if is_system else "admin",
            "authMechanism": "SCRAM-SHA-256",
        }
    return MongoClient[Document](HOST, port, directConnection=True, serverSelectionTimeoutMS=500, **options)


def _admit_user(client: MongoClient[Document], port: int, login: Login) -> None:
    """Create the user, or give it the password of the login, unless it can authenticate already."""
    try:
        with _connect(port, login, USER) as as_user:
            as_user.admin.command("ping")
    except OperationFailure:
        exists = client.admin.command("usersInfo", USER)["users"]
        client.admin.command("updateUser" if exists else "createUser", USER, pwd=login.password, roles=["root"])
