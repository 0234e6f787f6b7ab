"""The commands `tidemark watch`: add, import, list and remove accounts of others, enter numbers, switch platforms."""

import json
from pathlib import Path

import pytest

from metrics.clock import utcnow
from metrics.errors import InvalidInput
from metrics.redis.client import connect
from metrics.redis.versions import data_version
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.namespaces import PUBLIC
from metrics.upkeep.backup import backup
from metrics.watching.lists import NewWatch
from tests.simulator_fixture import Simulator
from tests.tidemark.commands import Cli
from tests.tidemark.conftest import cli, on_stores
from tests.tidemark.test_campaigns_and_alerts import acme
from tests.watched import left_of_watched, store_public_day
from tidemark.watch_file import parse

__all__ = ["acme", "cli", "on_stores"]


def test_account_is_added_listed_and_removed_and_stays_so_in_a_restored_backup(
    cli: Cli, acme: Store, settings: Settings, tmp_path: Path
) -> None:
    with connect(settings) as redis:
        before = data_version(redis, "acme")
        ran = cli("watch", "add", "acme", "instagram", "@Rival", "--label", "Rival", "--group", "coffee")
        assert ran.out == "instagram rival is pending: It is looked up when public numbers are read next.\n"
        assert data_version(redis, "acme") != before
    (listed,) = json.loads(cli("watch", "list", "acme", "--json").out)
    assert (listed["key"], listed["label"], listed["group"]) == ("@rival", "Rival", "coffee")
    assert "coffee" in cli("watch", "list", "acme").out
    watched = acme.watch_lists.all("acme")[0]["_id"]
    store_public_day(acme, "acme", watched, "instagram", utcnow())
    backup(acme, tmp_path / "saved")
    ran = cli("watch", "remove", "acme", "instagram", "rival")
    assert ran.out == "instagram rival is not watched any more; 7 documents were deleted\n"
    acme.client.drop_database(settings.mongo_db)
    assert cli("restore", str(tmp_path / "saved")).code == 0
    assert left_of_watched(acme, watched) == {}
    assert acme.accounts.has_workspace("acme")


def test_numbers_are_entered_with_the_name_of_the_person(cli: Cli, acme: Store) -> None:
    assert "no lawful route" in cli("watch", "add", "acme", "tiktok", "rival").out
    day = str(utcnow().date())
    ran = cli("watch", "enter", "acme", "tiktok", "rival", "followers=12", "posts=3", "--date", day)
    (watched,) = acme.watch_lists.all("acme")
    by = watched["enteredBy"]
    assert ran.out == f"tiktok rival on {day}: followers 12, posts 3, entered by {by}\n"
    told = json.loads(cli("watch", "enter", "acme", "tiktok", "rival", "followers=13", "--json").out)
    assert (told["numbers"], told["source"], told["enteredBy"]) == ({"followers": 13}, "manual", by)
    assert acme.db[PUBLIC.log].count_documents({"enteredBy": by}) == 2
    assert "reach is none of the numbers" in cli("watch", "enter", "acme", "tiktok", "rival", "reach=1").err


def test_file_is_added_as_a_whole_or_not_at_all(cli: Cli, acme: Store) -> None:
    Path("rivals.csv").write_text("instagram,@one,One,coffee\nbluesky,two.bsky.social\n")
    assert cli("watch", "import", "acme", "rivals.csv").out == "2 added, 0 changed\n"
    assert cli("watch", "import", "acme", "rivals.csv").out == "0 added, 2 changed\n"
    Path("rivals.csv").write_text("platform;handle\ninstagram;three\nmyspace;four\n")
    ran = cli("watch", "import", "acme", "rivals.csv")
    assert (ran.code, "nothing was added; row 3: platform myspace" in ran.err) == (2, True)
    assert len(acme.watch_lists.all("acme")) == 2


def test_platform_is_switched_off_and_on(cli: Cli, acme: Store) -> None:
    assert cli("watch", "add", "acme", "twitter", "rival").code == 0
    assert cli("watch", "off", "acme", "twitter").out == "acme: X is off for watching, 1 accounts\n"
    ran = cli("watch", "add", "acme", "twitter", "other")
    assert (ran.code, "switched X off for watching" in ran.err) == (2, True)
    assert "off: The workspace switched X off" in cli("watch", "list", "acme").out
    assert json.loads(cli("watch", "on", "acme", "twitter", "--json").out)["accounts"] == 1
    assert acme.watch_lists.all("acme")[0]["state"] == "pending"


@pytest.mark.parametrize(
    "content",
    [
        "instagram,@One,One,coffee\ntwitter,two\n",
        "instagram;@One;One;coffee\ntwitter;two;;\n",
        "handle,platform,group,label\n'@One,instagram,coffee,One\ntwo,twitter,,\n",
        (
            '[{"platform": "instagram", "handle": "@One", "label": "One", "group": "coffee"}, '
            '{"platform": "twitter", "handle": "two"}]'
        ),
    ],
)
def test_file_has_a_header_or_none_and_is_a_table_or_json(content: str) -> None:
    assert parse(content.encode()) == [NewWatch("instagram", "@One", "One", "coffee"), NewWatch("twitter", "two")]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("platform,handle\n", "the file has no account; its columns are platform, handle, label, group"),
        ("instagram,one\ninstagram,@ONE\n", "nothing was added; row 2: the same account as row 1"),
        ("instagram\n", "nothing was added; row 1: handle missing"),
        ("platform,handle,colour\n", "nothing was added; row 1: colour: no such column"),
        ("instagram,a b\ntwitter,c d\n", "nothing was added; row 1: handle: a b is not a handle; give the username"),
        ('{"platform": "instagram", "handle": 1.5}', "nothing was added; line 1: handle: is not text"),
    ],
)
def test_wrong_file_is_refused_with_its_rows(content: str, line: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(content.encode())
    assert str(refused.value).startswith(line)


def test_workspace_is_read_at_once(
    cli: Cli, acme: Store, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEMARK_BLUESKY_URL", simulator.url)
    account = simulator.world.account("bluesky", 150)
    assert cli("watch", "read", "acme", "--platform", "bluesky").out == "every watched account was read today\n"
    cli("watch", "add", "acme", "bluesky", account.platform_account_id)
    (told,) = json.loads(cli("watch", "read", "acme", "--platform", "bluesky", "--json").out)
    assert (told["due"], told["read"], told["usd"]) == (1, 1, 0)
    assert acme.watch_lists.all("acme")[0]["state"] == "active"
    assert cli("watch", "read", "acme", "--platform", "bluesky").out == "every watched account was read today\n"
