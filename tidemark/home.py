"""The folder of one stack, `$TIDEMARK_HOME`: its layout, its lock, and its private files."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metrics.errors import TidemarkError


@dataclass(frozen=True, slots=True)
class Home:
    """Paths below `$TIDEMARK_HOME`."""

    path: Path

    @property
    def logs(self) -> Path:
        """One log per process."""
        return self.path / "logs"

    @property
    def dagster(self) -> Path:
        """DAGSTER_HOME."""
        return self.path / "dagster"

    @property
    def warehouse(self) -> Path:
        """The file of DuckDB into which the stack loads its days."""
        return self.path / "warehouse.duckdb"

    @property
    def up_file(self) -> Path:
        """The URLs of the running stack; written when everything is ready."""
        return self.path / "up.json"

    @property
    def secret_file(self) -> Path:
        """The file with the key that seals the credentials of this stack."""
        return self.path / "secret.key"

    @property
    def _lock_file(self) -> Path:
        return self.path / "lock"

    def create(self) -> None:
        """Create the folder if it is missing, and take the rights on it from other users of the machine.

        Raises:
            TidemarkError: other users have rights on it, and it is not ours to change that.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.path.stat().st_mode & 0o077:
            try:
                self.path.chmod(0o700)
            except PermissionError:
                raise TidemarkError(
                    f"{self.path} belongs to another user, and others may read what is in it: set TIDEMARK_HOME to a "
                    "folder of your own"
                ) from None

    def prepare(self) -> None:
        """Create the folders, and copy `dagster.yaml` to where Dagster looks for it."""
        self.dagster.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(exist_ok=True)
        shutil.copyfile(dagster_yaml(), self.dagster / "dagster.yaml")

    def secret_key(self) -> str:
        """Return the key that seals the credentials of this stack; the first call generates it."""
        # Imported late: cryptography is slow to import, and needed only once.
        from metrics.vault import generate_secret_key

        if not self.secret_file.exists():
            write_private(self.secret_file, generate_secret_key())
        return self.secret_file.read_text().strip()

    def read(self, name: str) -> Any:
        """Return the content of a JSON file, or None if it is missing or broken: each can be created again."""
        try:
            return json.loads((self.path / name).read_text())
        except (OSError, ValueError):
            return None

    def write(self, name: str, value: Any) -> None:
        """Write a JSON file atomically, readable only by its owner."""
        write_private(self.path / name, json.dumps(value, indent=2) + "\n")

    def running(self) -> dict[str, str] | None:
        """Return the content of `up.json` if the stack runs, else None: a killed stack leaves a stale file."""
        try:
            file = self._lock_file.open()
        except OSError:
            return None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                up: dict[str, str] | None = self.read(self.up_file.name)
                return up
        return None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the folder for this process; the kernel releases the lock, however the process ends.

        Raises:
            TidemarkError: another stack runs in it.
        """
        with self._lock_file.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise TidemarkError(
                    f"a stack already runs in {self.path}: stop it, or set TIDEMARK_HOME to another folder"
                ) from None
            yield


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically, with mode 0600."""
    temporary = path.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)


def dagster_yaml() -> Path:
    """Return the path of our `dagster.yaml`: beside the packages in a checkout, inside this package in a wheel."""
    here = Path(__file__).parent
    return next(p for p in (here.parent / "dagster.yaml", here / "dagster.yaml") if p.exists())
