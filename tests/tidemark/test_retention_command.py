"""Tests of retention: the database decides how long data is kept, and only an explicit command changes that."""

from datetime import timedelta

import pytest

from metrics.clock import utcnow
from metrics.documents import Observation
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.lifetimes import KeptDays, kept_days
from pipelines.resources import clients
from tests.retained import keep
from tests.tidemark.commands import Cli
from tidemark.checkup import examine
from tidemark.home import Home
from tidemark.lifetimes import lengthen

LONG = KeptDays(3650, 5000)


@pytest.fixture
def long_kept(on_stores: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return a database that keeps data for ten years, in a shell without the variables of these settings."""
    keep(on_stores, settings.model_copy(update={"retention_days": 3650, "rollup_retention_days": 5000}))
    monkeypatch.delenv("TIDEMARK_RETENTION_DAYS")
    monkeypatch.delenv("TIDEMARK_ROLLUP_RETENTION_DAYS")
    return on_stores


def observe(store: Store, days_ago: int) -> None:
    slot = utcnow() - timedelta(days=days_ago)
    store.observations.append(
        [Observation("w", "a", "instagram", "account", slot, slot, {"followers": 1}, "r", "v25.0", unavailable={})]
    )


@pytest.mark.parametrize(
    "words",
    [
        "accounts list", "keys list", "keys create k --workspace w", "retention list", "retention apply", "pauses list",
        "accounts history --workspace w",
    ],
)  # fmt: skip
def test_command_in_a_shell_without_the_settings_changes_no_retention(words: str, long_kept: Store, cli: Cli) -> None:
    cli(*words.split())
    assert kept_days(long_kept.db) == LONG


def test_reader_creates_nothing(on_stores: Store, settings: Settings, cli: Cli) -> None:
    on_stores.client.drop_database(settings.mongo_db)
    for words in ("accounts list", "keys list", "retention list"):
        assert cli(*words.split()).code == 0
    assert on_stores.db.list_collection_names() == []


def test_shorter_retention_is_refused_with_what_it_deletes(long_kept: Store, cli: Cli) -> None:
    for days in (500, 410, 3):
        observe(long_kept, days)
    ran = cli("retention", "sync")
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    for part in (
        "keeps metrics for 3650 days", "TIDEMARK_RETENTION_DAYS says 400 days", "2 documents of 100 days", "--shorten",
        "TIDEMARK_ROLLUP_RETENTION_DAYS says 3650 days",
    ):  # fmt: skip
        assert part in ran.err
    assert kept_days(long_kept.db) == LONG
    ran = cli("retention", "sync", "--shorten")
    assert ran.code == 0
    assert "deleting 2 documents of 100 days" in ran.err
    assert kept_days(long_kept.db) == KeptDays(400, 3650)
    assert cli("retention", "sync").out == "the database keeps data for as long as the settings say\n"


def test_longer_retention_needs_no_word(long_kept: Store, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEMARK_RETENTION_DAYS", "4000")
    monkeypatch.setenv("TIDEMARK_ROLLUP_RETENTION_DAYS", "5000")
    ran = cli("retention", "sync")
    logs = ("metrics", "public_metrics")
    said = "".join(f"the database keeps {name} for 4000 days from now on\n" for name in logs)
    assert (ran.code, ran.out) == (0, said)
    assert kept_days(long_kept.db) == KeptDays(4000, 5000)


def test_script_lengthens_and_says_what_it_left(long_kept: Store, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    observe(long_kept, 500)
    monkeypatch.setenv("TIDEMARK_ROLLUP_RETENTION_DAYS", "6000")
    ran = cli("retention", "sync", "--lengthen")
    assert ran.code == 0
    assert "keeps aggregated_metrics for 6000 days from now on" in ran.out
    assert "TIDEMARK_RETENTION_DAYS says 400 days: not applied, because 1 documents of 100 days" in ran.err
    assert "tidemark retention sync --shorten" in ran.err
    assert kept_days(long_kept.db) == KeptDays(3650, 6000)
    again = cli("retention", "sync", "--lengthen")
    assert (again.code, again.out) == (0, "nothing was lengthened\n")
    assert "not applied" in again.err


def test_list_shows_what_the_database_keeps_and_both_values(long_kept: Store, cli: Cli) -> None:
    ran = cli("retention", "list")
    assert ran.out == "all: observations 3650 days, rollups 5000 days\n"
    assert "the database keeps metrics for 3650 days, TIDEMARK_RETENTION_DAYS says 400 days" in ran.err


def test_start_of_a_stack_lengthens_and_leaves_what_would_be_deleted(long_kept: Store, settings: Settings) -> None:
    observe(long_kept, 500)
    said: list[str] = []
    lengthen(long_kept, settings.model_copy(update={"retention_days": 400, "rollup_retention_days": 6000}), said.append)
    assert kept_days(long_kept.db) == KeptDays(3650, 6000)
    assert any("not applied, because 1 documents of 100 days would be deleted" in line for line in said)


def test_doctor_and_dagster_name_both_values(
    long_kept: Store, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    here = settings.model_copy(update={"retention_days": 400, "rollup_retention_days": 5000})
    expected = "the database keeps metrics for 3650 days, TIDEMARK_RETENTION_DAYS says 400 days"
    found = next(one for one in examine(here, Home(settings.home)) if one.name == "retention")
    assert (found.well, found.detail) == (False, expected)
    assert "tidemark retention sync" in found.remedy
    opened = clients(here)
    assert expected in caplog.text
    assert kept_days(long_kept.db) == LONG
    opened.store.close()
    opened.redis.close()
    clients.cache_clear()
