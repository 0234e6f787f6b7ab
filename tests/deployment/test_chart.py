"""The Helm chart: rendered by Helm's own library, checked against the schemas of Kubernetes, and compared with compose.

The chart of Dagster, a dependency, is not here: its values are compared with `deploy/dagster.yaml`, and rendered
only by test_dagster_chart.py, which needs that chart.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from metrics.settings import PREFIX, Settings
from tests.deployment.programs import folder_of_packages
from tests.test_deploy import ROOT

CHART = ROOT / "deploy" / "helm" / "tidemark"
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
DAGSTER: dict[str, Any] = VALUES["dagster"]
KUBERNETES = ("1.25", "1.31", "1.34")
UID = 10001
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def _packages() -> Iterator[None]:
    sys.path.append(str(folder_of_packages()))
    yield
    sys.path.remove(str(folder_of_packages()))


def render(values: dict[str, Any]) -> list[Manifest]:
    """Return the manifests of an installation with these values, without Dagster's chart."""
    import helm_python  # installed by `make deployment`

    with helm_python.Chart.load(str(CHART)) as chart:
        chart.validate_schema(values)
        texts = chart.render({**values, "dagster": {"enabled": False}}, name="demo", namespace="prod")
    documents = [one for name, text in texts.items() if name.endswith(".yaml") for one in yaml.safe_load_all(text)]
    return [one for one in documents if one]


def named(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}


def pods(manifests: list[Manifest]) -> Iterator[Manifest]:
    for one in manifests:
        if one["kind"] in {"Deployment", "Job"}:
            yield one["spec"]["template"]["spec"]


EVERYTHING = {
    "imagePullSecrets": [{"name": "registry"}],
    "serving": {"ingress": {"enabled": True, "className": "nginx"}, "prometheusPort": 9090, "nodeSelector": {"a": "b"}},
    "networkPolicy": {"ingressNamespaces": ["ingress-nginx"]},
}
FEW = {
    "serving": {"autoscaling": {"enabled": False}},
    "networkPolicy": {"enabled": False},
    "migration": {"enabled": False},
}


@pytest.mark.usefixtures("_packages")
@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("values", [{}, EVERYTHING, FEW], ids=["defaults", "everything", "few"])
def test_manifests_are_valid(values: dict[str, Any], version: str) -> None:
    import kubernetes_validate

    manifests = render(values)
    assert {one["kind"] for one in manifests} >= {"Deployment", "Service", "ConfigMap", "PodDisruptionBudget"}
    for one in manifests:
        kubernetes_validate.validate(one, version, strict=True)


