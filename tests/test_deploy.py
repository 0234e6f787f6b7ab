"""`docker-compose.yml` as far as it can be judged by reading: its schema, what it names, and what it must not allow."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from metrics.settings import PREFIX, Settings, load_settings

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("tidemark")}
STORES = {"mongo", "redis", "postgres"}
ONCE = {"migrate", "retention"}
FIXED = {"home", "log_mb", "http_port", "dagster_port", "simulator_port"}
"""Settings that the image or the compose file fixes, and those that only `tidemark up` reads."""
SECRET = {"secret_keys", "export_options"}
"""Settings that are given as secret files."""
FOLDERS = {"storage", "compute_logs", "local_artifact_storage"}


def test_file_has_the_schema_of_compose_files() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    checked = subprocess.run([*command, str(ROOT / "docker-compose.yml")], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_every_setting_reaches_every_service() -> None:
    passed = {PREFIX + name.upper() for name in Settings.model_fields.keys() - FIXED - SECRET}
    for service in OURS.values():
        assert {name for name in service["environment"] if name.startswith(PREFIX)} == passed


def test_what_a_service_needs_is_declared() -> None:
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", ())) <= SERVICES.keys(), name
        assert set(service.get("secrets", ())) <= COMPOSE["secrets"].keys(), name
        assert set(service["networks"]) <= COMPOSE["networks"].keys(), name
        volumes = [volume.partition(":")[0] for volume in service.get("volumes", ())]
        assert set(volumes) <= COMPOSE["volumes"].keys(), name


def test_whoever_is_waited_for_says_when_it_is_ready() -> None:
    for name, service in SERVICES.items():
        assert name in ONCE or "healthcheck" in service, name
        for other, condition in service.get("depends_on", {}).items():
            ends = condition["condition"] == "service_completed_successfully"
            assert ends == (other in ONCE), (name, other)


def test_only_the_api_and_the_ui_are_published_and_on_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "webserver": ["127.0.0.1:3000:3000"],
        "serving": ["127.0.0.1:8000:8000"],
        "serving-many": ["127.0.0.1:8001:8000"],
    }


def test_stores_are_reached_by_ours_alone() -> None:
    assert COMPOSE["networks"]["stores"]["internal"]
    for name in STORES:
        assert SERVICES[name]["networks"] == ["stores"], name


def test_nobody_is_root_or_writes_its_image_or_grows_without_bound() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["pids_limit"], name
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
        assert name in OURS or service["user"] != "root", name
    assert "USER tidemark" in (ROOT / "Dockerfile").read_text()


def test_no_secret_stands_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert "PASSWORD:" not in text.replace("POSTGRES_PASSWORD_FILE:", "")
    assert "TIDEMARK_SECRET_KEYS" not in text
    for secret in COMPOSE["secrets"].values():
        assert secret["file"].startswith("deploy/secrets/")
    assert "deploy/secrets" in (ROOT / ".dockerignore").read_text()


def test_a_plain_start_applies_the_retention_and_shortens_none() -> None:
    assert SERVICES["retention"]["command"] == ["tidemark", "retention", "sync", "--lengthen"]
    assert "retention" in SERVICES["code"]["depends_on"]
    commands = [" ".join(map(str, one["command"])) for one in OURS.values()]
    assert [one for one in commands if "--shorten" in one] == []


def test_profiles_are_what_a_plain_start_leaves_out() -> None:
    optional = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}
    assert {profile for profiles in optional.values() for profile in profiles} == {"simulator", "scale"}
    assert optional["simulator"] == ["simulator"]
    assert optional["serving-many"] == ["scale"]


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
