"""Tests of bad input to every command: one line that names it, the right exit code, and no change of data."""

import io
import json
import socket
import sys
from pathlib import Path
from typing import cast

import pytest
from bson import json_util

from metrics.settings import Settings
from metrics.store import Store
from tests.tidemark.commands import Cli, Ran, all_commands
from tidemark.home import Home
from tidemark.stack.ports import HOST, free_port

COMMANDS = all_commands()
STORELESS = {"up", "simulator", "keys secret", "doctor"}
"""Commands that need no store; `doctor` reports stores that cannot be reached."""

ACCOUNT = ["--workspace", "acme", "--platform", "instagram", "--account", "1", "--handle", "a", "--token", "t"]
RANGE = ["--from", "2026-03-01", "--to", "2026-03-21"]
GOOD: dict[str, list[str]] = {
    "accounts authorize": ["accounts", "authorize", "--workspace", "acme", "--platform", "youtube", "--no-wait"],
    "accounts connect": ["accounts", "connect", *ACCOUNT],
    "accounts disconnect": ["accounts", "disconnect", "acc_1"],
    "accounts history": ["accounts", "history", "--workspace", "acme"],
    "accounts import": ["accounts", "import", "good.csv"],
    "accounts list": ["accounts", "list"],
    "pauses list": ["pauses", "list"],
    "pauses lift": ["pauses", "lift", "--platform", "twitter"],
    "accounts pause": ["accounts", "pause", "acc_1"],
    "accounts resume": ["accounts", "resume", "acc_1"],
    "alerts list": ["alerts", "list", "acme"],
    "alerts remove": ["alerts", "remove", "acme", "few"],
    "alerts set": ["alerts", "set", "acme", "few", "--title", "Few", "--metric", "totalLikes", "--below", "10"],
    "anomaly-alerts remove": ["anomaly-alerts", "remove", "acme"],
    "anomaly-alerts set": ["anomaly-alerts", "set", "acme", "--min-severity", "7"],
    "anomaly-alerts show": ["anomaly-alerts", "show", "acme"],
    "backup": ["backup", "saved"],
    "calendar set": ["calendar", "set", "acme", "--time-zone", "Europe/Berlin"],
    "calendar show": ["calendar", "show", "acme"],
    "campaigns list": ["campaigns", "list", "acme"],
    "campaigns remove": ["campaigns", "remove", "acme", "spring"],
    "campaigns set": ["campaigns", "set", "acme", "spring", "--title", "Spring", *RANGE],
    "consents give": ["consents", "give", "acme", "--platform", "youtube"],
    "consents list": ["consents", "list"],
    "consents withdraw": ["consents", "withdraw", "acme", "--platform", "youtube"],
    "doctor": ["doctor"],
    "env": ["env"],
    "insights evaluate": ["insights", "evaluate", "--workspace", "acme"],
    "erase": ["erase", "--workspace", "acme", "--yes"],
    "keys create": ["keys", "create", "name", "--workspace", "acme"],
    "keys list": ["keys", "list"],
    "keys reseal": ["keys", "reseal"],
    "keys revoke": ["keys", "revoke", "tm_live_"],
    "keys rotate": ["keys", "rotate", "tm_live_"],
    "keys secret": ["keys", "secret"],
    "metrics define": ["metrics", "define", "acme", "save_rate", "percent(saves, views)", "--title", "Saves"],
    "metrics export": ["metrics", "export", "acme"],
    "metrics import": ["metrics", "import", "acme", "good.yaml"],
    "metrics list": ["metrics", "list", "acme"],
    "metrics preview": ["metrics", "preview", "acme", "percent(saves, views)"],
    "metrics retire": ["metrics", "retire", "acme", "save_rate"],
    "quotas": ["quotas"],
    "rebuild": ["rebuild", "--from", "2026-01-01", "--to", "2026-01-02"],
    "restore": ["restore", "saved"],
    "retention apply": ["retention", "apply"],
    "retention list": ["retention", "list"],
    "retention sync": ["retention", "sync"],
    "retention set": ["retention", "set", "acme", "--days", "90"],
    "simulator": ["simulator"],
    "warehouse add": ["warehouse", "add", "main", "duckdb", "--path", "w.duckdb"],
    "warehouse backfill": ["warehouse", "backfill", "main"],
    "warehouse remove": ["warehouse", "remove", "main", "--yes"],
    "warehouse status": ["warehouse", "status"],
    "warehouse sync": ["warehouse", "sync", "main"],
    "warehouse test": ["warehouse", "test", "main"],
    "watch add": ["watch", "add", "acme", "instagram", "@rival"],
    "watch enter": ["watch", "enter", "acme", "tiktok", "rival", "followers=1"],
    "watch import": ["watch", "import", "acme", "rivals.csv"],
    "watch list": ["watch", "list", "acme"],
    "watch off": ["watch", "off", "acme", "twitter"],
    "watch on": ["watch", "on", "acme", "twitter"],
    "watch read": ["watch", "read", "acme"],
    "watch remove": ["watch", "remove", "acme", "instagram", "@rival"],
    "up": ["up", "--clock", "2026-03-28T22:55Z"],
}
"""A valid call of each command."""