@pytest.mark.usefixtures("_packages")
def test_schema_of_kubernetes_refuses_a_wrong_field() -> None:
    import kubernetes_validate

    service = named(render({}), "Service")["tidemark-serving"]
    service["spec"]["ports"][0]["prot"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(service, KUBERNETES[-1], strict=True)


@pytest.mark.usefixtures("_packages")
def test_no_pod_runs_as_root_or_writes_its_image() -> None:
    found = list(pods(render(EVERYTHING)))
    assert len(found) == 2
    for pod in found:
        assert pod["securityContext"]["runAsUser"] == UID
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"] is True
            assert rights["allowPrivilegeEscalation"] is False
            assert rights["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]
            assert {mount["name"] for mount in container["volumeMounts"]} <= {one["name"] for one in pod["volumes"]}
    assert f"--uid {UID}" in (ROOT / "Dockerfile").read_text()


@pytest.mark.usefixtures("_packages")
def test_cluster_may_choose_the_user() -> None:
    left = dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"))
    for pod in pods(render({**EVERYTHING, "podSecurityContext": left})):
        assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


@pytest.mark.usefixtures("_packages")
def test_serving_is_probed_like_the_health_checks_say() -> None:
    (container,) = named(render({}), "Deployment")["tidemark-serving"]["spec"]["template"]["spec"]["containers"]
    probes = {kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    assert probes == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
    assert {"configMapRef": {"name": "tidemark"}} in container["envFrom"]
    assert {"secretRef": {"name": "tidemark"}} in container["envFrom"]


@pytest.mark.usefixtures("_packages")
def test_policies_select_the_pods_of_the_chart() -> None:
    manifests = render(EVERYTHING)
    labels = named(manifests, "Deployment")["tidemark-serving"]["spec"]["template"]["metadata"]["labels"]
    for one in (*named(manifests, "NetworkPolicy").values(), *named(manifests, "PodDisruptionBudget").values()):
        chosen = one["spec"].get("podSelector") or one["spec"]["selector"]
        assert chosen["matchLabels"].items() <= labels.items(), one["metadata"]["name"]
    open_ports = named(manifests, "NetworkPolicy")["tidemark-serving"]["spec"]["ingress"][0]["ports"]
    assert [one["port"] for one in open_ports] == [8000, 9090]


@pytest.mark.usefixtures("_packages")
def test_migration_runs_before_installation_and_upgrade_with_the_settings() -> None:
    manifests = render({"settings": {"TIDEMARK_RETENTION_DAYS": "30"}})
    job = named(manifests, "Job")["tidemark-migration"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    pod = job["spec"]["template"]["spec"]
    assert pod["initContainers"][0]["args"] == ["dagster", "instance", "migrate"]
    assert pod["containers"][0]["args"] == ["tidemark", "retention", "sync", "--lengthen"]
    environment = {one["name"]: one["value"] for one in pod["containers"][0]["env"]}
    assert environment == named(manifests, "ConfigMap")["tidemark"]["data"]
    assert environment["TIDEMARK_RETENTION_DAYS"] == "30"
    config = yaml.safe_load((ROOT / "deploy" / "dagster.yaml").read_text())["storage"]["custom"]["config"]
    variables = {value["env"] for value in config.values()}
    assert variables <= {one["name"] for one in pod["initContainers"][0]["env"]}


@pytest.mark.usefixtures("_packages")
@pytest.mark.parametrize(
    "values",
    [
        {"image": {"pullPolicy": "Sometimes"}},
        {"settings": {"TIDEMARK_SECRET_KEYS": "a key"}},
        {"settings": {"RETENTION_DAYS": "30"}},
        {"settings": {"TIDEMARK_RETENTION_DAYS": 30}},
        {"serving": {"replica": 3}},
        {"servings": {}},
        {"postgres": {"port": "5432"}},
    ],
    ids=str,
)
def test_wrong_values_are_refused(values: dict[str, Any]) -> None:
    import helm_python

    with pytest.raises(helm_python.HelmError):
        render(values)


def test_settings_of_the_chart_exist() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert VALUES["settings"].keys() <= known


def test_limits_of_dagster_are_those_of_compose() -> None:
    wanted = yaml.safe_load((ROOT / "deploy" / "dagster.yaml").read_text())
    daemon, concurrency = DAGSTER["dagsterDaemon"], DAGSTER["concurrency"]
    assert snake({"pools": concurrency["pools"], "runs": concurrency["runs"]}) == wanted["concurrency"]
    assert daemon["runCoordinator"]["config"]["customRunCoordinator"] == wanted["run_coordinator"]
    for name in ("runMonitoring", "runRetries", "sensors", "schedules", "backfills"):
        (section, limits), *_ = snake({name: daemon[name]}).items()
        assert limits == wanted[section]
    assert snake({k: v for k, v in DAGSTER["retention"].items() if k != "enabled"}) == wanted["retention"]
    for name, value in DAGSTER["additionalInstanceConfig"].items():
        assert wanted[name] == value


def snake(value: Any) -> Any:
    """Return values of Dagster's chart with the names of dagster.yaml."""
    if isinstance(value, dict):
        return {re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower(): snake(one) for name, one in value.items()}
    return [snake(one) for one in value] if isinstance(value, list) else value


def test_pods_of_runs_have_the_rights_of_the_code_server() -> None:
    """Dagster's chart hands on the variables, volumes and resources of the code server, but no security context."""
    (deployment,) = DAGSTER["dagster-user-deployments"]["deployments"]
    launcher = DAGSTER["runLauncher"]["config"]["k8sRunLauncher"]
    assert launcher["securityContext"] == deployment["securityContext"]
    pod = launcher["runK8sConfig"]["podSpecConfig"]
    assert pod == {"securityContext": deployment["podSecurityContext"], "enableServiceLinks": False}


def test_ui_listens_where_a_user_without_capabilities_may() -> None:
    webserver = DAGSTER["dagsterWebserver"]
    assert webserver["service"]["port"] >= 1024
    assert webserver["readinessProbe"]["httpGet"]["port"] == webserver["service"]["port"]


def test_code_location_has_the_name_and_port_of_compose() -> None:
    """Dagster keeps the states of schedules and sensors under the name of the code location."""
    (server,) = yaml.safe_load((ROOT / "deploy" / "workspace.yaml").read_text())["load_from"]
    (deployment,) = DAGSTER["dagster-user-deployments"]["deployments"]
    assert deployment["name"] == server["grpc_server"]["location_name"]
    assert deployment["port"] == server["grpc_server"]["port"]
    assert deployment["startupProbe"]["enabled"] is True, "without it Dagster's chart renders no startup probe"


def test_images_of_dagster_are_complete_and_the_same() -> None:
    """Dagster's chart refuses an image in its list without `pullPolicy`, since items of lists have no defaults."""
    (deployment,) = DAGSTER["dagster-user-deployments"]["deployments"]
    images = [deployment["image"], DAGSTER["dagsterWebserver"]["image"], DAGSTER["dagsterDaemon"]["image"]]
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert images == [{**VALUES["image"], "tag": version}] * 3
    for one in (deployment, DAGSTER["dagsterWebserver"], DAGSTER["dagsterDaemon"]):
        assert one["podSecurityContext"]["runAsUser"] == UID
        assert one["securityContext"]["readOnlyRootFilesystem"] is True


def test_dagster_of_the_chart_is_that_of_the_image() -> None:
    (dependency,) = yaml.safe_load((CHART / "Chart.yaml").read_text())["dependencies"]
    project = (ROOT / "pyproject.toml").read_text()
    assert f'"dagster=={dependency["version"]}"' in project
    (pinned,) = re.findall(r"dagster-k8s==[\d.]+", (ROOT / "deploy" / "helm" / "Dockerfile").read_text())
    assert f'"{pinned}"' in project
