"""A Docker engine of our own: one to build, in the host's network; one to run, in a network namespace of its own."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

NAMESPACE = "tidemark-containers"
PROGRAMS = ("dockerd", "docker", "debootstrap", "ip", "nsenter", "iptables", "setcap")
_STARTS_SECONDS = 120


class Engine:
    """An engine whose data are in a folder. Commands run where its networks are reached."""

    def __init__(self, folder: Path, compose: Path) -> None:
        self.folder = folder
        self.socket = folder / "docker.sock"
        self._compose = compose
        self._prefix: list[str] = []

    @contextmanager
    def building(self) -> Iterator[None]:
        """Run the engine for builds, which need the host's network and no bridge."""
        with self._daemon([], ["--bridge=none", "--iptables=false", "--ip-forward=false"]):
            yield

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the engine for containers, whose bridges and ports leave the host's network alone."""
        subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
        # Not `ip netns exec`: that hides the control groups.
        self._prefix = ["nsenter", f"--net=/run/netns/{NAMESPACE}"]
        try:
            subprocess.run(["ip", "-n", NAMESPACE, "link", "set", "lo", "up"], check=True)
            with self._daemon(self._prefix, []):
                yield
        finally:
            self._prefix = []
            subprocess.run(["ip", "netns", "delete", NAMESPACE], check=False)

    @contextmanager
    def _daemon(self, prefix: list[str], options: list[str]) -> Iterator[None]:
        command = [
            *prefix, "dockerd", "--data-root", str(self.folder / "root"), "--exec-root", str(self.folder / "exec"),
            "--pidfile", str(self.folder / "dockerd.pid"), "-H", f"unix://{self.socket}",
            "--storage-driver", "overlay2", "--exec-opt", "native.cgroupdriver=cgroupfs", *options,
        ]  # fmt: skip
        with (self.folder / "dockerd.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            ends = time.monotonic() + _STARTS_SECONDS
            while subprocess.run(
                self.docker("version"), env=self.environment({}), capture_output=True, check=False
            ).returncode:
                if process.poll() is not None or time.monotonic() > ends:
                    raise SystemExit(f"dockerd does not start: see {self.folder / 'dockerd.log'}")
                # A pause between attempts: dockerd announces nothing when it is ready.
                time.sleep(1)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()

    def docker(self, *words: str) -> list[str]:
        """Return the words of a docker command."""
        return [*self._prefix, "docker", "-H", f"unix://{self.socket}", *words]

    def compose(self, *words: str) -> list[str]:
        """Return the words of a `docker compose` command."""
        return [*self._prefix, str(self._compose), *words]

    def inside(self, *words: str) -> list[str]:
        """Return the words of a command in the network of the containers' published ports."""
        return [*self._prefix, *words]

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a command: the classic builder, our socket, and no setting of the caller."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TIDEMARK_", "DOCKER_"))}
        return {**kept, "DOCKER_BUILDKIT": "0", "DOCKER_HOST": f"unix://{self.socket}", **more}


def missing_programs() -> list[str]:
    """Return the programs that this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name) is None]
