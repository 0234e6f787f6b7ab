"""The cache of API keys: refreshed with one query, aware of revocations in time, and recording uses."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from pymongo import monitoring

from metrics.settings import Settings
from metrics.store import Store
from serving.auth import authenticator
from serving.auth import known_keys as known
from serving.wire import slow_refusals
from tests.serving.conftest import serving
from tests.waiting import until

CATALOG = "/analytics/metrics"


class KeyCommands(monitoring.CommandListener):
    """Counts the commands sent to MongoDB's collection of keys."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.count += event.command.get(event.command_name) == "api_keys"

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


COMMANDS = KeyCommands()
monitoring.register(COMMANDS)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "FRESH_SECONDS", 0.5)
    monkeypatch.setattr(known, "USE_SECONDS", 0.2)


@pytest.fixture
def clients(seeded: Store, settings: Settings) -> Iterator[list[httpx.Client]]:
    with serving(settings) as url, ExitStack() as stack:
        keys = [seeded.keys.create(f"k{n}", ["w1"], ["read"])[0] for n in range(5)]
        yield [
            stack.enter_context(httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"})) for key in keys
        ]


def test_all_keys_are_refreshed_with_one_query(clients: list[httpx.Client], monkeypatch: pytest.MonkeyPatch) -> None:
    assert {client.get(CATALOG).status_code for client in clients} == {200}
    real, before = time.monotonic, COMMANDS.count
    monkeypatch.setattr(time, "monotonic", lambda: real() + known.FRESH_SECONDS + 1)
    assert {client.get(CATALOG).status_code for client in clients} == {200}
    assert COMMANDS.count == before + 1


def test_revoked_key_is_refused_soon(hurried: None, clients: list[httpx.Client], seeded: Store) -> None:
    assert clients[0].get(CATALOG).status_code == clients[1].get(CATALOG).status_code == 200
    seeded.keys.revoke(clients[0].headers["authorization"][7:21])
    until(lambda: clients[0].get(CATALOG).status_code == 401)
    assert clients[1].get(CATALOG).status_code == 200


def test_use_is_also_recorded_at_shutdown(seeded: Store, settings: Settings) -> None:
    key, stored = seeded.keys.create("used", ["w1"], ["read"])
    with serving(settings) as url:
        httpx.get(f"{url}{CATALOG}", headers={"Authorization": f"Bearer {key}"})
    assert seeded.keys.of_ids([stored.key_id])[stored.key_id].last_used_at is not None


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_made_up_keys_cost_no_query_and_push_no_real_key_out(
    clients: list[httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {client.get(CATALOG).status_code for client in clients} == {200}
    before = COMMANDS.count
    real = clients[0].headers["authorization"].removeprefix("Bearer ")
    for n in range(200):
        assert clients[0].get(CATALOG, headers=bearer(f"{real[:-10]}{n:010}")).status_code == 401
    assert COMMANDS.count == before
    monkeypatch.setattr(authenticator, "UNKNOWN_PER_MINUTE", 5)
    monkeypatch.setattr(slow_refusals, "SECONDS", 0)
    # Keys of version 0.1 have no checksum and have to be looked up.
    statuses = [clients[0].get(CATALOG, headers=bearer(f"tm_live_{n:040}")).status_code for n in range(30)]
    assert 5 <= statuses.count(401) <= 10  # a minute may end meanwhile
    assert set(statuses) == {401, 429}
    assert {client.get(CATALOG).status_code for client in clients} == {200}


def test_made_up_keys_of_an_address_do_not_refuse_a_key_in_use(
    hurried: None, clients: list[httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a proxy all clients may have one address; a key in use has to be read again every few seconds."""
    monkeypatch.setattr(authenticator, "UNKNOWN_PER_MINUTE", 5)
    assert clients[0].get(CATALOG).status_code == 200
    ends, refused, before = time.monotonic() + 20, False, COMMANDS.count
    while time.monotonic() < ends and not (refused and COMMANDS.count > before + 8):
        made_up = clients[1].get(CATALOG, headers=bearer(f"tm_live_{time.monotonic_ns():040}"))
        refused = refused or made_up.status_code == 429
        assert clients[0].get(CATALOG).status_code == 200
    assert refused
    assert COMMANDS.count > before + 8, "the key in use was read again"
