"""Alerts over HTTP: set, list, read and delete; what is refused; and channels, whose URLs are never answered."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from metrics.settings import Settings
from metrics.store import Store
from metrics.store.workspace.alerts import FiringDocument, firing_id
from metrics.vault import Vault
from serving.__main__ import Server
from tests.serving.conftest import NOW, reading, running

PATH = "/analytics/workspace/w1/alerts"
FEW = {"title": "Few", "metric": "totalLikes", "comparison": "below", "threshold": 10, "period": "daily"}
SECRET = "json://receiver.example/a-secret-token"


def put(client: httpx.Client, name: str = "few", **changed: Any) -> httpx.Response:
    return client.put(f"{PATH}/{name}", json=FEW | changed)


def test_alert_is_set_read_and_deleted_and_its_channels_stay_secret(
    admin: httpx.Client, seeded: Store, settings: Settings, live: tuple[str, Server]
) -> None:
    made = put(admin, channels=[SECRET], accountIds=["a1"])
    assert made.status_code == 200, made.text
    (channel,) = made.json()["data"]["channels"]
    assert (channel["scheme"], channel["failures"], set(channel)) == ("json", 0, {"id", "scheme", "failures"})
    (stored,) = seeded.alerts.all("w1")
    assert b"secret-token" not in stored["channels"][0]["sealed"]
    opened = Vault(settings.secret_keys).open(stored["channels"][0]["sealed"], "alert|w1|few")
    assert opened == {"url": SECRET}
    # Without channels, the former ones stay; a threshold of its own begins anew.
    changed = put(admin, threshold=20).json()["data"]
    assert (changed["channels"], changed["state"], "accountIds" in changed) == ([channel], "waiting", False)
    firing: FiringDocument = {
        "_id": firing_id("w1", "few", "daily", NOW), "workspaceId": "w1", "alert": "few", "title": "Few",
        "metric": "totalLikes", "comparison": "below", "threshold": 20, "period": "daily", "periodStart": NOW,
        "periodEnd": NOW + timedelta(days=1), "periodLabel": "2026-01-01", "value": 3, "firedAt": NOW, "pending": False,
        "nextAt": NOW, "deliveries": [{"channel": channel["id"], "state": "sent", "attempts": 1}],
    }  # fmt: skip
    assert seeded.alerts.claim(firing)
    assert not seeded.alerts.claim(firing)
    with reading(live[0], seeded) as reader:
        assert [one["firingId"] for one in reader.get(f"{PATH}/few").json()["data"]["firings"]] == [firing["_id"]]
        (listed,) = reader.get(PATH).json()["data"]
        assert "firings" not in listed
        assert put(reader).status_code == reader.delete(f"{PATH}/few").status_code == 403
    assert put(admin, channels=[]).json()["data"]["channels"] == []
    assert admin.delete(f"{PATH}/few").status_code == 200
    assert admin.delete(f"{PATH}/few").status_code == admin.get(f"{PATH}/few").status_code == 404
    assert seeded.alerts.firings("w1", "few", 1) == []


@pytest.mark.parametrize(("changed", "message"), [
    ({"metric": "likes"}, "metric: there is no metric likes: did you mean totalLikes?"),
    ({"metric": "save_rate"}, "metric: there is no metric save_rate"),
    ({"comparison": "equals"}, "comparison"),
    ({"comparison": "falls", "threshold": -5}, "threshold: for rises and falls"),
    ({"threshold": 1e300}, "threshold: must be a number between"),
    ({"period": "hourly"}, "period"),
    ({"accountIds": ["a1", "a2"]}, "accountIds: the workspace has no account a2"),
    ({"channels": ["no-url"]}, "channels: number 1 is no URL of apprise"),
    ({"channels": [SECRET, "slack://secret-token"]}, "channels: number 2, slack, is not accepted by apprise"),
    ({"channels": ["syslog://host"]}, "would reach nobody"),
    ({"channels": [SECRET] * 11}, "channels"),
])  # fmt: skip
def test_wrong_alert_changes_nothing_and_tells_no_secret(
    admin: httpx.Client, seeded: Store, changed: dict[str, Any], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = put(admin, **changed)
    assert answer.status_code == 400
    assert message in answer.text
    assert answer.json()["errors"][0]["parameter"] == message.partition(":")[0].replace(
        "would reach nobody", "channels"
    )
    assert "secret-token" not in answer.text + caplog.text
    assert seeded.alerts.all("w1") == []


def test_channels_need_a_key_to_seal_them(seeded: Store, settings: Settings) -> None:
    without: tuple[SecretStr, ...] = ()
    with running(settings.model_copy(update={"secret_keys": without})) as (address, _):  # noqa: SIM117
        with reading(address, seeded, "admin") as admin:
            assert "TIDEMARK_SECRET_KEYS is not set" in put(admin, channels=[SECRET]).json()["detail"]
            assert put(admin).status_code == 200
            assert put(admin, "-few").json()["errors"][0]["parameter"] == "name"
