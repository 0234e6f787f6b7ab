"""Tests of `tidemark accounts history`: connecting starts a history, which can be shown and started again."""

import json
from pathlib import Path
from typing import Any

import pytest

from metrics.clock import utcnow
from metrics.collection.histories import settle_operation
from metrics.errors import RedisUnavailable
from metrics.redis.events import Announcer
from metrics.store import Store
from tests.tidemark.commands import Cli

CONNECT = ["accounts", "connect", "--workspace", "acme", "--platform", "instagram", "--account", "1", "--handle", "a"]


def connect(cli: Cli, *words: str) -> str:
    """Connect an account; return Tidemark's id of it."""
    ran = cli(*CONNECT, "--token", "t", "--unchecked", "--json", *words)
    assert ran.code == 0, ran
    return str(json.loads(ran.out)[0]["_id"])


def end(store: Store, account_id: str, state: str, **fields: Any) -> None:
    """Finish a history."""
    history: Any = {**(store.memories.history(account_id) or {}), "state": state, "finishedAt": utcnow(), **fields}
    assert store.memories.keep_history(account_id, history)
    settle_operation(store, history["operationId"])


def queued(store: Store) -> int:
    return len(store.operations.find(["queued"], kinds=["history"]))


def test_connecting_starts_it_once(cli: Cli, on_stores: Store) -> None:
    account_id = connect(cli)
    assert queued(on_stores) == 1
    connect(cli)
    assert queued(on_stores) == 1
    end(on_stores, account_id, "done")
    connect(cli)
    assert queued(on_stores) == 0, "renewing a token is no reason to read it again"


def test_connecting_again_after_a_disconnection_starts_it_again(cli: Cli, on_stores: Store) -> None:
    account_id = connect(cli)
    end(on_stores, account_id, "done")
    cli("accounts", "disconnect", account_id)
    connect(cli)
    assert queued(on_stores) == 1


def test_renewing_a_token_goes_on_with_what_its_end_broke_off(cli: Cli, on_stores: Store) -> None:
    account_id = connect(cli)
    end(on_stores, account_id, "failed", reason="needs_reauth", asked=[["2026-01-01", "2026-02-01"]])
    connect(cli)
    history = on_stores.memories.history(account_id)
    assert history is not None
    assert (history["state"], history["asked"]) == ("waiting", [["2026-01-01", "2026-02-01"]])


def test_resuming_a_paused_account_goes_on_with_it(cli: Cli, on_stores: Store) -> None:
    account_id = connect(cli)
    cli("accounts", "pause", account_id)
    end(on_stores, account_id, "stopped", reason="paused")
    cli("accounts", "resume", account_id)
    assert queued(on_stores) == 1


def test_import_asks_for_one_operation_per_workspace(cli: Cli, on_stores: Store) -> None:
    lines = [f"{workspace},instagram,{n},a{n},t" for workspace in ("acme", "other") for n in (1, 2, 3)]
    header = "workspaceId,platform,platformAccountId,handle,accessToken"
    Path("accounts.csv").write_text("\n".join([header, *lines]))
    ran = cli("accounts", "import", "accounts.csv", "--unchecked")
    assert "tidemark accounts history" in ran.out
    assert queued(on_stores) == 2


def test_it_is_shown_for_people_and_for_programs(cli: Cli, on_stores: Store) -> None:
    account_id = connect(cli)
    end(
        on_stores, account_id, "partial", posts={"done": 7, "expected": 9}, days={"done": 30, "expected": 365},
        reason="provider_error", message="days: overloaded",
    )  # fmt: skip
    shown = cli("accounts", "history", account_id).out
    assert all(word in shown for word in ("partial", "7 of 9", "30 of 365", "provider_error; days: overloaded"))
    (one,) = json.loads(cli("accounts", "history", "--workspace", "acme", "--json").out)
    assert (one["accountId"], one["history"]["state"]) == (account_id, "partial")
    assert one["history"]["days"] == {"done": 30, "expected": 365}
    assert "lists" not in one["history"]


def test_start_begins_what_is_done_anew_and_leaves_what_is_under_way(cli: Cli, on_stores: Store) -> None:
    account_id = connect(cli)
    (running,) = on_stores.operations.find(["queued"])
    assert cli("accounts", "history", account_id, "--start").code == 0
    assert [one["_id"] for one in on_stores.operations.find(["queued"])] == [running["_id"]]
    end(on_stores, account_id, "done")
    assert cli("accounts", "history", account_id, "--start", "--json").code == 0
    assert queued(on_stores) == 1


def test_history_of_an_account_that_is_not_collected_is_not_started(cli: Cli, on_stores: Store) -> None:
    account_id = connect(cli)
    cli("accounts", "disconnect", account_id)
    before = on_stores.operations.find(["queued"])
    ran = cli("accounts", "history", account_id, "--start")
    assert ran.code == 2
    assert "the account is disconnected; connect or resume it first" in ran.err
    assert on_stores.operations.find(["queued"]) == before


def test_account_of_before_has_none_until_it_is_started(cli: Cli, on_stores: Store) -> None:
    account_id = connect(cli)
    on_stores.db["reading_memory"].delete_many({})
    assert "not requested" in cli("accounts", "history", account_id).out
    assert json.loads(cli("accounts", "history", account_id, "--json").out)[0]["history"] is None
    cli("accounts", "history", account_id, "--start")
    assert on_stores.memories.history(account_id) is not None


def test_redis_that_goes_away_while_an_account_is_connected_loses_no_history(
    cli: Cli, on_stores: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise RedisUnavailable("Redis does not answer")

    # The command pings Redis before it writes, so Redis has to fail after that.
    monkeypatch.setattr(Announcer, "announce", away)
    ran = cli(*CONNECT, "--token", "t", "--unchecked")
    assert ran.code != 0
    (account,) = on_stores.accounts.find(workspace_id="acme")
    assert account["state"] == "active"
    assert queued(on_stores) == 1


@pytest.mark.parametrize("command", ["pause", "disconnect"])
def test_account_that_is_no_longer_collected_ends_its_history_at_once(cli: Cli, on_stores: Store, command: str) -> None:
    account_id = connect(cli)
    (operation,) = on_stores.operations.find(["queued"], kinds=["history"])
    assert cli("accounts", command, account_id).code == 0
    assert "stopped" in cli("accounts", "history", account_id).out
    assert on_stores.operations.get(operation["_id"])["state"] == "failed"
    assert queued(on_stores) == 0


def test_paused_account_that_is_imported_again_stays_paused(cli: Cli, on_stores: Store) -> None:
    account_id = connect(cli)
    end(on_stores, account_id, "done")
    assert cli("accounts", "pause", account_id).code == 0
    ran = cli(*CONNECT, "--token", "renewed", "--unchecked")
    assert "1 of them stay paused" in ran.out
    assert on_stores.accounts.get(account_id)["state"] == "paused"
    assert queued(on_stores) == 0
    assert cli("accounts", "resume", account_id).code == 0
    assert on_stores.accounts.get(account_id)["state"] == "active"
