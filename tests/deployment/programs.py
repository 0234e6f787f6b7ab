"""Programs that check deployment files: those on the PATH, or those that `make deployment` installs from packages."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.test_deploy import ROOT

FOLDER = ROOT / ".venv" / "deployment"
"""Where `make deployment` installs the packages of requirements/deployment.txt."""
_HOW = "run `make deployment`, which installs it"


def compose() -> list[str]:
    """Return the words that call Docker Compose, version 2.26 or newer; skip the test if there is none."""
    for words in (["docker", "compose"], ["docker-compose"], [str(FOLDER / "compose" / "docker-compose")]):
        if shutil.which(words[0]) and _version(words) >= (2, 26):
            return words
    pytest.skip(f"there is no Docker Compose: {_HOW}")


def caddy() -> str:
    """Return the path of Caddy; skip the test if there is none."""
    found = shutil.which("caddy") or shutil.which(str(FOLDER / "bin" / "caddy"))
    if found is None:
        pytest.skip(f"there is no Caddy: {_HOW}")
    return found


def _version(words: list[str]) -> tuple[int, ...]:
    ran = subprocess.run([*words, "version", "--short"], capture_output=True, text=True, check=False)
    number = ran.stdout.strip().lstrip("v").partition("-")[0].partition("+")[0]
    return tuple(map(int, number.split("."))) if ran.returncode == 0 and number.replace(".", "").isdigit() else ()


def folder_of_packages() -> Path:
    """Return the folder with the Python packages `helm_python` and `kubernetes_validate`; skip the test without it."""
    if not (FOLDER / "helm_python").is_dir():
        pytest.skip(f"there is no Helm: {_HOW}")
    return FOLDER
