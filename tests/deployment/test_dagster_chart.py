"""Tidemark's Helm chart rendered together with Dagster's chart, whose folder `TIDEMARK_DAGSTER_CHART` names.

Dagster's chart comes from Dagster's chart repository (docs/kubernetes.md), so these tests are skipped without it:
`helm pull dagster/dagster --version 1.13.27 --untar` makes the folder.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import DagsterRun
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.instance.ref import InstanceRef
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

from tests.deployment.programs import folder_of_packages
from tests.deployment.test_chart import CHART, KUBERNETES, UID, VALUES, Manifest, named, pods
from tests.test_deploy import ROOT

VARIABLE = "TIDEMARK_DAGSTER_CHART"
DAGSTER = os.environ.get(VARIABLE)
"""Read here, because tests themselves do not see the caller's variables."""
SECRETS = {"tidemark", "dagster-postgresql-secret"}
"""The Secrets that docs/kubernetes.md creates by hand."""
RELEASES = ("tm", "dagster")
"""A release whose name contains `dagster` has other names of objects."""


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a copy of Tidemark's chart that has Dagster's as its dependency."""
    if DAGSTER is None:
        pytest.skip(f"set {VARIABLE} to the folder of Dagster's chart")
    sys.path.append(str(folder_of_packages()))
    folder = tmp_path_factory.mktemp("charts") / "tidemark"
    shutil.copytree(CHART, folder, ignore=shutil.ignore_patterns("charts"))
    shutil.copytree(DAGSTER, folder / "charts" / "dagster")
    yield folder
    sys.path.remove(str(folder_of_packages()))


def render(chart: Path, values: dict[str, Any], release: str = "tm") -> list[Manifest]:
    """Return the manifests of an installation; the values are checked against the schemas of both charts."""
    import helm_python  # installed by `make deployment`

    with helm_python.Chart.load(str(chart)) as loaded:
        loaded.validate_schema(values)
        texts = loaded.render(values, name=release, namespace="prod")
    documents = [one for name, text in texts.items() if name.endswith(".yaml") for one in yaml.safe_load_all(text)]
    return [one for one in documents if one]


@pytest.fixture(scope="module", params=RELEASES)
def manifests(chart: Path, request: pytest.FixtureRequest) -> list[Manifest]:
    return render(chart, {}, request.param)


def test_dagster_of_the_folder_is_the_version_of_the_chart(chart: Path) -> None:
    (dependency,) = yaml.safe_load((chart / "Chart.yaml").read_text())["dependencies"]
    assert yaml.safe_load((chart / "charts" / "dagster" / "Chart.yaml").read_text())["version"] == dependency["version"]


@pytest.mark.parametrize("version", KUBERNETES)
def test_manifests_are_valid(manifests: list[Manifest], version: str) -> None:
    import kubernetes_validate

    assert len(named(manifests, "Deployment")) == 4, "the code server, the UI, the daemon and serving"
    for one in manifests:
        kubernetes_validate.validate(one, version, strict=True)


@pytest.mark.parametrize(
    "values",
    [
        {"dagsterWebserver": {"logFormats": "json"}},
        {"dagsterDaemon": {"runRetries": {"maxRetries": "2"}}},
        {"concurrency": {"pools": {"default_limit": 2}}},
        {"runLauncher": {"config": {"k8sRunLauncher": {"podSpecConfig": {}}}}},
    ],
    ids=str,
)
def test_wrong_values_of_dagster_are_refused(chart: Path, values: dict[str, Any]) -> None:
    import helm_python

    with pytest.raises(helm_python.HelmError):
        render(chart, {"dagster": values})


def test_names_are_unique_and_references_lead_somewhere(manifests: list[Manifest]) -> None:
    keys = [(one["kind"], one["metadata"]["name"]) for one in manifests]
    assert len(keys) == len(set(keys))
    maps, accounts = named(manifests, "ConfigMap"), named(manifests, "ServiceAccount")
    for pod in pods(manifests):
        assert pod.get("serviceAccountName", next(iter(accounts))) in accounts
        volumes = {one["name"]: one for one in pod["volumes"]}
        assert {one["configMap"]["name"] for one in volumes.values() if "configMap" in one} <= maps.keys()
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            assert {one["name"] for one in container.get("volumeMounts") or ()} <= volumes.keys()
            for source in container.get("envFrom", ()):
                if reference := source.get("configMapRef"):
                    assert reference["name"] in maps
                elif not source["secretRef"].get("optional"):
                    assert source["secretRef"]["name"] in SECRETS
            for variable in container.get("env", ()):
                if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                    assert (reference["name"], reference["key"]) == ("dagster-postgresql-secret", "postgresql-password")
    for binding in named(manifests, "RoleBinding").values():
        assert binding["roleRef"]["name"] in named(manifests, "Role")
        assert {one["name"] for one in binding["subjects"]} <= accounts.keys()


def test_no_pod_runs_as_root_or_writes_its_image(manifests: list[Manifest]) -> None:
    found = list(pods(manifests))
    assert len(found) == 5, "the code server, the UI, the daemon, serving and the migration"
    for pod in found:
        assert pod["securityContext"]["runAsUser"] == UID
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"] is True
            assert rights["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]
            assert all(one.get("containerPort", 1024) >= 1024 for one in container.get("ports", ()))


def test_cluster_may_choose_the_user(chart: Path) -> None:
    left = dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"))
    (deployment,) = VALUES["dagster"]["dagster-user-deployments"]["deployments"]
    user = {"podSecurityContext": left}
    values = {
        **user,
        "dagster": {
            "dagster-user-deployments": {"deployments": [{**deployment, **user}]},
            "dagsterWebserver": user,
            "dagsterDaemon": user,
            "runLauncher": {
                "config": {"k8sRunLauncher": {"runK8sConfig": {"podSpecConfig": {"securityContext": left}}}}
            },
        },
    }
    rendered = render(chart, values)
    for pod in pods(rendered):
        assert pod["securityContext"].get("runAsUser") is None
    launcher = yaml.safe_load(instance_config(rendered))["run_launcher"]["config"]["run_k8s_config"]
    assert launcher["pod_spec_config"]["securityContext"].get("runAsUser") is None


def instance_config(manifests: list[Manifest]) -> str:
    """Return the text of the `dagster.yaml` that Dagster's pods mount."""
    return file_of(manifests, "dagster.yaml")


