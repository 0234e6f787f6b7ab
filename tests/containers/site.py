"""One deployment of docker-compose.yml in a folder of its own: its commands, its API, and an operator's actions."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from cryptography.fernet import Fernet

from metrics.settings import PLATFORM_APIS
from tests.test_deploy import ROOT

WORKSPACE = "acme"


class Failed(Exception):
    """A command or a condition of a proof failed."""


class Site:
    """The deployment. Everything runs in the network of the engine's containers."""

    def __init__(self, folder: Path, compose: str) -> None:
        self.folder, self._compose = folder, compose
        self.profiles = ["simulator"]
        self._address: str | None = None
        self.variables = {f"TIDEMARK_{name.upper()}_URL": "http://simulator:8100" for name in PLATFORM_APIS}
        self.variables |= {"EDGE_HTTP": "8080", "EDGE_HTTPS": "8443", "TIDEMARK_HISTORY_POSTS_DAYS": "0"}
        self._first = dict(self.variables)

    def recover(self) -> None:
        """Start the deployment as it was at first, after a proof that failed in the middle of something."""
        self.profiles, self.variables = ["simulator"], dict(self._first)
        self.compose("up", "-d", "--wait", "--wait-timeout", "900", "--remove-orphans", check=False)

    def create(self) -> None:
        """Copy the files of the deployment, and make the secrets as docs/deploying.md says."""
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "deploy" / "secrets").mkdir(parents=True)
        shutil.copy(ROOT / "docker-compose.yml", self.folder)
        shutil.copytree(ROOT / "deploy" / "edge", self.folder / "deploy" / "edge")
        self.write_secret("tidemark_secret_keys", Fernet.generate_key().decode())
        self.write_secret("postgres_password", os.urandom(24).hex())
        (self.folder / "deploy" / "secrets").chmod(0o700)

    @property
    def key(self) -> str:
        """The API key of the proofs, which a later run of some of them needs too."""
        return (self.folder / "key").read_text()

    @key.setter
    def key(self, key: str) -> None:
        (self.folder / "key").write_text(key)

    def write_secret(self, name: str, content: str) -> None:
        path = self.folder / "deploy" / "secrets" / name
        path.write_text(content + "\n")
        path.chmod(0o644)

    def secret(self, name: str) -> str:
        return (self.folder / "deploy" / "secrets" / name).read_text().strip()

    def compose(self, *words: str, given: str = "", seconds: float = 900, check: bool = True) -> str:
        """Run `docker compose …` and return what it printed.

        Raises:
            Failed: it ended with another code than 0.
        """
        ran = subprocess.run(
            [self._compose, *words], cwd=self.folder, env=self._environment(), input=given, capture_output=True,
            text=True, timeout=seconds, check=False,
        )  # fmt: skip
        if check and ran.returncode:
            raise Failed(
                f"docker compose {' '.join(words)} ended with {ran.returncode}: {(ran.stdout + ran.stderr)[-2500:]}"
            )
        return ran.stdout if check else ran.stdout + ran.stderr

    def shell(self, commands: str) -> str:
        """Run commands of a page in a shell, in which `compose` stands for `docker compose`; return what they printed.

        Raises:
            Failed: one of them ended with another code than 0.
        """
        script = f'set -euo pipefail; compose() {{ "{self._compose}" "$@"; }}; {commands}'
        ran = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self._environment(), capture_output=True, text=True,
            timeout=900, check=False,
        )  # fmt: skip
        if ran.returncode:
            raise Failed(f"{commands} ended with {ran.returncode}: {(ran.stdout + ran.stderr)[-2500:]}")
        return ran.stdout

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.variables, "COMPOSE_PROFILES": ",".join(self.profiles)}

    def execute(self, service: str, *words: str, given: str = "") -> str:
        """Run a command beside a service, as `docker compose exec` does."""
        return self.compose("exec", "-T", service, *words, given=given)

    def address(self) -> str:
        """Return the address of serving; the engine gives it another port at each start."""
        if self._address is None:
            self._address = "http://" + self.compose("port", "serving", "8000").strip()
        return self._address

    def get(self, path: str, **query: str) -> Any:
        return self._ask("GET", path, query).json()

    def _ask(self, method: str, path: str, query: dict[str, str], through: str = "") -> httpx.Response:
        def ask() -> httpx.Response:
            headers = {"Authorization": f"Bearer {self.key}"}
            url = (through or self.address()) + path
            return httpx.request(method, url, params=query, headers=headers, timeout=60, verify=not through)

        try:
            answer = ask()
        except httpx.TransportError:
            # Serving may have been started again meanwhile, at another port.
            self._address = None
            answer = ask()
        return answer.raise_for_status()

    def connect(self, platform: str, index: int) -> str:
        """Connect an account of the simulator; return Tidemark's id of it."""
        ask = (
            "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8100/_control/accounts"
            f"?platform={platform}&count={index + 1}').read().decode())"
        )
        there = json.loads(self.execute("simulator", "python", "-c", ask))[index]
        words = ["--workspace", WORKSPACE, "--platform", platform, "--account", there["platformAccountId"]]
        connected = self.execute(
            "serving", "tidemark", "accounts", "connect", *words, "--handle", there["handle"], "--json",
            given=there["token"] + "\n",
        )  # fmt: skip
        return str(json.loads(connected)[0]["_id"])

    def collect(self, through: str = "") -> str:
        """Request a collection, directly or through an edge; return the path of its operation."""
        answer = self._ask("POST", f"/analytics/workspace/{WORKSPACE}/collect", {}, through)
        return str(answer.headers["location"])

    def state(self, operation: str) -> str:
        return str(self.get(operation)["data"]["state"])

    def pid(self, service: str, index: int = 1) -> int:
        """Return the process of a container, as the host sees it."""
        name = f"tidemark-{service}-{index}"
        ran = subprocess.run(
            ["docker", "inspect", "-f", "{{.State.Pid}}", name], capture_output=True, text=True, check=True
        )
        return int(ran.stdout)

    def health(self, service: str, index: int = 1) -> str:
        name = f"tidemark-{service}-{index}"
        template = "{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}"
        ran = subprocess.run(["docker", "inspect", "-f", template, name], capture_output=True, text=True, check=False)
        return ran.stdout.strip()


def until(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait for a condition, during which requests may fail; return the seconds that it took.

    Raises:
        Failed: the condition was not met in time.
    """
    began, last = time.monotonic(), ""
    while time.monotonic() - began < seconds:
        try:
            if condition():
                return time.monotonic() - began
        except (httpx.HTTPError, Failed, KeyError, IndexError, subprocess.SubprocessError) as error:
            last = f": {error}"
        # A pause between attempts: most conditions start a docker command, which loads the host.
        time.sleep(2)
    raise Failed(f"{what}: not within {seconds:.0f} s{last}")
