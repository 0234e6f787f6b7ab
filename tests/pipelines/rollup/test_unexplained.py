"""Observations that the catalog does not explain are counted, and enter no rollup."""

from datetime import timedelta
from typing import Any

import pytest

from metrics.settings import Settings
from metrics.store import Store
from pipelines.rollup import Unexplained, count_unexplained, roll
from tests.pipelines.rollup.test_roll import DAY, NOW, account, at, seen

END = DAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("values", "field"),
    [({"unheardOf": 3}, "unknown_metrics"), ({"likes": 3}, "unknown_metrics"), ({"followers": "x"}, "not_numbers")],
)
def test_one_of_each_kind_is_counted(store: Store, settings: Settings, values: dict[str, Any], field: str) -> None:
    account(store, settings)
    store.observations.append([seen(at(1), **values), seen(at(2), followers=1)])
    found = count_unexplained(store, DAY, END, ["w"], NOW)
    assert (found.total, getattr(found, field)) == (1, 1)
    assert found.where == {("w", "a", at(1)): 1}
    assert found.samples == (f"account of a at 2026-03-02T01:00:00Z: {sorted(values)}",)


def test_future_slot_is_counted_and_not_rolled(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(1), followers=1), seen(at(9), followers=99)])
    now = at(5)
    assert count_unexplained(store, DAY, END, ["w"], now).future_slots == 1
    roll(store, "daily", [DAY], run_id="r", now=now)
    found = store.rollups.accounts.find_one({})
    assert found is not None
    assert found["aggregatedMetrics"]["maxFollowers"] == 1


def test_clean_log_has_nothing_unexplained(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(1), followers=1, reach=3)])
    assert count_unexplained(store, DAY, END, ["w", "another"], NOW) == Unexplained()
