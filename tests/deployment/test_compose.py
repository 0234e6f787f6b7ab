"""Docker Compose itself accepts `docker-compose.yml`, with each profile and with the variables that the pages name."""

import json
import os
import subprocess
from typing import Any

import pytest

from tests.deployment.programs import compose
from tests.test_deploy import ROOT, SERVICES


def config(*profiles: str, **variables: str) -> dict[str, Any]:
    """Return the project as Compose understands it."""
    chosen = [word for profile in profiles for word in ("--profile", profile)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDEMARK_")}
    command = [*compose(), "-f", str(ROOT / "docker-compose.yml"), "--env-file", "/dev/null", *chosen, "config"]
    ran = subprocess.run(
        [*command, "--format", "json"], env={**kept, **variables}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize("profiles", [(), ("simulator",), ("scale",), ("edge",), ("simulator", "scale", "edge")])
def test_compose_accepts_the_file(profiles: tuple[str, ...]) -> None:
    services = config(*profiles)["services"]
    wanted = {name for name, one in SERVICES.items() if set(one.get("profiles", profiles)) <= set(profiles)}
    assert services.keys() == wanted
    for name, service in services.items():
        assert int(service["deploy"]["resources"]["limits"]["pids"]) > 0, name


def test_variables_of_the_operator_are_taken() -> None:
    variables = {"IMAGE": "example.com/tidemark:9", "MONGO_MEMORY": "8g", "API_PORTS": "8765", "TIDEMARK_PROXY": "none"}
    services = config(**variables)["services"]
    assert services["serving"]["image"] == "example.com/tidemark:9"
    assert services["serving"]["environment"]["TIDEMARK_PROXY"] == "none"
    assert services["serving"]["ports"][0]["published"] == "8765"
    assert int(services["mongo"]["deploy"]["resources"]["limits"]["memory"]) == 8 * 2**30
