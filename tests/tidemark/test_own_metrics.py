"""The commands `tidemark metrics`: define, list, preview, retire, and files that are exported and imported again."""

import json
from pathlib import Path

import pytest

from metrics.definitions.changes import NewDefinition
from metrics.errors import InvalidInput
from metrics.redis.client import connect
from metrics.redis.versions import data_version
from metrics.settings import Settings
from metrics.store import Store
from tests.tidemark.commands import Cli
from tests.tidemark.test_bad_input import ACCOUNT
from tidemark.definitions_file import MAX_BYTES, parse

FILE = """\
loved:
  title: 'Loved: likes & saves'
  expression: likes + 2 * saves
  unit: count
rate:
  title: Raté ☂
  expression: percent(loved, views)
  description: |-
    Two
    lines
  unit: percent
"""


@pytest.fixture
def acme(cli: Cli, on_stores: Store) -> Store:
    """A workspace with an account."""
    assert cli("accounts", "connect", *ACCOUNT).code == 0
    return on_stores


def test_metric_is_defined_listed_and_retired(cli: Cli, acme: Store, settings: Settings) -> None:
    with connect(settings) as redis:
        before = data_version(redis, "acme")
        ran = cli("metrics", "define", "acme", "rate", "percent(saves, views)", "--title", "Rate")
        assert (ran.code, ran.out) == (0, "rate version 1: percent(saves, views), in percent\n")
        assert data_version(redis, "acme") != before
    assert "percent(saves, views)" in cli("metrics", "list", "acme").out
    assert cli("metrics", "retire", "acme", "rate").out == "rate is retired\n"
    (listed,) = json.loads(cli("metrics", "list", "acme", "--json").out)
    assert (listed["version"], "retiredAt" in listed) == (1, True)
    assert cli("metrics", "export", "acme").out.strip() == "{}"


def test_exported_file_is_imported_again(cli: Cli, acme: Store) -> None:
    Path("metrics.yaml").write_text(FILE)
    ran = cli("metrics", "import", "acme", "metrics.yaml", "--json")
    assert [one["version"] for one in json.loads(ran.out)] == [1, 1]
    assert parse(cli("metrics", "export", "acme").out.encode()) == parse(FILE.encode())
    assert cli("metrics", "import", "acme", "metrics.yaml").code == 0
    assert len(acme.definitions.versions("acme")) == 2


def test_preview_shows_eight_weeks_and_keeps_nothing(cli: Cli, acme: Store) -> None:
    ran = cli("metrics", "preview", "acme", "percent(saves, views)")
    assert ran.out.startswith("percent(saves, views), in percent\n")
    assert ran.out.count("no_observation") == 9
    shown = json.loads(cli("metrics", "preview", "acme", "likes", "--json").out)
    assert (len(shown["weeks"]), shown["total"]["reason"]) == (8, "no_observation")
    assert acme.definitions.versions("acme") == []


def test_file_of_another_kind_is_refused() -> None:
    for content, message in (
        (b"a" * (MAX_BYTES + 1), "larger than 1024 KiB"),
        (b"[" * 5000, "nested too deeply"),
        (b"a: " + b"{a: " * 5000, "nested too deeply"),
        (b"[" * 5, "no YAML"),
        (b"- a", "the file has no definition"),
        (b"1: {title: A, expression: likes}", "1: the name is no text"),
        (b"a: likes", "a: has no fields"),
        (b"a: !!python/object/apply:os.system [true]", "no YAML"),
    ):
        with pytest.raises(InvalidInput, match=message):
            parse(content)
    assert parse(b"\xef\xbb\xbfa: {title: A, expression: likes}") == [NewDefinition("a", "A", "likes")]
