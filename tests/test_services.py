"""Every service of `docker-compose.yml` is run by its command as it stands there, until its health check is content.

There is no container: names of hosts, ports and folders are replaced by those of this machine, and nothing else.
MongoDB and Redis come from the wheels of `make up`, Postgres from one for tests.
"""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from metrics.documents import Document
from metrics.vault import generate_secret_key
from tests.postgres import postgres
from tests.test_deploy import ONCE, OURS, ROOT, SERVICES, defaulted
from tests.waiting import until
from tidemark.stack import locate
from tidemark.stack.ports import HOST, free_port

pytestmark = pytest.mark.timeout(240)

FILES = {"deploy/dagster.yaml": "opt", "deploy/workspace.yaml": "opt", "deploy/entrypoint.sh": "bin"}
READY_SECONDS = 90
LISTENING = {name for name, one in SERVICES.items() if re.search(r"3000|4000|8000|8100", str(one.get("healthcheck")))}
"""The services that listen on a port, which their health checks ask."""


class Machine:
    """This machine in the place of the containers."""

    def __init__(self, folder: Path, password: str, postgres_port: int) -> None:
        self.folder, self.processes = folder, dict[str, subprocess.Popen[bytes]]()
        for name in ("opt", "home", "bin", "secrets", "mongo", "redis"):
            (folder / name).mkdir()
        (folder / "secrets" / "postgres_password").write_text(password)
        self._ports = {name: free_port() for name in SERVICES}
        self._ports["postgres"] = postgres_port
        for name, place in FILES.items():
            text = (ROOT / name).read_text().replace("host: code", f"host: {HOST}")
            (folder / place / Path(name).name).write_text(self.here(text, "code"))

    def here(self, text: str, service: str) -> str:
        """Replace what a container has by what this machine has; a port is its service's own."""
        text = defaulted(text)
        for there, place in (("/opt/dagster", "opt"), ("/var/lib/tidemark", "home"), ("/run/secrets", "secrets")):
            text = text.replace(there, str(self.folder / place))
        for name, port in (("mongo", 27017), ("redis", 6379)):
            text = text.replace(f"{name}:{port}", f"{HOST}:{self._ports[name]}")
        return re.sub(r"\b(3000|4000|8000|8100)\b", str(self._ports[service]), text)

    def environment(self, service: str) -> dict[str, str]:
        """The variables of the image and of the service."""
        dockerfile = (ROOT / "Dockerfile").read_text()
        image = re.findall(r"(\w+)=(\S+)", dockerfile.partition("\nENV ")[2].partition("USER")[0])
        own = {name: value for name, value in SERVICES[service]["environment"].items() if value is not None}
        found = {name: self.here(value, service) for name, value in {**dict(image), **own}.items()}
        found |= {"DAGSTER_POSTGRES_HOST": HOST, "DAGSTER_POSTGRES_PORT": str(self._ports["postgres"])}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**found, "TIDEMARK_SECRET_KEYS": generate_secret_key(), "PATH": path}

    def words(self, service: str, words: list[str]) -> list[str]:
        """Return the words of a command, with the ports and folders of this machine."""
        return [self.here(word, service) for word in words]

    def command(self, service: str, words: list[str]) -> list[str]:
        """Return the words of a service's command, through the image's entry point."""
        return ["sh", str(self.folder / "bin" / "entrypoint.sh"), *self.words(service, words)]

    def start(self, service: str) -> subprocess.Popen[bytes]:
        """Start a service of ours."""
        with (self.folder / f"{service}.log").open("ab") as log:
            self.processes[service] = subprocess.Popen(
                self.command(service, SERVICES[service]["command"]),
                env=self.environment(service),
                cwd=self.folder / "home",
                stdout=log,
                stderr=log,
            )
        return self.processes[service]

    def healthy(self, service: str) -> bool:
        """Ask a service's own health check."""
        log = (self.folder / f"{service}.log").read_text()
        assert self.processes[service].poll() is None, log[-2000:]
        # A check is a process that takes seconds: it is not started before there is anything to ask.
        if service in LISTENING and not self._listens(service):
            return False
        # An engine starts a health check beside the service, not through the entry point.
        check = self.words(service, SERVICES[service]["healthcheck"]["test"][1:])
        ran = subprocess.run(check, env=self.environment(service), cwd=self.folder, capture_output=True, check=False)
        return ran.returncode == 0

    def _listens(self, service: str) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self._ports[service])) == 0

    def start_store(self, service: str, program: locate.Server, *extra: str) -> int:
        """Start MongoDB or Redis by its command, with a port and a folder of its own."""
        _, *flags = map(defaulted, SERVICES[service]["command"])
        port = self._ports[service]
        with (self.folder / f"{service}.log").open("ab") as log:
            self.processes[service] = subprocess.Popen(
                [str(program.program), *flags, "--port", str(port), *extra],
                env={**os.environ, **program.environment},
                stdout=log,
                stderr=log,
            )
        return port

    def stop(self) -> None:
        """End everything."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(4)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def initiate(port: int) -> bool:
    """Do what the service `mongo-init` does with mongosh, which no wheel has."""
    script = SERVICES["mongo-init"]["command"][-1]
    assert "rs.initiate({_id: 'rs0', members: [{_id: 0, host: 'mongo:27017'}]})" in script
    config = {"_id": "rs0", "members": [{"_id": 0, "host": f"{HOST}:{port}"}]}
    try:
        with MongoClient[Document](HOST, port, directConnection=True, serverSelectionTimeoutMS=500) as client:
            if client.admin.command("hello").get("setName") is None:
                client.admin.command("replSetInitiate", config)
            return bool(client.admin.command("hello")["isWritablePrimary"])
    except PyMongoError:
        return False


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("machine")
    with ExitStack() as stack:
        store = stack.enter_context(postgres(folder / "postgres", "a password"))
        made = Machine(folder, store.password, store.port)
        stack.callback(made.stop)
        mongo = made.start_store("mongo", locate.mongod(folder), "--dbpath", str(folder / "mongo"))
        made.start_store("redis", locate.redis_server(), "--dir", str(folder / "redis"))
        until(lambda: initiate(mongo), 60)
        for name in sorted(ONCE & OURS.keys()):
            ran = made.start(name)
            assert ran.wait(READY_SECONDS) == 0, (folder / f"{name}.log").read_text()[-2000:]
        image = {path.name for path in (folder / "opt").iterdir()}
        # The UI and the daemon wait for the code server by themselves here; compose starts them after it.
        for name in OURS.keys() - ONCE:
            made.start(name)
        yield made
        written = {f"/opt/dagster/{path.name}" for path in (folder / "opt").iterdir() if path.name not in image}
        assert written <= set(SERVICES["code"]["tmpfs"]), "something is written into the image"


@pytest.mark.parametrize("service", sorted(OURS.keys() - ONCE))
def test_service_becomes_healthy(service: str, machine: Machine) -> None:
    until(lambda: machine.healthy(service), READY_SECONDS)


def test_command_beside_a_service_reaches_the_storage_of_dagster(machine: Machine) -> None:
    """`docker compose exec code dagster instance …`, which does not pass through the entry point either."""
    words = machine.words("code", ["dagster", "instance", "concurrency", "set", "platform_instagram", "16"])
    ran = subprocess.run(words, env=machine.environment("code"), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]


def test_processes_of_dagster_log_json(machine: Machine) -> None:
    """Python's warnings and tracebacks of a dying process are text; what Dagster logs is not, and has no colours."""
    for service in ("code", "webserver", "daemon"):

        def logged(service: str = service) -> bool:
            lines = (machine.folder / f"{service}.log").read_text().splitlines()
            return any(line.startswith("{") and "timestamp" in json.loads(line) for line in lines)

        until(logged, READY_SECONDS)
        assert "\x1b[" not in (machine.folder / f"{service}.log").read_text(), service


def test_start_applies_a_longer_retention_and_names_a_shorter_one(machine: Machine) -> None:
    """Once the daemon's sensors have created the database, somebody changes two variables and starts it again."""
    address = machine.here("mongodb://mongo:27017", "mongo")
    with MongoClient[Document](address, directConnection=True) as client:
        until(lambda: "aggregated_metrics" in client["tidemark"].list_collection_names(), READY_SECONDS)
    changed = {"TIDEMARK_RETENTION_DAYS": "30", "TIDEMARK_ROLLUP_RETENTION_DAYS": "5000"}
    command = machine.command("retention", SERVICES["retention"]["command"])
    environment = machine.environment("retention") | changed
    ran = subprocess.run(command, env=environment, cwd=machine.folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "the database keeps aggregated_metrics for 5000 days from now on" in ran.stdout
    assert "TIDEMARK_RETENTION_DAYS says 30 days: not applied" in ran.stderr
    assert "tidemark retention sync --shorten" in ran.stderr