YAML = {
    "good": "save_rate:\n  title: Saves\n  expression: percent(saves, views)\n",
    "twice": "a: {title: A, expression: likes}\na: {title: A, expression: saves}\n",
    "alias": "a: &x {title: A, expression: likes}\nb: *x\n",
    "number": "a: {title: 1, expression: likes}\n",
    "field": "a: {title: A, formula: likes}\n",
    "short": "a: {title: A}\n",
    "broken": "a: [\n",
    "empty": "",
    "wrong": "a: {title: A, expression: likes}\nb: {title: B, expression: savez}\n",
}
BAD: list[tuple[str, str]] = [
    ("accounts authorize --workspace a/b --platform youtube", "--workspace"),
    ("accounts authorize --workspace acme --platform myspace", "myspace"),
    ("accounts authorize --workspace acme --platform bluesky", "Bluesky needs no login here"),
    ("accounts authorize --workspace acme --platform youtube --account @acme", "as UC0123456789"),
    ("accounts authorize --workspace acme --platform youtube", "has to set TIDEMARK_CONNECT_URL"),
    ("accounts connect --workspace a/b --platform instagram --account 1 --handle a --token t", "--workspace: "),
    ("accounts connect --workspace acme --platform myspace --account 1 --handle a --token t", "myspace"),
    ("accounts connect --workspace acme --platform instagram --account 1 --handle a", "access token missing"),
    ("accounts connect --workspace acme --platform linkedin --account acme-inc --handle a --token t", "as 5500001"),
    ("accounts connect --workspace acme --platform youtube --account @acme --handle a --token t", "as UC0123456789"),
    ("accounts connect --workspace acme --platform twitter --account @acme --handle a --token t", "as 700000007"),
    (
        "accounts connect --workspace acme --platform bluesky --account acme --handle a",
        "or its handle, as acme.bsky.social",
    ),
    ("accounts connect --workspace acme --platform bluesky --account handle.invalid --handle a", "is not a DID"),
    ("accounts connect --workspace acme --platform bluesky --account a.bsky.social --handle a", "refuses connections"),
    ("accounts disconnect acc_unknown", "no account acc_unknown"),
    ("accounts history", "either an account or --workspace"),
    ("accounts history acc_1 --workspace acme", "either an account or --workspace"),
    ("accounts history acc_unknown", "no account acc_unknown"),
    ("accounts history --workspace a/b", "--workspace"),
    ("accounts history --workspace nobody --start", "there is no account in nobody"),
    ("accounts import missing.csv", "missing.csv: No such file"),
    ("accounts import .", "Is a directory"),
    ("accounts import binary.csv", "not UTF-8"),
    ("accounts import huge.csv", "larger than 64 MiB"),
    ("accounts import broken.csv", "row 3: platform myspace"),
    ("accounts list --state asleep", "asleep"),
    ("accounts list --workspace a/b", "--workspace"),
    ("warehouse add main oracle", "oracle is none of duckdb, postgres"),
    ("warehouse backfill main --from 2026-01-02 --to 2026-01-01", "2026-01-01 is before 2026-01-02"),
    ("warehouse remove main --yes", "there is no warehouse main"),
    ("warehouse sync main", "there is no warehouse main"),
    ("warehouse test main", "there is no warehouse main"),
    ("watch list a/b", "WORKSPACE"),
    ("watch add acme instagram https://instagram.com/rival", "it is a web address; give the username"),
    ("watch remove acme instagram rival", "acme does not watch instagram @rival"),
    ("watch enter acme tiktok rival followers=1 --date soon", "--date: give a date"),
    ("watch import acme missing.csv", "missing.csv: No such file"),
    ("watch off acme myspace", "myspace"),
    ("watch on a/b twitter", "WORKSPACE"),
    ("watch read acme --platform tiktok", "--platform: TikTok shows no numbers of others"),
    ("calendar show nowhere", "there is no workspace nowhere"),
    ("calendar set acme --time-zone +02:00", "is an offset"),
    ("calendar set acme --time-zone Berlin", "did you mean Europe/Berlin"),
    ("calendar set acme --country Germany", "two letters of ISO 3166-1, such as DE"),
    ("calendar set acme --country DE --time-zone Berlin", "did you mean Europe/Berlin"),
    ("calendar set acme --fiscal-year-start 02-30", "no day of every year"),
    ("alerts list a/b", "WORKSPACE"),
    ("anomaly-alerts show a/b", "WORKSPACE"),
    ("anomaly-alerts remove a/b", "WORKSPACE"),
    ("anomaly-alerts remove acme", "acme is told of no anomalies"),
    ("anomaly-alerts set acme", "--min-severity"),
    ("anomaly-alerts set acme --min-severity 11", "--min-severity"),
    ("anomaly-alerts set acme --min-severity high", "--min-severity"),
    ("anomaly-alerts set nowhere --min-severity 7", "there is no workspace nowhere"),
    ("anomaly-alerts set acme --min-severity 7 --channels-from missing.txt", "missing.txt: No such file"),
    ("anomaly-alerts set acme --min-severity 7 --channels-from binary.csv", "not UTF-8"),
    ("anomaly-alerts set acme --min-severity 7 --channels-from good.csv", "channels"),
    ("campaigns list a/b", "WORKSPACE"),
    ("alerts remove acme few", "there is no alert few"),
    ("alerts set acme few --title F --metric totalLikes", "give one of --above"),
    ("alerts set acme few --title F --metric totalLikes --above 1 --below 2", "give one of --above"),
    ("alerts set acme few --title F --metric totalLikez --above 1", "did you mean totalLikes"),
    ("alerts set acme few --title F --metric totalLikes --above nan", "threshold"),
    ("alerts set acme few --title F --metric totalLikes --above 1 --period hourly", "daily, weekly, monthly"),
    ("alerts set acme few --title F --metric totalLikes --above 1 --channels-from missing.txt", "No such file"),
    ("alerts set acme few --title F --metric totalLikes --above 1 --channels-from binary.csv", "not UTF-8"),
    ("alerts set nowhere few --title F --metric totalLikes --above 1", "there is no workspace nowhere"),
    ("campaigns remove acme spring", "there is no campaign spring"),
    ("campaigns set acme spring --title S --from 2026-03-21 --to 2026-03-01", "endDate: must not be before"),
    ("campaigns set acme spring --title S --from 2026-3-1 --to 2026-03-01", "--from: give a date"),
    ("campaigns set acme spring --title S --from 2026-03-01 --to 2026-03-02 --account acc_9", "no account acc_9"),
    ("campaigns set nowhere spring --title S --from 2026-03-01 --to 2026-03-02", "there is no workspace nowhere"),
    ("consents give nowhere --platform youtube", "there is no workspace nowhere"),
    ("consents give acme --platform twitter", "twitter's terms demand no consent"),
    ("consents withdraw acme --platform myspace", "myspace"),
    ("pauses lift --platform myspace", "myspace"),
    ("pauses lift --platform twitter", "twitter is not paused"),
    ("pauses lift --platform twitter --account x9", "--account"),
    ("accounts pause acc_unknown", "no account acc_unknown"),
    ("accounts resume acc_unknown", "no account acc_unknown"),
    ("backup .", "is not empty"),
    ("backup /proc/backup", "/proc/backup cannot be created"),
    ("restore .", "holds no backup"),
    ("restore . --ledger missing.jsonl", "missing.jsonl cannot be read"),
    ("restore . --ledger good.csv", "line 1 is not an entry of a ledger"),
    ("keys rotate tm_live_nope", "no valid key begins with tm_live_nope"),
    ("keys rotate tm_live_nope --overlap-hours=-1", "--overlap-hours"),
    ("retention set unknown --days 90", "no workspace unknown"),
    ("retention sync --shorten=yes", "--shorten"),
    ("retention sync --shorten --lengthen", "exclude one another"),
    ("erase", "either --account or --workspace"),
    ("erase --resume --account acc_1", "or give --resume"),
    ("erase --no-dagster", "either --account or --workspace"),
    ("erase --account acc_unknown --yes", "no account acc_unknown"),
    ("erase --workspace unknown --yes", "no workspace unknown"),
    ("insights evaluate --workspace a/b", "--workspace"),
    ("insights evaluate --workspace nowhere", "there is no workspace nowhere"),
    ("insights evaluate --since 2026-02-30", "--since: give a date of the calendar as YYYY-MM-DD"),
    ("insights evaluate --since yesterday", "--since: give a date"),
    ("insights evaluate --since 2999-01-01", "has not ended"),
    ("insights evaluate --since 2001-01-01", "too long ago"),
    ("keys create k --workspace a/b", "--workspace"),
    ("keys create \udcff --workspace acme", "NAME: the text holds half of a character"),
    ("keys create k --workspace acme --scope write", "write is none of read, collect, admin"),
    ("keys create k --workspace acme --days 0", "--days"),
    ("keys revoke tm_live_zzzzzz", "no key begins with"),
    ("metrics define acme save_rate percent(savez,views) --title Saves", "character 9: there is no metric savez"),
    ("metrics define acme save_rate percent(saves,views)", "--title"),
    ("metrics define acme likes saves --title Likes", "name: likes is a name of Tidemark itself"),
    ("metrics define acme a saves --title A --unit percent", "unit: the expression is in count"),
    ("metrics define acme a likes+saves/views --title A", "character 7: a ratio is added"),
    ("metrics define nowhere a saves --title A", "there is no workspace nowhere"),
    ("metrics export a/b", "WORKSPACE"),
    ("metrics import acme missing.yaml", "missing.yaml: No such file"),
    ("metrics import acme binary.csv", "the file is not UTF-8"),
    ("metrics import acme twice.yaml", "line 1: a is given twice"),
    ("metrics import acme alias.yaml", "line 2: an alias (*x)"),
    ("metrics import acme number.yaml", "a: title is no text"),
    ("metrics import acme field.yaml", "a: formula: no such field; the fields are title, expression"),
    ("metrics import acme short.yaml", "a: expression missing"),
    ("metrics import acme broken.yaml", "line 2: no YAML"),
    ("metrics import acme empty.yaml", "the file has no definition"),
    ("metrics import acme wrong.yaml", "there is no metric savez"),
    ("metrics list a/b", "WORKSPACE"),
    ("metrics preview acme savez", "character 1: there is no metric savez"),
    ("metrics retire acme save_rate", "there is no definition save_rate"),
    ("rebuild --from 2026-02-30 --to 2026-03-01", "2026-02-30 is not a date"),
    ("rebuild --from 2026-03-02 --to 2026-03-01", "no range of days"),
    ("rebuild --from 2099-01-01 --to 2099-01-02", "has not begun"),
    ("rebuild --from 2026-01-01", "--to"),
    ("rebuild --from 2026-01-01 --to 2026-01-02 --workspace nobody", "there is no nobody"),
    ("simulator --port 99999", "--port"),
    ("simulator --latency-ms slow", "--latency-ms"),
    ("up --days 0", "--days"),
    ("up --shorten=days", "--shorten"),
    ("up --clock yesterday", "--clock: yesterday is not an instant"),
    ("up --clock 2026-03-28T22:55", "has no time zone"),
    ("up --clock 1999-01-01T00:00Z", "from 2026-01-01"),
    ("up --clock 2026-03-28T22:55Z", "unset TIDEMARK_MONGO_URL"),
]


