"""Locates server programs: first in PATH, then in wheels.

Wheels are in the folder `servers` of the environment, where `make install` puts them, or among its packages, where
Tidemark's extra `stack` puts them.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

from metrics.errors import SettingsError
from tidemark.stack import wheels

MONGO_AT_LEAST = 6
REDIS_AT_LEAST = (6, 2)


@dataclass(frozen=True, slots=True)
class Server:
    """A server's program, and the environment variables that it needs in addition to ours.

    `product` is "MongoDB", "Redis" or "Valkey". `version` is what the program says, for example (9, 1, 2); it is empty
    if the program was not asked, or cannot be run.
    """

    program: Path
    origin: str
    product: str
    version: tuple[int, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join((self.product, ".".join(map(str, self.version)))).strip()


def mongod(work: Path) -> Server:
    """Return a `mongod` of version 6.0 or later; `work` is a folder for links to libraries that it needs.

    Raises:
        SettingsError: there is none; the message tells what to install or set.
    """
    on_path = shutil.which("mongod")
    if on_path:
        _, version = _answer(on_path)
        if version >= (MONGO_AT_LEAST,):
            return Server(Path(on_path), "PATH", "MongoDB", version)
    for root in _wheel_roots():
        program = root / wheels.MONGOD
        if program.exists():
            _make_executable(program)
            return Server(program, "wheel", "MongoDB", environment=openssl_1_1(root, work))
    raise SettingsError(wheels.remedy("MongoDB 6.0 or later (mongod)", "TIDEMARK_MONGO_URL"))


def redis_server() -> Server:
    """Return a `redis-server` of version 6.2 or later, or a `valkey-server`.

    Raises:
        SettingsError: there is none; the message tells what to install or set.
    """
    for name in ("redis-server", "valkey-server"):
        on_path = shutil.which(name)
        if on_path:
            says, version = _answer(on_path)
            if version >= REDIS_AT_LEAST:
                return Server(Path(on_path), "PATH", "Valkey" if says.startswith("Valkey") else "Redis", version)
    here = wheels.this_platform()
    for program in [root / here.valkey_server for root in _wheel_roots()] if here else []:
        if program.exists():
            _make_executable(program)
            return Server(program, "wheel", "Valkey", _answer(str(program))[1])
    raise SettingsError(wheels.remedy("Valkey, or Redis 6.2 or later (redis-server)", "TIDEMARK_REDIS_URL"))


def openssl_1_1(root: Path, work: Path) -> dict[str, str]:
    """Link the OpenSSL 1.1 of the wheel `psycopg2-binary` below `root` into a folder in `work`, under its usual names.

    Return the variable that makes a program use it; nothing if the wheel is not there or carries another version.
    """
    folder = work / "openssl-1.1"
    for name in ("libssl", "libcrypto"):
        carried = next((root / "psycopg2_binary.libs").glob(f"{name}-*.so.1.1"), None)
        if carried is None:
            return {}
        folder.mkdir(parents=True, exist_ok=True)
        link = folder / f"{name}.so.1.1"
        if not (link.is_symlink() and link.readlink() == carried):
            link.unlink(missing_ok=True)
            link.symlink_to(carried)
    return {"LD_LIBRARY_PATH": str(folder)}


def _wheel_roots() -> list[Path]:
    return [Path(sys.prefix) / "servers", Path(sysconfig.get_path("purelib"))]


def _answer(program: str) -> tuple[str, tuple[int, ...]]:
    """Return what a program says about its version, and the version; both are empty if it cannot be run."""
    try:
        ran = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return "", ()
    found = re.search(r"v=?(\d+(?:\.\d+)+)", ran.stdout)
    return ran.stdout, tuple(map(int, found[1].split("."))) if found else ()


def _make_executable(program: Path) -> None:
    if not os.access(program, os.X_OK):
        program.chmod(program.stat().st_mode | 0o755)
