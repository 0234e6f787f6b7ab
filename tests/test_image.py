"""The Dockerfile as far as it can be tried without an engine: what it copies, what it installs, and the wheel."""

import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from tests.test_deploy import ROOT

LINES = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
FINAL = LINES[max(number for number, line in enumerate(LINES) if line.startswith("FROM ")) :]
"""The lines of the last stage, which is the image."""
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
    (of_sbom,) = (line for line in LINES if line.startswith("RUN python -m venv /sbom"))
    assert "/sbom/bin/pip install --no-cache-dir --require-hashes -r requirements/sbom.txt" in of_sbom


def test_labels_are_those_of_the_open_container_initiative() -> None:
    (line,) = (one for one in FINAL if one.startswith("LABEL "))
    labels = dict(word.split("=", 1) for word in shlex.split(line.removeprefix("LABEL ")))
    arguments = dict(shlex.split(one)[1].split("=", 1) for one in FINAL if one.startswith("ARG "))
    filled = {name: re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], text) for name, text in labels.items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    chart = yaml.safe_load((ROOT / "deploy" / "helm" / "tidemark" / "Chart.yaml").read_text())
    assert filled == {
        "org.opencontainers.image.title": "Tidemark",
        "org.opencontainers.image.description": chart["description"],
        "org.opencontainers.image.version": project["version"],
        "org.opencontainers.image.revision": "",
        "org.opencontainers.image.source": "",
        "org.opencontainers.image.licenses": project["license"],
    }
    assert chart["version"] == chart["appVersion"] == project["version"]


def test_any_user_of_group_0_can_run_the_image() -> None:
    made = next(one for one in FINAL if "useradd" in one)
    assert "--gid 0 " in made
    # Each folder that is written to belongs to group 0, which has the rights of the owner.
    folders = {"/home/tidemark", "/var/lib/tidemark", "/opt/dagster"}
    modes = {path: mode for mode, paths in re.findall(r"chmod 0(\d{3}) ([^&]+)", made) for path in paths.split()}
    assert modes.keys() == folders
    assert all(mode[0] == mode[1] == "7" and mode[2] in "05" for mode in modes.values())
    assert "install -d -o tidemark -g 0 /var/lib/tidemark /opt/dagster" in made
    variables = " ".join(one for one in FINAL if one.startswith("ENV "))
    assert "HOME=/home/tidemark " in variables
    # Kubernetes cannot tell from a name that it is not root.
    assert [one for one in FINAL if one.startswith("USER ")] == ["USER 10001"]
    assert os.access(ROOT / "deploy" / "entrypoint.sh", os.X_OK)


def test_image_of_kubernetes_goes_back_to_the_same_user() -> None:
    lines = (ROOT / "deploy" / "helm" / "Dockerfile").read_text().splitlines()
    assert [one for one in lines if one.startswith("USER ")] == ["USER root", "USER 10001"]


def test_locks_hold_for_the_python_of_the_image(tmp_path: Path) -> None:
    (version,) = {line.split("python:")[1].split("-")[0] for line in LINES if line.startswith("FROM")}
    uv = Path(sys.executable).with_name("uv")
    for name in ("runtime", "build", "sbom"):
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


@pytest.mark.image
@pytest.mark.timeout(900)
def test_bill_of_materials_lists_what_is_locked(tmp_path: Path) -> None:
    uv, lock = Path(sys.executable).with_name("uv"), ROOT / "requirements" / "runtime.txt"
    for name, requirements in (("sbom", ROOT / "requirements" / "sbom.txt"), ("image", lock)):
        subprocess.run([uv, "venv", "-q", tmp_path / name], check=True)
        python = tmp_path / name / "bin" / "python"
        subprocess.run([uv, "pip", "sync", "-q", "-p", python, "--require-hashes", requirements], check=True)
    subprocess.run([uv, "pip", "install", "-q", "-p", python, "--no-deps", ROOT], check=True)
    (line,) = (one for one in LINES if "cyclonedx-py environment" in one)
    command = line.removeprefix("RUN ").replace("/sbom/bin", str(tmp_path / "sbom" / "bin"))
    command = command.replace("/tidemark.cdx.json", str(tmp_path / "bill.json"))
    subprocess.run(shlex.split(command.replace("/usr/local/bin/python", str(python))), cwd=ROOT, check=True)
    bill = json.loads((tmp_path / "bill.json").read_text())
    found = {f"{one['name']}=={one['version']}".lower().replace("_", "-") for one in bill["components"]}
    # It has no package URL: on the public index, this name is another project's.
    assert bill["metadata"]["component"].items() >= {"name": "tidemark", "version": "0.1.0"}.items()
    assert "purl" not in bill["metadata"]["component"]
    assert bill["bomFormat"] == "CycloneDX"
    locked = {one.split()[0] for one in lock.read_text().splitlines() if "==" in one and "sys_platform ==" not in one}
    assert {one for one in locked if one.startswith(("dagster", "pymongo", "redis", "starlette"))} <= found
    assert all(one["purl"].startswith("pkg:pypi/") for one in bill["components"] if "purl" in one)
