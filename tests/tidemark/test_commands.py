"""Tests of the commands as programs and people use them: what they print, and what they change."""

import io
import json
import subprocess
import sys
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest

from metrics.clock import machine_now, utcnow
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault
from tests.clock import ahead_by
from tests.tidemark.commands import Cli, Ran
from tidemark.cli import main
from tidemark.home import Home

CONNECT = ["accounts", "connect", "--workspace", "acme", "--platform", "instagram", "--account", "1", "--handle", "a"]


def test_version_is_that_of_the_package(cli: Cli) -> None:
    assert cli("--version") == Ran(0, f"tidemark {version('tidemark')}\n", "")


def test_token_is_read_from_standard_input(
    cli: Cli, on_stores: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("first-token\nrefresh\nclient\nsecret\n"))
    # Instagram has no refresh tokens.
    ran = cli(*(word.replace("instagram", "twitter") for word in CONNECT), "--refresh", "--json")
    assert ran.code == 0, ran
    (shown,) = json.loads(ran.out)
    account = on_stores.accounts.get(shown["_id"])
    assert "credentials" not in shown
    assert Vault(settings.secret_keys).open(account["credentials"], account["_id"]) == {
        "access_token": "first-token", "refresh_token": "refresh", "client_id": "client", "client_secret": "secret",
    }  # fmt: skip


FORMS = {
    "linkedin": ("5500001", "urn:li:organization:5500001", "urn%3Ali%3AorganizationBrand%3A5500001", "05500001"),
    "twitter": ("700000007", "0700000007", " 700000007\u200e"),
}


@pytest.mark.parametrize("platform", FORMS)
def test_account_is_one_by_whatever_spelling(platform: str, cli: Cli, on_stores: Store, settings: Settings) -> None:
    words = ["accounts", "connect", "--workspace", "acme", "--platform", platform, "--handle", "a", "--json"]
    shown = [
        json.loads(cli(*words, "--account", form, "--token", f"t{number}").out)[0]
        for number, form in enumerate(FORMS[platform])
    ]
    assert len({one["_id"] for one in shown}) == len({one["connectedAt"] for one in shown}) == 1
    (stored,) = on_stores.accounts.find()
    newest = {"access_token": f"t{len(shown) - 1}"}
    assert Vault(settings.secret_keys).open(stored["credentials"], stored["_id"]) == newest


def test_account_of_an_older_version_keeps_its_id(cli: Cli, on_stores: Store) -> None:
    on_stores.db["accounts"].insert_one(
        {"_id": "acc_old", "workspaceId": "acme", "platform": "linkedin", "handle": "a", "state": "active",
         "platformAccountId": "urn:li:organization:5500001", "connectedAt": utcnow()}
    )  # fmt: skip
    words = ["accounts", "connect", "--workspace", "acme", "--platform", "linkedin", "--handle", "b", "--token", "t"]
    assert cli(*words, "--account", "5500001").out.startswith("acc_old is active")
    (stored,) = on_stores.accounts.find()
    assert (stored["_id"], stored["platformAccountId"], stored["handle"]) == ("acc_old", "5500001", "b")


def test_account_goes_through_its_states(cli: Cli, on_stores: Store) -> None:
    account_id = json.loads(cli(*CONNECT, "--token", "t", "--json").out)[0]["_id"]
    for command, state in (("pause", "paused"), ("resume", "active"), ("disconnect", "disconnected")):
        assert cli("accounts", command, account_id).out == f"{account_id} is {state}\n"
        listed = json.loads(cli("accounts", "list", "--state", state, "--json").out)
        assert [one["_id"] for one in listed] == [account_id]
    assert "credentials" not in on_stores.accounts.get(account_id)
    assert "renews its token" in cli("accounts", "resume", account_id).err


