"""Files of secrets: one that is there and cannot be read stops the start, with one line that names it."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from metrics.errors import SettingsError
from metrics.settings import load_settings
from pipelines.scale.postgres import PostgresStorage
from tests.test_deploy import ROOT

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of secrets that every user may enter."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


def start(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the entry point of the image with this folder, as a user who is not root."""
    script = (ROOT / "deploy" / "entrypoint.sh").read_text().replace("/run/secrets", str(folder))
    user = NOBODY if os.geteuid() == 0 else None
    command = ["sh", "-c", script, "entrypoint", "echo", "started"]
    return subprocess.run(command, capture_output=True, text=True, check=False, user=user, cwd="/")


def test_service_starts_with_files_that_it_can_read(folder: Path) -> None:
    assert start(folder).stdout == "started\n"
    (folder / "postgres_password").write_text("secret")
    assert start(folder).stdout == "started\n"
    assert start(folder / "missing").stdout == "started\n"


def test_service_does_not_start_with_a_file_that_it_cannot_read(folder: Path) -> None:
    path = folder / "postgres_password"
    path.write_text("hidden words")
    path.chmod(0o000)
    if os.geteuid() == 0:
        os.chown(path, 1, 1)
    ran = start(folder)
    assert (ran.returncode, ran.stdout) == (1, "")
    user = NOBODY if os.geteuid() == 0 else os.geteuid()
    assert ran.stderr.startswith(f"{path} cannot be read by user id {user}: give this user the right")
    assert len(ran.stderr.splitlines()) == 1
    assert "hidden words" not in ran.stderr


def test_settings_name_a_file_that_cannot_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "tidemark_secret_keys"
    path.write_text("hidden words")

    def refuse(path: Path, *_rest: Any, **_named: Any) -> str:
        # Tests may run as root, and root may read any file whatever its mode.
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(SettingsError, match=rf"^{path} cannot be read by user id {os.getuid()}: give this user"):
        load_settings(_env_file=None, _secrets_dir=folder)


PLACE = {"hostname": "h", "port": 1, "db_name": "d", "username": "u"}


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read: No such file or directory"), (b" \n", "is empty"), (b"\xff", "has to be text in UTF-8")],
)
def test_password_of_dagster_has_to_be_in_its_file(folder: Path, content: bytes | None, message: str) -> None:
    path = folder / "password"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=message):
        PostgresStorage.from_config_value(None, {**PLACE, "password_file": str(path)})


def test_image_reads_the_password_of_dagster_from_the_secret() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "dagster.yaml").read_text())["storage"]["custom"]["config"]
    assert config["password_file"] == {"env": "DAGSTER_POSTGRES_PASSWORD_FILE"}
    assert "password" not in config