def refused(ran: Ran, *words: str) -> None:
    """Check that a command printed exactly one error line, with the given words."""
    assert ran.code not in (0, 70), ran
    assert len(ran.err.splitlines()) == 1, ran.err
    assert ran.err.startswith("tidemark: "), ran.err
    for word in words:
        assert word in ran.err


def everything(store: Store) -> dict[str, str]:
    """Return everything that is stored, to compare."""
    return {
        name: json_util.dumps(list(store.db[name].find().sort("_id", 1)))
        for name in sorted(store.db.list_collection_names())
        if not name.startswith("system.")
    }


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))


@pytest.fixture
def files(settings: Settings) -> Path:
    """Return a folder with good and bad accounts files."""
    header = "workspaceId,platform,platformAccountId,handle,accessToken\n"
    (settings.home / "rivals.csv").write_text("instagram,@rival\n")
    (settings.home / "good.csv").write_text(header + "acme,instagram,1,a,t\n")
    (settings.home / "broken.csv").write_text(header + "acme,instagram,1,a,t\nacme,myspace,2,b,t\n")
    for name, text in YAML.items():
        (settings.home / f"{name}.yaml").write_text(text)
    (settings.home / "binary.csv").write_bytes(b"\x89PNG\r\n\x1a\n")
    with (settings.home / "huge.csv").open("wb") as huge:
        huge.truncate(200 << 20)
    return settings.home


