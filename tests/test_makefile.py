"""`make install` says what it does while it takes its time, and nothing where there is nothing to do."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = """#!/bin/sh
# Stands for Python and for uv, which would download hundreds of megabytes.
case "$*" in "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;; esac
case "$*" in "-m pip "*) cp "$0" "$(dirname "$0")/uv" ;; esac
"""


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_install_says_a_line_per_step_and_none_when_all_is_there(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)

    def install() -> list[str]:
        command = ["make", "-C", str(tmp_path), "--no-print-directory", "install", f"PYTHON={python}"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return [line for line in ran.stdout.splitlines() if "Nothing to be done" not in line]

    lines = install()
    assert lines[0] == "Creating the Python environment .venv"
    assert lines[1] == "Installing uv, which installs the rest"
    wanted = [(ROOT / f"requirements/{name}.txt").read_text() for name in ("dev", "uv")]
    packages = sum(len(re.findall(r"^[\w.\[\],-]+==", text, re.MULTILINE)) for text in wanted)
    assert lines[2] == f"Installing up to {packages} Python packages; missing ones are downloaded"
    assert lines[-1] == "Compiling the packages, once"
    assert install() == []
