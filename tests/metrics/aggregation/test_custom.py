"""Custom periods are merged from daily rollups when they are read, and are not stored."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from metrics.aggregation import custom_rollups
from metrics.documents import AggregatedDocument
from metrics.settings import Settings
from metrics.store import Store
from pipelines.rollup import roll
from tests.pipelines.rollup.test_roll import DAY, NOW, account, at, post, seen


@pytest.fixture
def rolled(store: Store, settings: Settings) -> Store:
    """Return a store with three rolled-up days of one account with one post."""
    account(store, settings)
    post(store, "p", at(0))
    days = [DAY + timedelta(days=n) for n in range(3)]
    store.observations.append([seen(at(23, day), followers=100 + n, reach=5) for n, day in enumerate(days)])
    store.observations.append([seen(at(1, day), "p", likes=10 * n) for n, day in enumerate(days)])
    roll(store, "daily", days, run_id="r", now=NOW)
    return store


def merged(store: Store, workspace_id: str, start: datetime, end: datetime, **scope: Any) -> list[AggregatedDocument]:
    return custom_rollups(store, workspace_id, start, end, connections=store.accounts.connections(), now=NOW, **scope)


def test_range_is_merged_into_one_document_per_account(rolled: Store) -> None:
    (found,) = merged(rolled, "w", DAY, DAY + timedelta(days=3))
    metrics = found["aggregatedMetrics"]
    assert (found["period"], metrics["totalLikes"], metrics["followers"]) == ("custom", 20, 102)
    assert found["coverage"] == {"expectedSlots": 72, "observedSlots": 3}


def test_range_of_one_day_has_its_own_reach(rolled: Store) -> None:
    (found,) = merged(rolled, "w", DAY, DAY + timedelta(days=1))
    assert found["aggregatedMetrics"]["reach"] == 5


def test_nothing_is_written(rolled: Store) -> None:
    before = list(rolled.rollups.accounts.find()), list(rolled.rollups.subjects.find())
    merged(rolled, "w", DAY, DAY + timedelta(days=3))
    assert (list(rolled.rollups.accounts.find()), list(rolled.rollups.subjects.find())) == before


def test_scope_narrows(rolled: Store) -> None:
    whole = (DAY, DAY + timedelta(days=3))
    assert merged(rolled, "another", *whole) == []
    assert merged(rolled, "w", *whole, platform="twitter") == []
    assert merged(rolled, "w", *whole, account_ids=["b"]) == []
    assert len(merged(rolled, "w", *whole, platform="instagram", account_ids=["a"])) == 1


def test_range_without_rollups_is_empty(rolled: Store) -> None:
    assert merged(rolled, "w", NOW, NOW + timedelta(days=3)) == []
