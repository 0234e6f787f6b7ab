"""Tests that keys can be rotated without locking anybody out."""

import json

import pytest
from cryptography.fernet import Fernet

from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault, generate_secret_key
from tests.serving.conftest import account
from tests.tidemark.commands import Cli


def test_credentials_are_sealed_with_the_newest_key(
    on_stores: Store, settings: Settings, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = settings.secret_keys[0].get_secret_value(), generate_secret_key()
    sealed = Vault(settings.secret_keys).seal({"access_token": "t"}, "a1")
    on_stores.accounts.put([{**account("a1", "w1"), "credentials": sealed}])
    monkeypatch.setenv("TIDEMARK_SECRET_KEYS", f"{new},{old}")
    assert cli("keys", "reseal").code == 0
    monkeypatch.setenv("TIDEMARK_SECRET_KEYS", new)
    assert cli("keys", "reseal", "--json").code == 0


def test_credentials_of_version_0_1_are_bound_and_those_of_another_account_are_not(
    on_stores: Store, settings: Settings, cli: Cli
) -> None:
    vault = Vault(settings.secret_keys)
    unbound = Fernet(settings.secret_keys[0].get_secret_value()).encrypt(b'{"access_token": "t"}')
    moved = vault.seal({"access_token": "t"}, "a1")
    on_stores.accounts.put(
        [{**account("a1", "w1"), "credentials": unbound}, {**account("a2", "w2"), "credentials": moved}]
    )
    ran = cli("keys", "reseal")
    assert (ran.code, "a1" in ran.err, "a2" in ran.err) == (1, False, True)
    assert vault.is_bound(on_stores.accounts.get("a1")["credentials"], "a1")
    assert on_stores.accounts.get("a2")["credentials"] == moved


def test_credentials_that_no_key_opens_are_named_and_kept(on_stores: Store, cli: Cli) -> None:
    on_stores.accounts.put([account("a1", "w1")])
    ran = cli("keys", "reseal")
    assert ran.code == 1
    assert "a1" in ran.err
    assert on_stores.accounts.get("a1")["credentials"] == b"sealed"


def test_rotated_key_has_the_same_rights_and_the_old_one_ends(on_stores: Store, cli: Cli) -> None:
    _, old = on_stores.keys.create("dashboard", ["w1"], ["read"])
    made = json.loads(cli("keys", "rotate", old.prefix, "--overlap-hours", "0", "--json").out)
    assert (made["name"], made["workspaces"], made["scopes"]) == ("dashboard", ["w1"], ["read"])
    assert {key.prefix: key.expires_at is None for key in on_stores.keys.find_all()} == {
        old.prefix: False,
        made["prefix"]: True,
    }
    assert cli("keys", "rotate", old.prefix).code == 2
