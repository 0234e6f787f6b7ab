"""Alerts by thresholds fire once per closed period, whatever is late, killed or refused in between."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from redis import Redis

from metrics.alerts import firing as firing_module
from metrics.alerts.changes import NewAlert, set_alert
from metrics.alerts.evaluate import evaluate_alert
from metrics.alerts.firing import evaluate_due
from metrics.definitions.changes import NewDefinition, define, retire
from metrics.documents import AccountDocument, Observation
from metrics.redis.events import Announcer
from metrics.redis.keys import events_key
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.workspace.alerts import AlertDocument, FiringDocument
from metrics.upkeep.erase import left_of
from metrics.upkeep.reseal import reseal_all
from metrics.vault import Vault
from pipelines.resources import Clients
from pipelines.rollup.roll import roll
from pipelines.sensors import deliveries, thresholds
from pipelines.sensors.deliveries import GIVEN_UP, LEASE
from pipelines.sensors.thresholds import send_pending, watch_thresholds
from tests.pipelines.sensors.ticks import tick
from tests.receiver import Receiver

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
SET = START - DAY
CLOSED = START + DAY + HOUR


@pytest.fixture
def clients(store: Store, redis_client: Redis, settings: Settings) -> Clients:
    keyed = settings.model_copy(update={"secret_keys": (SecretStr(Fernet.generate_key().decode()),)})
    for name in "ab":
        store.accounts.put([AccountDocument(
            _id=name, workspaceId="w", platform="instagram", platformAccountId=name, handle=name, state="active",
            connectedAt=START - 60 * DAY,
        )])  # fmt: skip
    return Clients(keyed, store, redis_client, Announcer(redis_client))


def observe(clients: Clients, day: datetime, *, hours: int = 24, likes: int = 10, accounts: str = "ab") -> None:
    """Observe a day of both accounts: the likes of their post grow by `likes` in the last hour, followers are 100."""
    for name in accounts:
        clients.store.observations.append([
            *(Observation("w", name, "instagram", "account", day + n * HOUR, day + (n + 1) * HOUR,
                          {"followers": 100}, "r", "v1") for n in range(hours)),
            *(Observation("w", name, "instagram", "post", slot, slot + HOUR, {"likes": value, "views": 1000}, "r", "v1",
                          post_id=f"p{name}", platform_post_id=f"p{name}", content_type="image")
              for slot, value in ((day - HOUR, 500), (day + (hours - 1) * HOUR, 500 + likes))),
        ])  # fmt: skip


def rolled(clients: Clients, day: datetime = START, now: datetime = CLOSED) -> None:
    roll(clients.store, "daily", [day], run_id="r", now=now, announce=clients.announce_rollups)


def put(clients: Clients, name: str = "many", channels: tuple[str, ...] | None = None, **changed: Any) -> AlertDocument:
    fields: dict[str, Any] = {
        "title": "Many likes", "metric": "totalLikes", "comparison": "above", "threshold": 15, "period": "daily",
    }  # fmt: skip
    urls = None if channels is None else tuple(map(SecretStr, channels))
    wanted = NewAlert(name, **(fields | changed), channels=urls)
    return set_alert(clients.store, "w", wanted, SET, Vault(clients.settings.secret_keys))


def watch(clients: Clients, now: datetime = CLOSED) -> str:
    """Evaluate the sensor as the daemon does, at an instant."""
    return tick(watch_thresholds, thresholds, clients, now)


def firings(clients: Clients, name: str = "many") -> list[FiringDocument]:
    return clients.store.alerts.firings("w", name, 100)


def stored(clients: Clients, name: str = "many") -> AlertDocument:
    (found,) = clients.store.alerts.all("w", [name])
    return found


def test_alert_fires_once_when_its_period_closed(clients: Clients, receiver: Receiver) -> None:
    put(clients, channels=(receiver.url,))
    put(clients, "few", title="Few", comparison="below", threshold=20)
    observe(clients, START)
    rolled(clients, now=START + 20 * HOUR)
    assert watch(clients, START + 20 * HOUR).startswith("0 alerts")
    rolled(clients)
    assert watch(clients) == "2 alerts evaluated, 1 fired, 1 messages sent"
    # Late data changes the closed period, in which both alerts could fire now.
    observe(clients, START, likes=9)
    rolled(clients, now=CLOSED + HOUR)
    assert watch(clients, CLOSED + HOUR).startswith("2 alerts evaluated, 1 fired, 0 messages")
    rolled(clients, now=CLOSED + 2 * HOUR)
    watch(clients, CLOSED + 2 * HOUR)
    assert [(one["periodLabel"], one["value"]) for one in firings(clients)] == [("2026-03-02", 20)]
    (sent,) = receiver.messages
    assert sent["title"] == "Tidemark: Many likes"
    assert sent["message"].splitlines()[:2] == ["totalLikes is above 15 in 2026-03-02 (daily)", "value: 20"]
    assert firings(clients)[0]["_id"] in sent["message"]
    assert (stored(clients)["state"], stored(clients)["channels"][0]["failures"]) == ("firing", 0)
    kept: Any = clients.redis.xrange(events_key("w"))
    events = [fields for _, fields in kept if fields[b"event"] == b"alert:fired"]
    assert len(events) == 2
    assert left_of(clients.store, "workspace", "w")["alert_firings"] == 2


def test_missing_hours_and_accounts_never_fire_as_small_numbers(clients: Clients) -> None:
    put(clients, "few", comparison="below", threshold=1000)
    put(clients, "reach", metric="reach", comparison="below", threshold=1000)
    observe(clients, START, accounts="a")
    rolled(clients)
    watch(clients)
    assert (stored(clients, "few")["state"], stored(clients, "few")["last"]["reason"]) == ("unknown", "partial")
    assert stored(clients, "reach")["last"]["reason"] == "not_additive"
    assert firings(clients, "few") == firings(clients, "reach") == []
    observe(clients, START, accounts="b")
    rolled(clients, now=CLOSED + HOUR)
    watch(clients, CLOSED + HOUR)
    assert (stored(clients, "few")["state"], len(firings(clients, "few"))) == ("firing", 1)


@pytest.mark.parametrize(("hours", "state"), [(22, "firing"), (21, "unknown")])
def test_period_is_compared_if_nine_tenths_of_its_hours_were_observed(clients: Clients, hours: int, state: str) -> None:
    put(clients)
    observe(clients, START, hours=hours)
    rolled(clients)
    watch(clients)
    assert stored(clients)["state"] == state


def test_periods_that_ended_before_the_alert_was_set_do_not_fire(clients: Clients) -> None:
    observe(clients, START - DAY)
    observe(clients, START)
    put(clients, threshold=-1)
    rolled(clients, START - 2 * DAY)
    rolled(clients, START - DAY)
    rolled(clients)
    watch(clients)
    # It was set at the beginning of the day before, whose period ended later.
    assert [one["periodLabel"] for one in firings(clients)] == ["2026-03-02", "2026-03-01"]


def test_change_is_compared_over_accounts_of_both_periods(clients: Clients) -> None:
    clients.store.accounts.put([AccountDocument(
        _id="b", workspaceId="w", platform="instagram", platformAccountId="b", handle="b", state="active",
        connectedAt=START,
    )])  # fmt: skip
    put(clients, comparison="rises", threshold=40)
    put(clients, "new", comparison="rises", threshold=40, account_ids=("b",))
    observe(clients, START - DAY, accounts="a")
    common = ("w", "a", "instagram", "post", START + 23 * HOUR, START + DAY, {"likes": 525, "views": 1}, "r", "v1")
    of_post = {"post_id": "pa", "platform_post_id": "pa", "content_type": "image"}
    clients.store.observations.append([Observation(*common, **of_post)])  # type: ignore[arg-type]
    hours = [(START + n * HOUR, START + (n + 1) * HOUR) for n in range(24)]
    clients.store.observations.append(
        [Observation("w", name, "instagram", "account", *hour, {"followers": 1}, "r", "v1")
         for name in "ab" for hour in hours]
    )  # fmt: skip
    rolled(clients, START - DAY)
    rolled(clients)
    watch(clients)
    newest, *_ = firings(clients)
    assert (newest["value"], newest["changePercent"]) == (15, 50)
    assert stored(clients, "new")["last"]["reason"] == "not_comparable"


def test_own_metric_fires_and_is_unknown_once_it_is_retired(clients: Clients) -> None:
    define(clients.store, "w", [NewDefinition("all_followers", "All", "close(followers)")], SET)
    put(clients, metric="all_followers", threshold=150)
    observe(clients, START)
    rolled(clients)
    watch(clients)
    assert [one["value"] for one in firings(clients)] == [200]
    retire(clients.store, "w", "all_followers", SET)
    clients.store.alerts.mark_due("w", ["daily"])
    watch(clients)
    assert (stored(clients)["state"], stored(clients)["last"]["reason"]) == ("unknown", "metric_gone")


def test_killed_between_claim_and_message_it_is_sent_once(
    clients: Clients, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(clients, channels=(receiver.url,))
    observe(clients, START)
    rolled(clients)
    with monkeypatch.context() as killed:
        killed.setattr(clients.store.alerts.__class__, "settle", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            evaluate_due(clients.store, CLOSED)
    assert len(firings(clients)) == 1
    with monkeypatch.context() as killed:
        killed.setattr(deliveries, "send_to", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            send_pending(clients, CLOSED)
    assert receiver.messages == []
    # Until the lease of the killed one ends, nobody else sends.
    watch(clients, CLOSED + LEASE / 2)
    assert receiver.messages == []
    watch(clients, CLOSED + 2 * LEASE)
    watch(clients, CLOSED + 4 * LEASE)
    assert len(receiver.messages) == len(firings(clients)) == 1
    assert firings(clients)[0]["pending"] is False


def test_channel_that_fails_is_tried_again_and_stops_no_other(
    clients: Clients, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Receiver()
    broken.refuses = True
    secret = f"{broken.url}secret-token"
    put(clients, channels=(secret, receiver.url))
    observe(clients, START)
    rolled(clients)
    watch(clients)
    assert len(receiver.messages) == 1
    failing, fine = stored(clients)["channels"]
    assert (failing["failures"], failing["error"], fine["failures"]) == (1, "the receiver did not take the message", 0)
    broken.refuses = False
    watch(clients, CLOSED + HOUR)
    assert (len(broken.messages), len(receiver.messages)) == (1, 1)
    assert stored(clients)["channels"][0]["failures"] == 0
    broken.refuses = True
    observe(clients, START + DAY)
    rolled(clients, START + DAY, CLOSED + DAY)
    watch(clients, CLOSED + DAY)
    watch(clients, CLOSED + DAY + GIVEN_UP + HOUR)
    assert [one["state"] for one in firings(clients)[0]["deliveries"]] == ["given_up", "sent"]
    assert "secret-token" not in caplog.text
    broken.close()


def test_alert_that_cannot_be_evaluated_stops_no_other(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    put(clients, "a-broken")
    put(clients)
    observe(clients, START)
    rolled(clients)
    real = evaluate_alert

    def fails(store: Store, alert: AlertDocument, now: datetime) -> Any:
        if alert["name"] == "a-broken":
            raise ZeroDivisionError
        return real(store, alert, now)

    monkeypatch.setattr(firing_module, "evaluate_alert", fails)
    found = evaluate_due(clients.store, CLOSED)
    assert (found.alerts, found.fired, found.failed) == (1, 1, 1)
    assert stored(clients, "a-broken")["state"] == "unknown"


def test_rotated_keys_open_channels(clients: Clients) -> None:
    put(clients, channels=("json://receiver.example/hook",))
    old = clients.settings.secret_keys
    new = (SecretStr(Fernet.generate_key().decode()), *old)
    assert reseal_all(clients.store, Vault(new)) == (1, [])
    (channel,) = stored(clients)["channels"]
    assert Vault(new[:1]).open(channel["sealed"], "alert|w|many") == {"url": "json://receiver.example/hook"}
    assert reseal_all(clients.store, Vault(old)) == (0, ["w/many/" + channel["id"]])
