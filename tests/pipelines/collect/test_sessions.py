"""Accounts of Bluesky in collection: without a token, and with an app password whose session is kept and renewed."""

from datetime import timedelta
from typing import Any

from metrics.periods import HOUR
from metrics.vault import Vault
from simulator.bluesky.api import PUBLIC
from simulator.bluesky.sessions import app_password
from tests.pipelines.collect.conftest import NOW, SLOT, Bench


def connect(bench: Bench, credentials: dict[str, Any], index: int = 8, **fields: Any) -> str:
    account_id = fields.get("_id", f"bluesky{index}")
    sealed = Vault(bench.settings.secret_keys).seal(credentials, account_id)
    return bench.connect(index, platform="bluesky", credentials=sealed, **fields)["_id"]


def kept(bench: Bench, account_id: str) -> dict[str, Any]:
    """Return the credentials that are stored for an account."""
    return Vault(bench.settings.secret_keys).open(bench.store.accounts.get(account_id)["credentials"], account_id)


def test_public_account_is_collected_without_a_token(bench: Bench) -> None:
    account_id = connect(bench, {})
    report = bench.collect(platform="bluesky")
    assert (report.ok, report.failures) == (1, [])
    assert bench.simulator.calls()["byAccount"].keys() == {PUBLIC}
    assert kept(bench, account_id) == {}
    assert len(bench.rows()) > 10


def test_session_of_an_app_password_is_kept_and_renewed(bench: Bench) -> None:
    password = app_password(bench.simulator.world.account("bluesky", 8))
    account_id = connect(bench, {"access_token": password})
    assert bench.collect(platform="bluesky").failures == []
    first = kept(bench, account_id)
    assert (first["app_password"], first["access_token"] != password) == (password, True)
    bench.collect(SLOT + HOUR, NOW + HOUR, "bluesky")
    assert kept(bench, account_id)["access_token"] == first["access_token"], "it lives for two hours"
    assert bench.collect(SLOT + 2 * HOUR, NOW + timedelta(hours=2, minutes=5), "bluesky").failures == []
    assert kept(bench, account_id)["access_token"] != first["access_token"]
    kinds = bench.simulator.calls()["byKind"]
    assert (kinds["createSession"], kinds["refreshSession"]) == (1, 1)


def test_same_account_in_another_workspace_gets_the_session_and_keeps_the_password(bench: Bench) -> None:
    password = app_password(bench.simulator.world.account("bluesky", 8))
    own = connect(bench, {"access_token": password})
    other = connect(bench, {"access_token": password}, workspace="v", _id="twin")
    assert bench.collect(platform="bluesky").failed == 0
    assert kept(bench, own)["app_password"] == kept(bench, other)["app_password"] == password
    assert bench.simulator.calls()["byKind"]["createSession"] == 1


def test_broken_handle_keeps_the_last_good_one(bench: Bench) -> None:
    account_id = connect(bench, {}, handle="good.example")
    did = bench.store.accounts.get(account_id)["platformAccountId"]
    bench.simulator.set_faults({"kind": "rename", "account": did, "value": "handle.invalid"})
    bench.collect(platform="bluesky")
    assert bench.store.accounts.get(account_id)["handle"] == "good.example"
