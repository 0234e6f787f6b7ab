"""Redocly's and Stoplight's linters of OpenAPI find nothing in `/openapi.json`, not even a warning."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from metrics.encoding import dump_json
from serving.description.openapi import document
from tests.frontend.react_page import ROOT, modules

pytestmark = pytest.mark.frontend
RULES = ROOT / "requirements" / "openapi-linters" / "spectral.yaml"
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def lint(folder: Path, described: dict[str, Any], command: str, *arguments: str) -> Any:
    """Run a linter over a description of an API; return what it printed as JSON."""
    path = folder / "openapi.json"
    path.write_bytes(dump_json(described))
    ran = subprocess.run(
        [modules("openapi-linters") / ".bin" / command, "lint", path, *arguments],
        cwd=folder, env={**os.environ, **QUIET}, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert ran.stdout, ran.stderr
    return json.JSONDecoder().raw_decode(ran.stdout[ran.stdout.index("[" if command == "spectral" else "{") :])[0]


def redocly(folder: Path, described: dict[str, Any]) -> list[str]:
    """Return what Redocly's recommended rules find: errors and warnings."""
    found = lint(folder, described, "redocly", "--format=json")["problems"]
    return [f"{problem['severity']}: {problem['ruleId']}: {problem['message']}" for problem in found]


def spectral(folder: Path, described: dict[str, Any]) -> list[str]:
    """Return what the rules `spectral:oas` find, down to hints."""
    found = lint(folder, described, "spectral", "--ruleset", str(RULES), "--format=json", "--quiet")
    return [f"{problem['severity']}: {problem['code']}: {problem['message']}" for problem in found]


@pytest.mark.parametrize("linter", [redocly, spectral])
def test_linter_finds_nothing(linter: Any, tmp_path: Path) -> None:
    assert linter(tmp_path, document()) == []


@pytest.mark.parametrize("linter", [redocly, spectral])
def test_linter_would_find_a_warning(linter: Any, tmp_path: Path) -> None:
    """An unused schema is a warning of both."""
    described = document()
    components = {**described["components"]}
    components["schemas"] = {
        **components["schemas"],
        "Unused": {"type": "object", "description": "Nobody refers to it."},
    }
    assert [line for line in linter(tmp_path, {**described, "components": components}) if "unused" in line.lower()]
