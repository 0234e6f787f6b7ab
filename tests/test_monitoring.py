"""Rules and dashboard ask for metrics that there are, and send people to headings that there are."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import serving.process.measures  # noqa: F401  registers what there is
from metrics.settings import load_settings
from serving.process.deployment import DeploymentCollector

ROOT = Path(__file__).parents[1]
RULES = yaml.safe_load((ROOT / "deploy/prometheus/tidemark.rules.yml").read_text())["groups"][0]["rules"]
PANELS = json.loads((ROOT / "deploy/grafana/tidemark.json").read_text())["panels"]
EXPRESSIONS = [rule["expr"] for rule in RULES] + [t["expr"] for panel in PANELS for t in panel["targets"]]


def exposed() -> dict[str, set[str]]:
    """Every name that Prometheus can ask for, with its labels."""
    found: dict[str, set[str]] = {}
    for name, metric in REGISTRY._names_to_collectors.items():
        if name.startswith("tidemark_"):
            found[name] = set(getattr(metric, "_labelnames", ()))
    for family in DeploymentCollector(load_settings()).describe():
        found[family.name] = set(family._labelnames)
    return found


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_names_and_labels_are_exposed(expression: str) -> None:
    names = re.findall(r"tidemark_\w+", expression)
    assert names
    labels = {"le"}
    for name in names:
        assert name in exposed(), name
        labels |= exposed()[name]
    grouped = re.findall(r"by \(([^)]+)\)", expression)
    asked = {one.strip() for group in grouped for one in group.split(",")}
    assert asked | set(re.findall(r"(\w+)[!=]~?\"", expression)) <= labels


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Prometheus")
def test_prometheus_takes_the_rules() -> None:
    path = ROOT / "deploy/prometheus/tidemark.rules.yml"
    checked = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(RULES)} rules found" in checked.stdout


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_alert_leads_to_its_remedy(rule: dict[str, Any]) -> None:
    page, anchor = rule["annotations"]["runbook"].split("#")
    headings = re.findall(r"^## (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in {_anchor(heading) for heading in headings}


def test_runbook_has_ten_faults() -> None:
    page = (ROOT / "docs/runbook.md").read_text()
    faults = re.split(r"^## \d+\. ", page, flags=re.MULTILINE)[1:]
    assert len(faults) == 10
    for fault in faults:
        assert all(f"**{word}**" in fault for word in ("Symptom", "Check", "Remedy")), fault[:40]
