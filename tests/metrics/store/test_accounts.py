"""Accounts: connected, disconnected, and what of that is kept."""

from datetime import timedelta

import pytest

from metrics.clock import utcnow
from metrics.errors import NotFound
from metrics.store import Store
from tests.serving.conftest import account


def test_disconnected_account_forgets_its_credentials_and_keeps_when_it_went(store: Store) -> None:
    store.accounts.put([account("a", "w")])
    first = utcnow()
    store.accounts.disconnect("a", first)
    store.accounts.disconnect("a", first + timedelta(hours=5))
    found = store.accounts.get("a")
    assert (found["state"], found["disconnectedAt"], "credentials" in found) == ("disconnected", first, False)


def test_what_is_found_of_a_disconnected_account_does_not_bring_it_back(store: Store) -> None:
    store.accounts.put([account("a", "w")])
    store.accounts.disconnect("a", utcnow())
    store.accounts.set_state("a", "needs_reauth", "the token has expired")
    assert store.accounts.get("a")["state"] == "disconnected"
    assert "stateReason" not in store.accounts.get("a")


def test_account_that_is_not_there_has_no_state(store: Store) -> None:
    with pytest.raises(NotFound):
        store.accounts.set_state("nobody", "paused")
    with pytest.raises(NotFound):
        store.accounts.disconnect("nobody", utcnow())


def test_connections_are_those_of_workspaces_or_of_a_state(store: Store) -> None:
    store.accounts.put([account("b", "w1"), account("a", "w1"), account("c", "w2")])
    store.accounts.disconnect("a", utcnow())
    assert [one.account_id for one in store.accounts.connections(["w1"])] == ["a", "b"]
    assert [one.account_id for one in store.accounts.connections(states=["active"])] == ["b", "c"]
