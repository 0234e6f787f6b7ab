"""A restored backup has the same log, the same rollups, and gives the same answers."""

import json
import stat
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import connect_sse

from metrics.clock import utcnow
from metrics.errors import InvalidInput
from metrics.periods import DAY, HOUR, PERIODS, starts_between
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.namespaces import OWN
from metrics.upkeep.backup import backup, restore
from metrics.upkeep.erase import left_of
from metrics.upkeep.ledger import Ledger
from pipelines.rollup import compare_with_log, roll
from tests.serving.documents import NOW, seeded
from tests.tidemark.commands import Cli
from tests.tidemark.conftest import cli, on_stores

LATER = NOW + 40 * DAY
PATHS = ("metrics?limit=1000", "aggregated?period=daily", "posts", "accounts")


def running(settings: Settings) -> AbstractContextManager[tuple[str, Any]]:
    """Run a server in a thread. It is imported here, because to collect the tests of `metrics` takes none."""
    from tests.serving import conftest

    return conftest.running(settings)


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
        # The seeded observations may be of the day before.
        roll(seeded, period, list(starts_between(period, NOW - DAY, NOW + HOUR)), run_id="r", now=LATER)
    before, folder = answers(settings, key), tmp_path / "saved"
    assert cli("backup", str(folder)).code == 0
    seeded.client.drop_database(settings.mongo_db)
    ran = cli("restore", str(folder))
    assert ran.code == 0, ran.err
    assert answers(settings, key) == before
    report = compare_with_log(on_stores, NOW - 7 * DAY, NOW, run_id="check", now=LATER)
    assert (report.differences, report.waiting, report.compared > 0) == ([], [], True)
    assert seeded.db.list_collections(filter={"name": OWN.log}).next()["type"] == "timeseries"


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
    assert (saved[OWN.log], saved["accounts"], saved["posts"]) == (5, 2, 3)
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


def test_accounts_erased_and_keys_revoked_after_the_backup_stay_gone(
    seeded: Store, settings: Settings, tmp_path: Path, on_stores: Store, cli: Cli
) -> None:
    kept, _ = seeded.keys.create("kept", ["w1"], ["read"])
    leaked, revoked = seeded.keys.create("leaked", ["w1"], ["read"])
    both, _ = seeded.keys.create("both", ["w1", "w2"], ["read"])
    old, replaced = seeded.keys.create("old", ["w1"], ["read"])
    seeded.db["accounts"].insert_one({**seeded.accounts.get("a1"), "_id": "b1", "workspaceId": "w2"})
    for workspace, accounts in (("w1", ["a1", "a2"]), ("w2", ["b1"])):
        listing = {"workspaceId": workspace, "name": "c", "accountIds": accounts, "title": "C", "metric": "reach"}
        listing |= {"startDate": "2026-03-01", "endDate": "2026-03-02", "period": "daily", "channels": []}
        for name in ("campaigns", "alerts"):
            seeded.db[name].insert_one({"_id": f"{workspace}|c", **listing})
    folder = tmp_path / "saved"
    assert cli("erase", "--account", "a2", "--yes", "--no-dagster").code == 0
    seeded.db["accounts"].insert_one({**seeded.accounts.get("a1"), "_id": "a2", "platformAccountId": "again"})
    assert cli("backup", str(folder)).code == 0
    assert cli("keys", "revoke", revoked.prefix).code == 0
    assert cli("keys", "rotate", replaced.prefix, "--overlap-hours", "0").code == 0
    posts = seeded.db["posts"].count_documents({"accountId": "a1"})
    assert cli("erase", "--account", "a1", "--yes", "--no-dagster").code == 0
    assert cli("erase", "--workspace", "w2", "--yes", "--no-dagster").code == 0
    seeded.client.drop_database(settings.mongo_db)
    ran = cli("restore", str(folder), "--json")
    assert ran.code == 0, ran.err
    result = json.loads(ran.out)
    assert (result["revoked"], result["withheld"]["posts"], result["withheld"]["accounts"]) == (1, posts, 2)
    assert left_of(seeded, "account", "a1") == left_of(seeded, "workspace", "w2") == {}
    assert [one["accountIds"] for one in seeded.db["alerts"].find()] == [[]]
    assert [one["accountIds"] for one in seeded.campaigns.all("w1")] == [[]]
    # Erased before the backup and connected again before it: the backup restores it.
    assert seeded.accounts.exists("a2")
    found = {key: seeded.keys.look_up(key) for key in (kept, leaked, both, old)}
    assert {key for key, one in found.items() if one and one.valid(utcnow())} == {kept, both}
    shared = found[both]
    assert shared is not None
    assert shared.workspaces == ("w1",)
    assert seeded.erasures.on_record("account", "a1")
    assert seeded.erasures.on_record("workspace", "w2")
    assert seeded.erasures.on_record("account", "a2")


def test_restore_without_a_ledger_says_so_and_takes_one_from_elsewhere(
    seeded: Store, settings: Settings, tmp_path: Path, on_stores: Store, cli: Cli
) -> None:
    _, revoked = seeded.keys.create("leaked", ["w1"], ["read"])
    folder, elsewhere = tmp_path / "saved", tmp_path / "kept" / "ledger.jsonl"
    assert cli("backup", str(folder)).code == 0
    assert cli("keys", "revoke", revoked.prefix).code == 0
    elsewhere.parent.mkdir()
    Ledger.of(settings).path.rename(elsewhere)
    seeded.client.drop_database(settings.mongo_db)
    ran = cli("restore", str(folder))
    assert "ledger.jsonl is missing or empty: data erased, and keys and consents revoked, since" in ran.err
    assert f"valid keys: {revoked.prefix}… (leaked)" in ran.out
    seeded.client.drop_database(settings.mongo_db)
    ran = cli("restore", str(folder), "--ledger", str(elsewhere))
    assert "1 keys stay revoked" in ran.out
    assert "valid keys: none" in ran.out


def test_restore_makes_cached_answers_old_and_tells_streams(
    seeded: Store, settings: Settings, tmp_path: Path, on_stores: Store, cli: Cli
) -> None:
    key, _ = seeded.keys.create("all", ["*"], ["read"])
    assert cli("backup", str(tmp_path / "saved")).code == 0
    seeded.db["accounts"].insert_one({**seeded.accounts.get("a1"), "_id": "n1", "workspaceId": "new"})
    path = "/analytics/workspace/{}/accounts"
    with (
        running(settings) as (url, _),
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client,
    ):
        for workspace in ("w1", "new"):
            assert client.get(path.format(workspace)).headers["x-cache"] == "miss"
            assert client.get(path.format(workspace)).headers["x-cache"] == "hit"
        before = client.get(path.format("w1")).headers["etag"]
        with connect_sse(client, "GET", "/analytics/stream", params={"workspaceId": "w1"}) as source:
            events = source.iter_sse()
            assert next(events).event == "ping"
            seeded.client.drop_database(settings.mongo_db)
            assert cli("restore", str(tmp_path / "saved")).code == 0
            assert next(one.event for one in events if one.event != "ping") == "reset"
        assert client.get(path.format("new")).status_code == 404
        again = client.get(path.format("w1"), headers={"If-None-Match": before})
        assert (again.status_code, again.headers["x-cache"]) == (200, "miss")


__all__ = ["cli", "on_stores", "seeded"]
