"""`docker-compose.yml` as far as it can be judged by reading: its schema, what it names, and what it must not allow."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from metrics.settings import PREFIX, Settings, load_settings

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"] == "${IMAGE:-tidemark:0.1.0}"}
STORES = {"mongo", "mongo-init", "redis", "postgres"}
ONCE = {"migrate", "mongo-init", "retention"}
"""Services that end: everything that needs their work waits for their end."""
LEAST_CPUS, LEAST_GB = 2, 4
"""The smallest host of docs/deploying.md."""
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
        sources = [volume.partition(":")[0] for volume in service.get("volumes", ())]
        assert {source for source in sources if not source.startswith("./")} <= COMPOSE["volumes"].keys(), name
        assert all((ROOT / source).exists() for source in sources if source.startswith("./")), name


def test_every_service_ends_or_has_a_health_check() -> None:
    for name, service in SERVICES.items():
        assert (name in ONCE) == ("healthcheck" not in service), name
        for other, condition in service.get("depends_on", {}).items():
            ends = condition["condition"] == "service_completed_successfully"
            assert ends == (other in ONCE), (name, other)


def test_health_checks_survive_a_loaded_host() -> None:
    """A process of Dagster or mongosh took up to 20 s to start on two busy cores."""
    for name, service in SERVICES.items():
        if check := service.get("healthcheck"):
            starts_a_program = name in {"mongo", "code", "daemon", "worker"}
            assert int(check["timeout"].removesuffix("s")) >= (60 if starts_a_program else 20), name
            assert check["retries"] >= 3, name
            assert "rs.initiate" not in str(check), "a health check changes nothing"


def test_only_the_edge_is_published_beyond_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "webserver": ["127.0.0.1:${UI_PORT:-3000}:3000"],
        "serving": ["127.0.0.1:${API_PORTS:-8000-8009}:8000"],
        "edge": ["${EDGE_HTTP:-80}:8080", "${EDGE_HTTPS:-443}:8443", "${EDGE_HTTPS:-443}:8443/udp"],
    }
    assert SERVICES["edge"]["profiles"] == ["edge"]


def test_container_of_a_one_shot_service_has_one_network() -> None:
    """A start that fails half-way leaves containers that are connected to their first network alone."""
    for name in ONCE:
        assert SERVICES[name]["networks"] == ["stores"], name
        assert SERVICES[name]["restart"] == "no", name


def test_stores_are_reached_by_ours_alone() -> None:
    assert COMPOSE["networks"]["stores"]["internal"]
    for name in STORES:
        assert SERVICES[name]["networks"] == ["stores"], name


def test_no_service_is_root_or_writes_its_image_or_grows_without_bound() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "edge" else []), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        # Compose refuses a file with both.
        assert "pids_limit" not in service, name
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}, name
        assert name in OURS or service["user"] not in {"root", "0"}, name
    assert (ROOT / "Dockerfile").read_text().splitlines().count("USER 10001") == 1


def test_limits_fit_the_smallest_host() -> None:
    for name, service in SERVICES.items():
        # An engine refuses a container with more CPUs than the host has.
        assert float(limit(service, "cpus")) <= LEAST_CPUS, name
    long_lived = [one for name, one in SERVICES.items() if name not in ONCE and "profiles" not in one]
    assert sum(map(megabytes, long_lived)) <= LEAST_GB * 1024
    redis = SERVICES["redis"]["command"]
    assert defaulted(redis[redis.index("--maxmemory") + 1]) == "192mb"
    assert megabytes(SERVICES["redis"]) == 2 * 192, "rewriting the append-only file may need the memory twice"


def defaulted(text: str) -> str:
    """Return a value of the file as it is without a variable of the operator."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def limit(service: dict[str, Any], name: str) -> str:
    return defaulted(str(service["deploy"]["resources"]["limits"][name]))


def megabytes(service: dict[str, Any]) -> int:
    number, unit = limit(service, "memory")[:-1], limit(service, "memory")[-1]
    return int(number) * {"m": 1, "g": 1024}[unit]


def test_no_secret_stands_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert "PASSWORD:" not in text
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
    assert optional == {"simulator": ["simulator"], "worker": ["scale"], "edge": ["edge"]}


def test_processes_of_dagster_log_json() -> None:
    for name in ("code", "webserver", "daemon"):
        assert SERVICES[name]["command"][-2:] == ["--log-format", "json"], name


def test_dagster_differs_from_one_machine_in_its_storage_alone() -> None:
    here, there = (yaml.safe_load((ROOT / name).read_text()) for name in ("dagster.yaml", "deploy/dagster.yaml"))
    assert {name: value for name, value in there.items() if name not in FOLDERS} == here
    storage = there["storage"]["custom"]["config"]
    assert {value["env"] for value in storage.values()} <= OURS["code"]["environment"].keys()


def test_secret_is_read_from_a_file(tmp_path: Path, settings: Settings) -> None:
    key = settings.secret_keys[0].get_secret_value()
    (tmp_path / "tidemark_secret_keys").write_text(key + "\n")
    found = load_settings(_env_file=None, _secrets_dir=tmp_path)
    assert [one.get_secret_value() for one in found.secret_keys] == [key]
