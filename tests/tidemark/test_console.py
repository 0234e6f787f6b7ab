"""Tests that texts written by others are printed literally: without markup, and without control codes."""

import io
import json
import time
from pathlib import Path

import pytest
from rich.console import Console

from metrics.settings import Settings
from metrics.store import Store
from tests.tidemark.commands import Cli
from tidemark.commands import console

ODD = "[/acme] [b]x[/b] [red] :smile: \x1b[31mred\x1b[0m \u202egnp \x9b2J a\nb\0"
SHOWN = r"[/acme] [b]x[/b] [red] :smile: \x1b[31mred\x1b[0m \u202egnp \x9b2J a\nb\x00"


def account(**odd: str) -> str:
    row = {"workspaceId": "acme", "platform": "instagram", "platformAccountId": "17841400000000901", "handle": "h"}
    return json.dumps({**row, "accessToken": "token-1", **odd})


def plain(*texts: str) -> None:
    for text in texts:
        assert all(line.isprintable() for line in text.split("\n")), text


def test_accounts_show_what_people_and_platforms_wrote(cli: Cli, on_stores: Store, settings: Settings) -> None:
    path = settings.home / "accounts.ndjson"
    path.write_text(account(handle=ODD))
    assert cli("accounts", "import", str(path)).code == 0
    (one,) = on_stores.accounts.find()
    assert one["handle"] == ODD
    on_stores.accounts.set_state(one["_id"], "needs_reauth", ODD)
    ran = cli("accounts", "list")
    assert (ran.code, ran.out.count(SHOWN)) == (0, 2)
    plain(ran.out)
    assert json.loads(cli("accounts", "list", "--json").out)[0]["handle"] == ODD


def test_keys_show_what_people_wrote(cli: Cli, on_stores: Store) -> None:
    assert cli("keys", "create", ODD, "--workspace", "acme").code == 0
    (key,) = on_stores.keys.find_all()
    for ran in (cli("keys", "list"), cli("keys", "revoke", key.prefix)):
        assert (ran.code, SHOWN in ran.out) == (0, True)
        plain(ran.out)
    assert json.loads(cli("keys", "list", "--json").out)[0]["name"] == ODD


@pytest.mark.parametrize(
    "words",
    [
        ("accounts", "pause", ODD),
        ("accounts", "import", ODD.replace("\0", "")),
        ("accounts", "list", "--workspace", ODD),
        ("accounts", "connect", "--workspace", "w", "--platform", "twitter", "--account", ODD, "--handle", "h",
         "--token", "t"),
        ("keys", "revoke", ODD),
        ("erase", "--workspace", ODD, "--yes"),
        ("rebuild", "--from", ODD, "--to", "2026-01-01"),
        ("restore", ODD.replace("\0", "")),
        ("retention", "set", ODD, "--days", "90"),
        ("doctor", ODD),
        (ODD,),
    ],
)  # fmt: skip
def test_errors_show_what_was_typed(words: tuple[str, ...], cli: Cli, on_stores: Store) -> None:
    ran = cli(*words)
    assert ran.code not in (0, 70), ran
    assert len(ran.err.splitlines()) == 1, ran.err
    plain(ran.out, ran.err)


def test_doctor_shows_what_platforms_and_people_wrote(
    cli: Cli, on_stores: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TIDEMARK_[/X]\x1b", "1")
    ran = cli("doctor")
    assert ran.code in (0, 1)
    assert r"TIDEMARK_[/X]\x1b" in ran.out
    plain(ran.out, ran.err)


def test_progress_shows_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=300, color_system=None)
    monkeypatch.setattr(console, "_err", terminal)
    with console.progress(ODD) as show:
        show(1, 2)
    assert SHOWN in out.getvalue()
    assert "\u202e" not in out.getvalue()
    monkeypatch.setattr(console, "_out", terminal)
    with console.starting() as start:
        start.say(ODD)
    assert out.getvalue().count(SHOWN) >= 2


def test_shell_takes_values_byte_by_byte(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_exact("export A='[b]\u202e\x1b'")
    assert capsys.readouterr().out == "export A='[b]\u202e\x1b'\n"


def test_start_without_a_terminal_says_now_and_then_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(console, "_out", Console(highlight=False, markup=False, emoji=False))
    with console.starting() as start:
        start.say("rollups")
        for day in range(1, 36):
            now = float(day)
            start.progress(day, 35)
    assert [line.split("s  ")[1] for line in capsys.readouterr().out.splitlines()] == [
        "rollups", "rollups: 10 of 35", "rollups: 20 of 35", "rollups: 30 of 35",
    ]  # fmt: skip