def test_every_command_has_a_right_call_here() -> None:
    assert sorted(GOOD) == COMMANDS


def test_every_command_has_a_wrong_call_here_or_takes_nothing() -> None:
    tried = {next(c for c in COMMANDS if f"{line} ".startswith(f"{c} ")) for line, _ in BAD}
    nothing = {
        "consents list", "doctor", "env", "keys list", "keys reseal", "keys secret", "pauses list", "quotas",
        "retention apply", "retention list", "warehouse status",
    }  # fmt: skip
    assert set(COMMANDS) - tried == nothing


@pytest.mark.parametrize("command", COMMANDS)
def test_unknown_option_is_refused(command: str, cli: Cli) -> None:
    ran = cli(*command.split(), "--nonsense")
    refused(ran, "--nonsense", f"see `tidemark {command} --help`")
    assert ran.code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command: str, cli: Cli) -> None:
    ran = cli(*command.split(), "--help")
    assert ran.code == 0
    assert f"tidemark {command}" in ran.out.partition("Example")[2]


def test_bad_input_changes_nothing(cli: Cli, on_stores: Store, files: Path) -> None:
    assert cli(*GOOD["accounts connect"]).code == 0
    before = everything(on_stores)
    for line, word in BAD:
        ran = cli(*line.split())
        refused(ran, word)
        assert ran.code == 2, line
        assert everything(on_stores) == before, line


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - STORELESS))
def test_no_servers(command: str, cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.chdir(files)
    monkeypatch.setenv("TIDEMARK_HOME", str(files))
    refused(cli(*GOOD[command]), "no stack runs in", "start `tidemark up`")
    if command == "env":
        return
    monkeypatch.setenv("TIDEMARK_MONGO_URL", f"mongodb://{HOST}:{free_port()}/")
    monkeypatch.setitem(cast("dict[str, int]", Store.connect.__kwdefaults__), "server_selection_ms", 100)
    ran = cli(*GOOD[command])
    refused(ran, "MongoDB does not answer")
    assert ran.code == 3


def test_without_redis_nothing_is_written(
    cli: Cli, on_stores: Store, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(on_stores)
    monkeypatch.setenv("TIDEMARK_REDIS_URL", f"redis://{HOST}:{free_port()}/0")
    for command in ("accounts connect", "accounts import", "accounts pause", "erase"):
        ran = cli(*GOOD[command])
        refused(ran, "Redis does not answer")
        assert ran.code == 3
        assert everything(on_stores) == before


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"keys secret"}))
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TIDEMARK_HTTP_PORT", "eighty"),
        ("TIDEMARK_MONGO_URL", "http://localhost"),
        ("TIDEMARK_PROXY", "socks5://ann:s3cr3t@h:1"),
    ],
)
def test_wrong_value_of_a_variable_is_named(
    command: str, variable: str, value: str, cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    monkeypatch.setenv(variable, value)
    ran = cli(*GOOD[command])
    refused(ran, variable)
    assert value not in ran.err
    assert ran.code == 2


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"keys secret", "doctor"}))
def test_misspelt_variable_is_named(command: str, cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    monkeypatch.setenv("TIDEMARK_HTP_PORT", "8080")
    refused(cli(*GOOD[command]), "TIDEMARK_HTP_PORT is no setting: did you mean TIDEMARK_HTTP_PORT?")


@pytest.mark.parametrize(
    ("command", "variable"), [("up", "TIDEMARK_HTTP_PORT"), ("simulator", "TIDEMARK_SIMULATOR_PORT")]
)
def test_taken_port_is_named(
    command: str, variable: str, cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEMARK_HOME", str(files))
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        monkeypatch.setenv(variable, str(taken.getsockname()[1]))
        refused(cli(command), variable, f"port {taken.getsockname()[1]} is taken")


def test_second_stack_in_a_folder_is_refused(cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEMARK_HOME", str(files))
    with Home(files).lock():
        refused(cli("up"), "a stack already runs in")


def test_up_json_of_a_killed_stack_is_not_believed(cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    monkeypatch.setenv("TIDEMARK_HOME", str(files))
    (files / "up.json").write_text(json.dumps({"mongo": "mongodb://x", "redis": "redis://x", "simulator": ""}))
    (files / "lock").touch()
    refused(cli("keys", "list"), "no stack runs in")


def test_bug_is_one_line_too(cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEMARK_HOME", str(files))
    monkeypatch.setattr("metrics.vault.generate_secret_key", lambda: 1 / 0)
    ran = cli("keys", "secret")
    assert ran.code == 70
    assert len(ran.err.splitlines()) == 1
    assert "ZeroDivisionError" in (files / "logs" / "crash.log").read_text()
