"""Messages about anomalies reach each channel once, also where a process was killed or a receiver refuses."""

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from metrics.alerts.anomalies import COOL_DOWN
from metrics.store.workspace.anomaly_alerts import AnomalyMessageDocument
from metrics.upkeep.erase import left_of
from metrics.upkeep.reseal import reseal_all
from metrics.vault import Vault
from pipelines.resources import Clients
from pipelines.sensors import deliveries
from pipelines.sensors.anomalies import send_pending
from pipelines.sensors.deliveries import GIVEN_UP, LEASE
from tests.erasing import erased
from tests.pipelines.sensors.anomalies.told import HOUR, MINUTE, NOW, channels, messages, put, rule, watch
from tests.receiver import Receiver


def test_killed_between_claim_and_message_it_is_sent_once(
    clients: Clients, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule(clients, receiver.url)
    put(clients, "an_1")
    with monkeypatch.context() as killed:
        killed.setattr(deliveries, "send_to", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            watch(clients)
    assert (len(messages(clients)), receiver.messages) == (1, [])
    # Until the lease of the killed one ends, nobody else sends.
    watch(clients, NOW + LEASE / 2)
    assert receiver.messages == []
    watch(clients, NOW + 2 * LEASE)
    watch(clients, NOW + 2 * COOL_DOWN)
    assert (len(receiver.messages), messages(clients)[0]["pending"]) == (1, False)


def test_killed_before_the_claim_nothing_is_lost(clients: Clients, receiver: Receiver) -> None:
    made = rule(clients, receiver.url)
    put(clients, "an_1")
    # The next message was put off, and then the process ended.
    clients.store.db["anomaly_alerts"].update_one({"_id": made["_id"]}, {"$set": {"nextAt": NOW + COOL_DOWN}})
    watch(clients)
    assert receiver.messages == []
    watch(clients, NOW + COOL_DOWN)
    assert len(receiver.messages) == 1


def test_of_two_evaluations_one_makes_the_message(clients: Clients) -> None:
    made = rule(clients, "json://127.0.0.1:9/")

    def about(name: str, *ids: str) -> AnomalyMessageDocument:
        return {"_id": name, "workspaceId": "w", "anomalyIds": list(ids), "madeAt": NOW, "pending": True, "nextAt": NOW,
                "deliveries": []}  # fmt: skip

    claim = clients.store.anomaly_alerts.claim
    assert claim(made, about("am_1", "an_1"), NOW + COOL_DOWN)
    assert not claim(made, about("am_2", "an_2"), NOW + COOL_DOWN), "it was put off"
    again = clients.store.anomaly_alerts.get("w")
    assert again is not None
    assert not claim(again, about("am_3", "an_1", "an_3"), NOW), "an_1 is in a message"
    assert [one["_id"] for one in messages(clients)] == ["am_1"]


def test_channel_that_fails_is_tried_again_and_is_visible(
    clients: Clients, receiver: Receiver, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = Receiver()
    broken.refuses = True
    rule(clients, f"{broken.url}secret-token", receiver.url)
    put(clients, "an_1")
    watch(clients)
    failing, fine = channels(clients)
    assert (failing["failures"], failing["error"], fine["failures"]) == (1, "the receiver did not take the message", 0)
    broken.refuses = False
    watch(clients, NOW + HOUR)
    assert (len(broken.messages), len(receiver.messages), channels(clients)[0]["failures"]) == (1, 1, 0)
    broken.refuses = True
    put(clients, "an_2", foundAt=NOW)
    watch(clients, NOW + 2 * HOUR)
    watch(clients, NOW + 2 * HOUR + GIVEN_UP + MINUTE)
    newest, _ = messages(clients)
    assert [one["state"] for one in newest["deliveries"]] == ["given_up", "sent"]
    assert newest["pending"] is False
    told = capfd.readouterr().err
    assert "1 channels of alerts did not take their message; it is sent again" in told
    assert "1 channels did not take theirs within a day; it is given up" in told
    assert "secret-token" not in caplog.text + told
    broken.close()


def test_what_no_longer_holds_when_it_is_sent_again_is_left_out(clients: Clients, receiver: Receiver) -> None:
    receiver.refuses = True
    rule(clients, receiver.url)
    put(clients, "an_1")
    put(clients, "an_2", severity=9)
    watch(clients)
    receiver.refuses = False
    clients.store.anomalies.change("w", "an_2", {"muted": True}, [])
    watch(clients, NOW + HOUR)
    assert [one["title"] for one in receiver.messages] == ["Tidemark: 1 anomaly in w, severity 8 of 10"]
    receiver.refuses = True
    put(clients, "an_3", foundAt=NOW)
    watch(clients, NOW + 2 * HOUR)
    receiver.refuses = False
    put(clients, "an_3", foundAt=NOW, status="withdrawn")
    watch(clients, NOW + 3 * HOUR)
    newest, _ = messages(clients)
    assert (len(receiver.messages), newest["pending"], newest["deliveries"][0]["state"]) == (1, False, "given_up")


def test_rule_without_channels_sends_what_is_open_once_it_has_one(clients: Clients, receiver: Receiver) -> None:
    rule(clients)
    put(clients, "an_1")
    watch(clients)
    assert messages(clients) == []
    rule(clients, receiver.url, at=NOW)
    watch(clients, NOW + MINUTE)
    assert len(receiver.messages) == 1


def test_without_a_public_address_there_is_no_link(clients: Clients, receiver: Receiver) -> None:
    settings = clients.settings.model_copy(update={"connect_url": None})
    local = Clients(settings, clients.store, clients.redis, clients.announcer)
    rule(local, receiver.url)
    put(local, "an_1")
    watch(local)
    assert "://" not in receiver.messages[0]["message"]


def test_rotated_keys_open_channels(clients: Clients) -> None:
    rule(clients, "json://receiver.example/hook")
    old = clients.settings.secret_keys
    new = (SecretStr(Fernet.generate_key().decode()), *old)
    assert reseal_all(clients.store, Vault(new)) == (1, [])
    (channel,) = channels(clients)
    assert Vault(new[:1]).open(channel["sealed"], "anomaly-alert|w") == {"url": "json://receiver.example/hook"}
    assert reseal_all(clients.store, Vault(old)) == (0, ["w/anomalies/" + channel["id"]])


def test_erased_workspace_keeps_neither_rule_nor_messages(clients: Clients, receiver: Receiver) -> None:
    rule(clients, receiver.url)
    put(clients, "an_1")
    watch(clients)
    left = left_of(clients.store, "workspace", "w")
    assert (left["anomaly_alerts"], left["anomaly_messages"]) == (1, 1)
    erased(clients.store, clients.redis, "workspace", "w")
    assert left_of(clients.store, "workspace", "w") == {}
    assert send_pending(clients, NOW + HOUR).messages == 0
