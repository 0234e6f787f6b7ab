"""Accounts whose numbers are public are connected without a token, and by their handle."""

import io
import json
import sys
from typing import Any

import pytest

from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault
from simulator.bluesky.sessions import app_password
from simulator.world import SimAccount
from tests.simulator_fixture import Simulator
from tests.tidemark.commands import Cli

WORDS = ["accounts", "connect", "--workspace", "acme", "--platform", "bluesky", "--handle", "a", "--json"]


@pytest.fixture
def account(simulator: Simulator, on_stores: Store, monkeypatch: pytest.MonkeyPatch) -> SimAccount:
    """An account of the simulator, which the commands reach."""
    assert on_stores
    for name in ("BLUESKY_URL", "BLUESKY_PDS_URL"):
        monkeypatch.setenv(f"TIDEMARK_{name}", simulator.url)
    return simulator.world.account("bluesky", 5)


def handle(account: SimAccount) -> str:
    return f"{account.handle.replace('.', '-')}.bsky.social"


def stored(store: Store, settings: Settings) -> tuple[str, dict[str, Any]]:
    """Return the only account's id on its platform, and its credentials."""
    (found,) = store.accounts.find()
    return found["platformAccountId"], Vault(settings.secret_keys).open(found["credentials"], found["_id"])


@pytest.mark.parametrize("form", ["did", "handle", "@handle"])
def test_account_is_stored_under_its_did(
    form: str, account: SimAccount, cli: Cli, on_stores: Store, settings: Settings
) -> None:
    given = account.platform_account_id if form == "did" else form.replace("handle", handle(account))
    ran = cli(*WORDS, "--account", given)
    assert ran.code == 0, ran
    assert stored(on_stores, settings) == (account.platform_account_id, {})


def test_app_password_is_read_from_standard_input(
    account: SimAccount, cli: Cli, on_stores: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{app_password(account)}\n"))
    ran = cli(*WORDS, "--account", account.platform_account_id, "--token", "-")
    assert ran.code == 0, ran
    assert stored(on_stores, settings)[1] == {"access_token": app_password(account)}


def test_wrong_app_password_connects_nothing(account: SimAccount, cli: Cli, on_stores: Store) -> None:
    ran = cli(*WORDS, "--account", account.platform_account_id, "--token", "aaaa-bbbb-cccc-dddd")
    assert "nothing was connected" in ran.err
    assert "Invalid identifier or password" in ran.err
    assert on_stores.accounts.find() == []


def test_handle_of_nobody_connects_nothing(account: SimAccount, cli: Cli, on_stores: Store) -> None:
    assert account
    ran = cli(*WORDS, "--account", "nobody-there.bsky.social")
    assert "bluesky account nobody-there.bsky.social: Unable to resolve handle" in ran.err
    assert on_stores.accounts.find() == []


def test_account_given_by_did_and_handle_is_given_twice(
    account: SimAccount, cli: Cli, on_stores: Store, settings: Settings
) -> None:
    rows = [["acme", "bluesky", name, "a", ""] for name in (account.platform_account_id, handle(account))]
    lines = ["workspaceId,platform,platformAccountId,handle,accessToken", *(",".join(row) for row in rows)]
    (settings.home / "twice.csv").write_text("\n".join(lines))
    ran = cli("accounts", "import", "twice.csv")
    assert f"{handle(account)}: the same account as {account.platform_account_id}" in ran.err
    assert on_stores.accounts.find() == []
    (settings.home / "once.csv").write_text("\n".join([lines[0], lines[2]]))
    assert json.loads(cli("accounts", "import", "once.csv", "--json").out)
    assert stored(on_stores, settings) == (account.platform_account_id, {})
