"""`docker-compose.yml` as far as it can be tried without an engine: what it names exists, and its commands run."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from metrics.settings import PREFIX, Settings, load_settings
from tests.waiting import until
from tidemark.stack.ports import free_port

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("tidemark")}
ONCE = {"migrate"}
FOLDERS = {"storage", "compute_logs", "local_artifact_storage"}


def test_every_variable_is_a_setting() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for service in OURS.values():
        named = {name for name in service["environment"] if name.startswith(PREFIX)}
        assert named <= known


def test_what_a_service_needs_is_declared() -> None:
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", ())) <= SERVICES.keys(), name
        assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys(), name
        volumes = [volume.partition(":")[0] for volume in service.get("volumes", ())]
        assert set(volumes) <= COMPOSE["volumes"].keys(), name
        assert name in ONCE or "healthcheck" in service, name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_only_the_api_and_the_ui_are_published_and_on_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"webserver": ["127.0.0.1:3000:3000"], "serving": ["127.0.0.1:8000:8000"]}


def test_our_services_cannot_write_their_image() -> None:
    for name, service in OURS.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
    assert "USER tidemark" in (ROOT / "Dockerfile").read_text()


def test_files_that_the_image_copies_exist() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    for name in (name for names in copied for name in names):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("name", OURS)
def test_command_exists(name: str) -> None:
    program, *rest = OURS[name]["command"]
    if program == "python":
        assert importlib.util.find_spec(rest[1]) is not None
    else:
        assert (Path(sys.executable).parent / program).exists()


@pytest.mark.parametrize("name", ["serving", "simulator"])
def test_command_runs_until_its_health_check_is_content(name: str, settings: Settings) -> None:
    port = str(free_port())
    service = OURS[name]

    def here(words: list[str]) -> list[str]:
        own = service["healthcheck"]["test"][-1].partition("127.0.0.1:")[2].partition("/")[0]
        return [sys.executable if word == "python" else word.replace(own, port) for word in words]

    environment = {"TIDEMARK_MONGO_URL": settings.mongo_url or "", "TIDEMARK_REDIS_URL": settings.redis_url or ""}
    process = subprocess.Popen(here(service["command"]), env=environment, cwd=ROOT)
    try:
        check = here(service["healthcheck"]["test"][1:])
        until(lambda: subprocess.run(check, check=False, capture_output=True).returncode == 0, seconds=40)
    finally:
        process.terminate()
        process.wait(20)
    assert process.returncode in (0, -15)


def test_dagster_differs_from_one_machine_in_its_storage_alone() -> None:
    here, there = (yaml.safe_load((ROOT / name).read_text()) for name in ("dagster.yaml", "deploy/dagster.yaml"))
    assert {name: value for name, value in there.items() if name not in FOLDERS} == here
    environment = OURS["code"]["environment"].keys() | {"DAGSTER_POSTGRES_PASSWORD"}
    storage = there["storage"]["postgres"]["postgres_db"]
    assert {value["env"] for value in storage.values() if isinstance(value, dict)} <= environment


def test_secret_is_read_from_a_file(tmp_path: Path, settings: Settings) -> None:
    key = settings.secret_keys[0].get_secret_value()
    (tmp_path / "tidemark_secret_keys").write_text(key + "\n")
    found = load_settings(_env_file=None, _secrets_dir=tmp_path)
    assert [one.get_secret_value() for one in found.secret_keys] == [key]
