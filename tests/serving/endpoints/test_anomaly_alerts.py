"""Alerts of anomalies over HTTP: set, read and delete; what is refused; and channels, whose URLs are never answered."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from metrics.settings import Settings
from metrics.store import Store
from metrics.store.workspace.anomaly_alerts import AnomalyMessageDocument
from metrics.vault import Vault
from serving.__main__ import Server
from tests.serving.conftest import NOW, reading, running

PATH = "/analytics/workspace/w1/anomaly-alerts"
SECRET = "json://receiver.example/a-secret-token"


def test_rule_is_set_read_and_deleted_and_its_channels_stay_secret(
    admin: httpx.Client, seeded: Store, settings: Settings, live: tuple[str, Server]
) -> None:
    assert admin.get(PATH).status_code == admin.delete(PATH).status_code == 404
    made = admin.put(PATH, json={"minSeverity": 7, "channels": [SECRET]})
    assert made.status_code == 200, made.text
    assert "secret-token" not in made.text
    (channel,) = made.json()["data"]["channels"]
    assert (channel["scheme"], channel["failures"], set(channel)) == ("json", 0, {"id", "scheme", "failures"})
    stored = seeded.anomaly_alerts.get("w1")
    assert stored is not None
    assert b"secret-token" not in stored["channels"][0]["sealed"]
    assert Vault(settings.secret_keys).open(stored["channels"][0]["sealed"], "anomaly-alert|w1") == {"url": SECRET}
    message: AnomalyMessageDocument = {
        "_id": "am_1", "workspaceId": "w1", "anomalyIds": ["an_1"], "madeAt": NOW, "pending": False, "nextAt": NOW,
        "deliveries": [{"channel": channel["id"], "state": "given_up", "attempts": 9}],
    }  # fmt: skip
    assert seeded.anomaly_alerts.claim(stored, message, NOW + timedelta(minutes=15))
    # Without channels, the former ones stay; neither its beginning nor its cool-down changes.
    changed = admin.put(PATH, json={"minSeverity": 3}).json()["data"]
    assert (changed["minSeverity"], changed["channels"]) == (3, [channel])
    assert changed["createdAt"] == made.json()["data"]["createdAt"] < changed["changedAt"]
    again = seeded.anomaly_alerts.get("w1")
    assert again is not None
    assert again["nextAt"] == NOW + timedelta(minutes=15)
    with reading(live[0], seeded) as reader:
        (shown,) = reader.get(PATH).json()["data"]["messages"]
        assert (shown["messageId"], shown["anomalyIds"], shown["deliveries"][0]["state"]) == (
            "am_1", ["an_1"], "given_up",
        )  # fmt: skip
        assert reader.put(PATH, json={"minSeverity": 3}).status_code == reader.delete(PATH).status_code == 403
    assert admin.put(PATH, json={"minSeverity": 3, "channels": []}).json()["data"]["channels"] == []
    assert admin.delete(PATH).status_code == 200
    assert admin.get(PATH).status_code == 404
    assert seeded.anomaly_alerts.messages("w1", 1) == []


@pytest.mark.parametrize(("body", "parameter"), [
    ({}, "minSeverity"),
    ({"minSeverity": 0}, "minSeverity"),
    ({"minSeverity": 11}, "minSeverity"),
    ({"minSeverity": 5, "channels": ["no-url"]}, "channels"),
    ({"minSeverity": 5, "channels": [SECRET, "slack://secret-token"]}, "channels"),
    ({"minSeverity": 5, "channels": [SECRET] * 11}, "channels"),
])  # fmt: skip
def test_wrong_rule_changes_nothing_and_tells_no_secret(
    admin: httpx.Client, seeded: Store, body: dict[str, Any], parameter: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = admin.put(PATH, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, parameter)
    assert "secret-token" not in answer.text + caplog.text
    assert seeded.anomaly_alerts.get("w1") is None


def test_channels_need_a_key_to_seal_them(seeded: Store, settings: Settings) -> None:
    without: tuple[SecretStr, ...] = ()
    with running(settings.model_copy(update={"secret_keys": without})) as (address, _):  # noqa: SIM117
        with reading(address, seeded, "admin") as admin:
            refused = admin.put(PATH, json={"minSeverity": 5, "channels": [SECRET]})
            assert "TIDEMARK_SECRET_KEYS is not set" in refused.json()["detail"]
            assert admin.put(PATH, json={"minSeverity": 5}).status_code == 200


def test_list_of_alerts_tells_the_rule_if_there_is_one(admin: httpx.Client, seeded: Store) -> None:
    path = "/analytics/workspace/w1/alerts"
    assert "anomalies" not in admin.get(path).json()
    rule = admin.put(PATH, json={"minSeverity": 6}).json()["data"]
    assert admin.get(path).json()["anomalies"] == rule
    assert "anomalies" not in admin.get("/analytics/workspace/w2/alerts").json(), "it is of its workspace alone"
