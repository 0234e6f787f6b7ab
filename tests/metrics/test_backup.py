"""A backup brings back what was there: the log, what follows from it, and the answers made of them."""

import json
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest

from metrics.backup import backup, restore
from metrics.errors import InvalidInput
from metrics.periods import DAY, HOUR, PERIODS, starts_between
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.schema import METRICS
from pipelines.rollup import rebuild, roll
from tests.serving.conftest import NOW, running, seeded
from tests.tidemark.commands import Cli
from tests.tidemark.conftest import cli, on_stores

LATER = NOW + 40 * DAY
PATHS = ("metrics?limit=1000", "aggregated?period=daily", "posts", "accounts")


def answers(settings: Settings, key: str) -> list[Any]:
    with (
        running(settings) as (url, _),
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client,
    ):
        found = [client.get(f"/analytics/workspace/w1/{path}") for path in PATHS]
    return [(one.status_code, one.json()["data"]) for one in found]


def test_restored_database_answers_as_before(
    seeded: Store, settings: Settings, tmp_path: Path, on_stores: Store, cli: Cli
) -> None:
    key, _ = seeded.keys.create("test", ["w1"], ["read"])
    for period in PERIODS:
        # What was seeded may lie before midnight.
        roll(seeded, period, list(starts_between(period, NOW - DAY, NOW + HOUR)), run_id="r", now=LATER)
    before, folder = answers(settings, key), tmp_path / "saved"
    assert cli("backup", str(folder)).code == 0
    seeded.client.drop_database(settings.mongo_db)
    ran = cli("restore", str(folder))
    assert ran.code == 0, ran.err
    assert answers(settings, key) == before
    report = rebuild(on_stores, NOW - 7 * DAY, NOW, run_id="check", check=True, now=LATER)
    assert (report.differences, report.compared > 0) == ([], True)
    assert seeded.db.list_collections(filter={"name": METRICS}).next()["type"] == "timeseries"


def test_ids_of_an_older_version_are_restored_in_their_normal_form(
    seeded: Store, settings: Settings, tmp_path: Path
) -> None:
    written = {"platform": "linkedin", "platformAccountId": "urn:li:organization:5500001"}
    seeded.db["accounts"].update_one({"_id": "a1"}, {"$set": written})
    backup(seeded, tmp_path / "saved")
    seeded.client.drop_database(settings.mongo_db)
    restore(seeded, settings, tmp_path / "saved")
    assert seeded.accounts.get("a1")["platformAccountId"] == "5500001"


def test_backup_is_private_and_tells_its_documents(seeded: Store, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    saved = {one["name"]: one["documents"] for one in backup(seeded, folder)}
    assert (saved[METRICS], saved["accounts"], saved["posts"]) == (5, 2, 3)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert json.loads((folder / "manifest.json").read_text())["database"] == seeded.db.name


def test_damaged_file_and_filled_database_are_refused(seeded: Store, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    backup(seeded, folder)
    with pytest.raises(InvalidInput, match="TIDEMARK_MONGO_DB"):
        restore(seeded, settings, folder)
    with (folder / "posts.bson.gz").open("ab") as file:
        file.write(b"x")
    seeded.client.drop_database(settings.mongo_db)
    with pytest.raises(InvalidInput, match=r"posts.bson.gz is missing or damaged: nothing was restored"):
        restore(seeded, settings, folder)
    assert seeded.db.list_collection_names() == []


__all__ = ["cli", "on_stores", "seeded"]
