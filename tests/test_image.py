"""The Dockerfile as far as it can be tried without an engine: what it copies, what it installs, and the wheel."""

import os
import shlex
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.test_deploy import ROOT

LINES = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
INSTALLS = [line.removeprefix("RUN ") for line in LINES if line.startswith("RUN pip ")]
PACKAGES = ("metrics", "pipelines", "serving", "simulator", "tidemark")


def copied() -> list[str]:
    return [w for line in LINES if line.startswith("COPY ") and "--from" not in line for w in line.split()[1:-1]]


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for name in copied():
        assert (ROOT / name).exists(), name
        assert name.split("/")[0] not in ignored, name
    assert set(PACKAGES) <= set(copied())


def test_everything_that_is_downloaded_is_locked_by_hash() -> None:
    downloads = [line for line in INSTALLS if not line.endswith(" .")]
    assert len(downloads) == 2
    for line in downloads:
        assert "--require-hashes" in line


def test_locks_hold_for_the_python_of_the_image(tmp_path: Path) -> None:
    (version,) = {line.split("python:")[1].split("-")[0] for line in LINES if line.startswith("FROM")}
    uv = Path(sys.executable).with_name("uv")
    for name in ("runtime", "build"):
        command: list[str | Path] = [
            uv,
            "pip",
            "install",
            "--dry-run",
            "-q",
            "--python-version",
            version,
            "--target",
            tmp_path / "t",
        ]
        lock: list[str | Path] = ["--require-hashes", "-r", ROOT / "requirements" / f"{name}.txt"]
        ran = subprocess.run([*command, *lock], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of what is in the project's wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    with ZipFile(built) as archive:
        return set(archive.namelist())


def test_wheel_holds_every_file_of_the_packages(wheel: set[str]) -> None:
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, check=True, capture_output=True, text=True)
    assert set(listed.stdout.split()) - wheel == set()
    assert "tidemark/dagster.yaml" in wheel


def test_wheel_tells_that_it_is_typed(wheel: set[str]) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= wheel


@pytest.mark.image
@pytest.mark.timeout(900)
def test_commands_of_the_image_make_a_tidemark_that_runs(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    scripts = tmp_path / "venv" / "bin"
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    for line in INSTALLS:
        command = shlex.split(line.replace("/install", str(tmp_path / "install")))
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
    libraries = sysconfig.get_path("purelib", vars={"base": str(tmp_path / "install")})
    environment["PYTHONPATH"] = libraries
    asked = [str(tmp_path / "install" / "bin" / "tidemark"), "--help"]
    assert "rebuild" in subprocess.run(asked, env=environment, check=True, capture_output=True, text=True).stdout
