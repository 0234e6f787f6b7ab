"""Documents of earlier versions are converted once, in the background, and read rightly meanwhile."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from metrics.documents import Document
from metrics.store import Store
from metrics.store.setup import migrations
from pipelines.rollup import rebuild
from pipelines.sensors import requested_work
from tests.pipelines.daemon import Daemon
from tests.pipelines.deployment import Deployment
from tests.pipelines.rollup.test_roll import DAY, at, seen


@pytest.fixture
def daemon(deployment: Deployment, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    monkeypatch.setattr(requested_work, "_LISTEN_SECONDS", 0.0)
    monkeypatch.setattr(migrations, "_BATCH", 3)
    return Daemon(deployment, instance)


def documents(store: Store) -> list[Document]:
    return [*store.rollups.subjects.find().sort("_id", 1), *store.rollups.accounts.find().sort("_id", 1)]


def test_rollups_of_earlier_versions_get_the_names_of_their_periods(daemon: Daemon) -> None:
    store = daemon.deployment.clients.store
    account: Any = {"_id": "a", "platformAccountId": "178", "connectedAt": DAY - timedelta(days=1)}
    daemon.deployment.connect(0, **account)
    store.observations.append([seen(at(hour), followers=hour) for hour in range(0, 24 * 9, 6)])
    rebuild(store, DAY, DAY + timedelta(days=9), run_id="r", now=datetime.now(UTC))
    wanted, read = documents(store), store.rollups.aggregated("w", "weekly", DAY, DAY + timedelta(days=20))
    without = {"$unset": {"periodLabel": "", "calendarVersion": ""}}
    for collection in (store.rollups.subjects, store.rollups.accounts):
        collection.update_many({}, without)
    assert store.migrations.pending() == [migrations.LABELS]
    assert store.rollups.aggregated("w", "weekly", DAY, DAY + timedelta(days=20)) == read
    assert {row["periodLabel"] for row in read} == {"2026-W10", "2026-W11"}
    daemon.evaluate("requested_work")
    assert ("migrate_documents", "") in daemon.runs
    assert documents(store) == wanted
    assert store.migrations.pending() == []
    daemon.runs.clear()
    daemon.evaluate("requested_work")
    assert daemon.runs == [], "it runs once"


def test_new_database_needs_no_conversion_and_is_looked_through_once(daemon: Daemon) -> None:
    store = daemon.deployment.clients.store
    account: Any = {"_id": "a", "platformAccountId": "178", "connectedAt": DAY - timedelta(days=1)}
    daemon.deployment.connect(0, **account)
    assert store.migrations.pending() == []
    assert store.db["migrations"].count_documents({}) == 0, "a backup can still be restored into it"
    store.observations.append([seen(at(5), followers=5)])
    rebuild(store, DAY, DAY + timedelta(days=1), run_id="r", now=datetime.now(UTC))
    assert store.migrations.pending() == []
    assert store.db["migrations"].count_documents({}) == 1