def file_of(manifests: list[Manifest], name: str) -> str:
    """Return the text of the one file of this name that a ConfigMap has."""
    (text,) = [str(one["data"][name]) for one in named(manifests, "ConfigMap").values() if name in (one["data"] or ())]
    return text


class _Unique(yaml.SafeLoader):
    """Refuses a key that occurs twice in one mapping; PyYAML itself takes the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), keys
        return super().construct_mapping(node, deep)


def test_dagster_reads_its_configuration_and_has_the_limits_of_compose(
    manifests: list[Manifest], tmp_path: Path
) -> None:
    text = instance_config(manifests)
    rendered = yaml.load(text, _Unique)
    (tmp_path / "dagster.yaml").write_text(text)
    InstanceRef.from_dir(str(tmp_path))  # raises an error if Dagster does not know a key
    wanted = yaml.safe_load((ROOT / "deploy" / "dagster.yaml").read_text())
    threads = ("sensors", "schedules", "backfills")
    for name in ("concurrency", "run_coordinator", "run_retries", "freshness", "telemetry", *threads):
        assert rendered[name] == wanted[name], name
    # The chart adds Dagster's own defaults to these two.
    assert wanted["run_monitoring"].items() <= rendered["run_monitoring"].items()
    assert rendered["run_monitoring"]["max_resume_run_attempts"] == 0
    assert rendered["retention"]["schedule"] == wanted["retention"]["schedule"]
    kept = rendered["retention"]["sensor"]["purge_after_days"]
    assert kept == {**wanted["retention"]["sensor"]["purge_after_days"], "started": -1}
    for name in ("run_storage", "event_log_storage", "schedule_storage"):
        assert rendered[name]["config"]["postgres_db"]["password"] == {"env": "DAGSTER_PG_PASSWORD"}


def test_workspace_leads_to_the_code_server(manifests: list[Manifest]) -> None:
    (server,) = yaml.safe_load(file_of(manifests, "workspace.yaml"))["load_from"]
    service = named(manifests, "Service")[server["grpc_server"]["host"]]["spec"]
    assert [one["port"] for one in service["ports"]] == [server["grpc_server"]["port"]]
    code = code_server(manifests)
    assert code["metadata"]["labels"].items() >= service["selector"].items()
    (container,) = code["spec"]["containers"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["code"]["command"]
    assert container["args"] == compose
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["exec"]["command"] == ["dagster", "api", "grpc-health-check", "-p", "4000"]


def code_server(manifests: list[Manifest]) -> Manifest:
    """Return the template of the code server's pods."""
    (found,) = [one for name, one in named(manifests, "Deployment").items() if name.endswith("-pipelines")]
    return dict(found["spec"]["template"])


