"""Tests of `tidemark erase` with other commands: no account is connected that an unfinished erasure would delete."""

from metrics.clock import utcnow
from metrics.ids import account_id
from metrics.store import Store
from tests.tidemark.commands import Cli

CONNECT = ["accounts", "connect", "--platform", "instagram", "--handle", "a", "--token", "t", "--unchecked"]


def test_nothing_is_connected_that_an_unfinished_erasure_takes_away(on_stores: Store, cli: Cli) -> None:
    mine = account_id("acme", "instagram", "1")
    assert cli(*CONNECT, "--workspace", "acme", "--account", "1").code == 0
    # Dagster's storage is not on this machine: the erasure stays unfinished until it is resumed where the storage is.
    ran = cli("erase", "--account", mine, "--yes")
    assert ran.code == 0, ran.err
    assert "Dagster's storage is not here: run `tidemark erase --resume` where DAGSTER_HOME is" in ran.out
    ran = cli(*CONNECT, "--workspace", "acme", "--account", "1")
    assert ran.code == 2
    assert f"account {mine} is being erased" in ran.err
    assert cli(*CONNECT, "--workspace", "acme", "--account", "2").code == 0
    assert cli("erase", "--resume", "--no-dagster").code == 0
    assert on_stores.erasures.unfinished() == []
    assert cli(*CONNECT, "--workspace", "acme", "--account", "1").code == 0
    assert on_stores.accounts.get(mine)["connectedAt"] <= utcnow()
