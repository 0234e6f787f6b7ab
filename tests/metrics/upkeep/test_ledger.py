"""The ledger keeps erasures and revocations; a damaged one is refused, an incomplete last line is ignored."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from metrics.errors import InvalidInput, TidemarkError
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.erasures import digest
from metrics.upkeep.ledger import Ledger, merged
from tests.tidemark.commands import Cli
from tests.tidemark.conftest import cli, on_stores


def test_entries_are_read_back_and_hold_no_id(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "home" / "ledger.jsonl")
    until = datetime(2026, 3, 1, 10, tzinfo=UTC)
    ledger.note("account", "acc_mine", "ann")
    ledger.note("key", "hash", "ann", until)
    account, key = ledger.entries()
    assert (account.kind, account.subject) == ("account", digest("account", "acc_mine"))
    assert (account.by, account.until) == ("ann", None)
    assert (key.kind, key.until) == ("key", until)
    assert account.at <= key.at
    assert "acc_mine" not in ledger.path.read_text()
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600


def test_incomplete_line_does_not_damage_the_next(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.note("account", "one", "ann")
    with ledger.path.open("a") as file:
        file.write('{"at": "2026')
    assert len(ledger.entries()) == 1
    ledger.note("account", "two", "ann")
    assert [one.subject for one in ledger.entries()] == [digest("account", "one"), digest("account", "two")]


@pytest.mark.parametrize(
    "line",
    ["{}", "[]", "7", '{"at": "x", "kind": "key", "subject": "s", "by": "b"}',
     '{"at": "2026-01-01T00:00:00Z", "kind": "planet", "subject": "s", "by": "b"}',
     '{"at": "2026-01-01T00:00:00", "kind": "key", "subject": "s", "by": "b"}'],
)  # fmt: skip
def test_line_that_is_no_entry_is_named(tmp_path: Path, line: str) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.path.write_text(line + "\n")
    with pytest.raises(InvalidInput, match=r"ledger\.jsonl: line 1 is not an entry of a ledger"):
        merged([ledger])


def test_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TidemarkError, match=r"ledger\.jsonl cannot be written .*would bring the key back"):
        Ledger(tmp_path / "file" / "ledger.jsonl").note("key", "hash", "ann")


def test_without_a_ledger_no_key_is_replaced_and_one_is_revoked_all_the_same(
    on_stores: Store, settings: Settings, cli: Cli
) -> None:
    _, key = on_stores.keys.create("key", ["w"], ["read"])
    Ledger.of(settings).path.mkdir()
    ran = cli("keys", "rotate", key.prefix)
    assert (ran.code, "cannot be written" in ran.err, "nothing was changed" in ran.err) == (1, True, True)
    assert [one.expires_at for one in on_stores.keys.find_all()] == [None]
    ran = cli("keys", "revoke", key.prefix)
    assert (ran.code, "a restored backup would bring the key back" in ran.err) == (1, True)
    assert on_stores.keys.find_all()[0].revoked_at is not None


__all__ = ["cli", "on_stores"]