def test_ui_and_daemon_are_started_and_probed(manifests: list[Manifest]) -> None:
    deployments = named(manifests, "Deployment")
    (ui,) = [one for name, one in deployments.items() if name.endswith("-webserver")]
    (container,) = ui["spec"]["template"]["spec"]["containers"]
    assert "dagster-webserver -h 0.0.0.0 -p 3000 -w /dagster-workspace/workspace.yaml" in container["command"][-1]
    assert container["readinessProbe"]["httpGet"] == {"path": "/server_info", "port": 3000}
    assert [one["port"] for one in named(manifests, "Service")[ui["metadata"]["name"]]["spec"]["ports"]] == [3000]
    (daemon,) = [one for name, one in deployments.items() if name.endswith("-daemon")]
    (container,) = daemon["spec"]["template"]["spec"]["containers"]
    assert "dagster-daemon run -w /dagster-workspace/workspace.yaml" in container["command"][-1]
    assert {"configMapRef": {"name": "tidemark"}} in container["envFrom"], "`tidemark erase` runs in this pod"
    assert {"secretRef": {"name": "tidemark"}} in container["envFrom"]


def test_policy_selects_the_pods_of_dagster(manifests: list[Manifest]) -> None:
    selector = named(manifests, "NetworkPolicy")["tidemark-inside"]["spec"]["podSelector"]["matchLabels"]
    for one in named(manifests, "Deployment").values():
        assert one["spec"]["template"]["metadata"]["labels"].items() >= selector.items()


def run_of(container_context: dict[str, Any], image: str) -> DagsterRun:
    """Return a run of a code server that answered with this container context and image."""
    pointer = ModuleCodePointer("pipelines.definitions", "defs")
    repository = RepositoryPythonOrigin(sys.executable, pointer, image, None, container_context)
    return DagsterRun("collect", job_code_origin=JobPythonOrigin("collect", repository))


def test_pods_of_runs_are_like_the_code_server(
    manifests: list[Manifest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The launcher of the rendered configuration builds the job of a run, with nothing sent to a cluster."""
    pytest.importorskip("dagster_k8s", reason="needs the extra `k8s`")
    import kubernetes.client
    import kubernetes_validate
    from dagster_k8s import K8sRunLauncher
    from dagster_k8s.container_context import K8sContainerContext
    from dagster_k8s.job import construct_dagster_k8s_job

    (tmp_path / "dagster.yaml").write_text(instance_config(manifests))
    monkeypatch.setattr("kubernetes.config.load_incluster_config", lambda: None)
    data = InstanceRef.from_dir(str(tmp_path)).run_launcher_data
    assert data is not None
    launcher = data.rehydrate(as_type=K8sRunLauncher)  # checks the configuration against the launcher's schema
    (code,) = code_server(manifests)["spec"]["containers"]
    (handed_on,) = [one["value"] for one in code["env"] if one["name"] == "DAGSTER_CLI_API_GRPC_CONTAINER_CONTEXT"]
    run = run_of(json.loads(handed_on), code["image"])
    context = K8sContainerContext.create_for_run(run, launcher, include_run_tags=True)
    job = construct_dagster_k8s_job(
        context.get_k8s_job_config(code["image"], launcher),
        ["dagster", "api", "execute_run"],
        "dagster-run-1",
        user_defined_k8s_config=context.run_k8s_config,
    )
    manifest = kubernetes.client.ApiClient().sanitize_for_serialization(job)
    for version in KUBERNETES:
        kubernetes_validate.validate(manifest, version, strict=True)
    pod, like = manifest["spec"]["template"]["spec"], code_server(manifests)["spec"]
    assert pod["securityContext"] == like["securityContext"]
    assert pod["enableServiceLinks"] is False
    assert pod["serviceAccountName"] in named(manifests, "ServiceAccount")
    (container,) = pod["containers"]
    for same in ("image", "imagePullPolicy", "securityContext", "resources", "volumeMounts"):
        assert container[same] == code[same], same
    assert {"configMapRef": {"name": "tidemark"}} in container["envFrom"]
    assert {"secretRef": {"name": "tidemark"}} in container["envFrom"]
    assert {one["name"] for one in container["env"]} >= {"DAGSTER_HOME", "DAGSTER_PG_PASSWORD"}
