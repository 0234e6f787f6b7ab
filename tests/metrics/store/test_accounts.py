"""Accounts: connection, disconnection, and the data that is kept of them."""

from datetime import timedelta

import pytest

from metrics.clock import utcnow
from metrics.errors import NotFound
from metrics.store import Store
from tests.serving.documents import account


def test_disconnected_account_forgets_its_credentials_and_keeps_when_it_went(store: Store) -> None:
    store.accounts.put([account("a", "w")])
    first = utcnow()
    store.accounts.disconnect("a", first)
    store.accounts.disconnect("a", first + timedelta(hours=5))
    found = store.accounts.get("a")
    assert (found["state"], found["disconnectedAt"], "credentials" in found) == ("disconnected", first, False)


def test_setting_a_state_does_not_reconnect_a_disconnected_account(store: Store) -> None:
    store.accounts.put([account("a", "w")])
    store.accounts.disconnect("a", utcnow())
    store.accounts.set_state("a", "needs_reauth", "the token has expired")
    assert store.accounts.get("a")["state"] == "disconnected"
    assert "stateReason" not in store.accounts.get("a")


def test_state_of_an_unknown_account_cannot_be_set(store: Store) -> None:
    with pytest.raises(NotFound):
        store.accounts.set_state("nobody", "paused")
    with pytest.raises(NotFound):
        store.accounts.disconnect("nobody", utcnow())


def test_connections_are_those_of_workspaces_or_of_a_state(store: Store) -> None:
    store.accounts.put([account("b", "w1"), account("a", "w1"), account("c", "w2")])
    store.accounts.disconnect("a", utcnow())
    assert [one.account_id for one in store.accounts.connections(["w1"])] == ["a", "b"]
    assert [one.account_id for one in store.accounts.connections(states=["active"])] == ["b", "c"]