def test_account_that_is_connected_again_keeps_the_time_without_it(cli: Cli, on_stores: Store) -> None:
    account_id = json.loads(cli(*CONNECT, "--token", "t", "--json").out)[0]["_id"]
    connected = on_stores.accounts.get(account_id)["connectedAt"]
    cli("accounts", "disconnect", account_id)
    gone = on_stores.accounts.get(account_id)["disconnectedAt"]
    cli(*CONNECT, "--token", "t")
    cli(*CONNECT, "--token", "another")
    account = on_stores.accounts.get(account_id)
    assert (account["state"], account["connectedAt"], "disconnectedAt" in account) == ("active", connected, False)
    (gap,) = account["disconnections"]
    assert gap["disconnectedAt"] == gone <= gap["connectedAt"]
    (listed,) = json.loads(cli("accounts", "list", "--json").out)
    assert [sorted(one) for one in listed["disconnections"]] == [["connectedAt", "disconnectedAt"]]


def test_tables_are_not_shortened_for_programs(cli: Cli, on_stores: Store) -> None:
    handle = "a" * 150
    cli(*CONNECT[:-1], handle, "--token", "t")
    assert handle in cli("accounts", "list").out


def test_key_is_shown_once_and_can_be_revoked(cli: Cli, on_stores: Store) -> None:
    key = cli("keys", "create", "frontend", "--workspace", "acme", "--days", "3").out.strip()
    found = on_stores.keys.look_up(key)
    assert found is not None
    assert (found.scopes, found.workspaces) == (("read",), ("acme",))
    listed = cli("keys", "list").out
    assert found.prefix in listed
    assert key not in listed
    assert json.loads(cli("keys", "revoke", f"{found.prefix}…", "--json").out)["state"] == "revoked"


def test_rebuild_tells_programs_what_differs(cli: Cli, on_stores: Store) -> None:
    cli(*CONNECT, "--token", "t")
    ran = cli("rebuild", "--from", "2026-01-01", "--to", "2026-01-02", "--check", "--json")
    assert json.loads(ran.out) == {"compared": 0, "daysBeforeLog": 2, "differences": [], "waiting": []}


def test_shell_takes_over_the_running_stack(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEMARK_HOME", str(tmp_path))
    home = Home(tmp_path)
    home.secret_key()
    up = {"http": "http://localhost:8", "key": "tm_live_k", "mongo": "mongodb://m/?replicaSet=r", "redis": "redis://r"}
    home.write("up.json", {**up, "simulator": "http://s"})
    with home.lock():
        printed = cli("env").out
    shown = subprocess.run(
        ["sh", "-c", f"{printed}\necho $URL $KEY $TIDEMARK_MONGO_URL $TIDEMARK_TWITTER_URL"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout == "http://localhost:8 tm_live_k mongodb://m/?replicaSet=r http://s/\n"


def test_commands_live_at_the_clock_of_the_running_stack(cli: Cli, on_stores: Store, settings: Settings) -> None:
    home, ahead = Home(settings.home), timedelta(days=-200)
    up = {
        "http": "http://localhost:8",
        "key": "k",
        "mongo": settings.mongo_url,
        "redis": settings.redis_url,
        "simulator": "s",
    }
    home.write("up.json", {**up, "clock": str(ahead.total_seconds())})
    with ahead_by(timedelta()), home.lock():
        made = json.loads(cli("keys", "create", "k", "--workspace", "acme", "--days", "1", "--json").out)
        assert f"export TIDEMARK_CLOCK_OFFSET={ahead.total_seconds()}" in cli("env").out
    wanted = machine_now() + ahead + timedelta(days=1)
    assert abs(datetime.fromisoformat(made["expiresAt"]) - wanted) < timedelta(minutes=2)
    found = on_stores.keys.look_up(made["key"])
    assert found is not None
    assert abs(found.created_at - machine_now() - ahead) < timedelta(minutes=2)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_there(shell: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TIDEMARK_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("COMP_WORDS", "tidemark accounts connect --platform ")
    monkeypatch.setenv("COMP_CWORD", "4")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "tidemark accounts connect --platform ")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    with pytest.raises(SystemExit):
        main()
    assert "linkedin" in capsys.readouterr().out
