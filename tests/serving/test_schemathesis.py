"""Fuzzing with all checks of Schemathesis, from `/openapi.json`. Streams with a key are left out: they do not end.

`FUZZ_EXAMPLES=500 pytest tests/serving/test_schemathesis.py` tries more examples.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from metrics.store import Store
from serving.__main__ import Server

CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "3")


def fuzz(url: str, folder: Path, *options: str) -> None:
    """Run Schemathesis; fail with its report if it finds an error."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIG), "run", f"{url}/openapi.json",
        "--checks", "all", "--max-examples", EXAMPLES, "--no-color", "--continue-on-failure", *options,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:]


@pytest.mark.timeout(1800)
def test_with_a_key_every_answer_is_as_described(live: tuple[str, Server], seeded: Store, tmp_path: Path) -> None:
    key, _ = seeded.keys.create("fuzz", ["w1"], ["read", "collect"])
    fuzz(live[0], tmp_path, "--phases", "examples,coverage,fuzzing", "--exclude-operation-id", "stream",
         "--header", f"Authorization: Bearer {key}")  # fmt: skip


@pytest.mark.timeout(1800)
def test_without_a_key_every_answer_is_as_described(live: tuple[str, Server], tmp_path: Path) -> None:
    fuzz(live[0], tmp_path, "--phases", "examples,fuzzing")
