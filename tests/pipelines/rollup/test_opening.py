"""The opening of a day is found wherever in the log it is."""

from datetime import timedelta
from typing import Any

import pytest

from metrics.settings import Settings
from metrics.store import Store
from pipelines.rollup.opening import Opening, openings
from tests.pipelines.rollup.test_roll import DAY, account, at, post, seen

BEFORE = DAY - timedelta(days=300)


def opening(store: Store) -> Opening | None:
    found: list[Opening] = openings(store, ["w"], DAY, DAY + timedelta(days=1))
    return found[0] if found else None


@pytest.mark.parametrize("days", [1, 7, 30, 150, 299])
def test_value_is_found_however_long_the_gap(store: Store, settings: Settings, days: int) -> None:
    account(store, settings, BEFORE)
    post(store, "p", BEFORE)
    store.observations.append([seen(DAY - timedelta(days=days), "p", likes=7), seen(at(1), "p", likes=9)])
    found = opening(store)
    assert found is not None
    assert (found.found, found.complete) == ({"likes": 7}, True)


def test_hour_before_explains_all_and_nothing_is_searched(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(-1), followers=1), seen(at(1), followers=2)])
    assert opening(store) is None


def test_text_before_is_not_a_value(store: Store, settings: Settings) -> None:
    account(store, settings)
    bad: dict[str, Any] = {"followers": "many"}
    store.observations.append([seen(at(-5), followers=4), seen(at(-1), **bad), seen(at(1), followers=2)])
    found = opening(store)
    assert found is not None
    assert found.found == {"followers": 4}


def test_newest_of_a_slot_counts(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(-5), late=9, followers=4), seen(at(-5), followers=3), seen(at(1), followers=2)])
    found = opening(store)
    assert found is not None
    assert found.found == {"followers": 4}


def test_provider_days_need_no_value_before(store: Store, settings: Settings) -> None:
    account(store, settings)
    store.observations.append([seen(at(23), reach=4, profileViews=2)])
    assert opening(store) is None


@pytest.mark.parametrize("unknown", [False, True])
def test_post_without_a_time_of_publication_is_no_birth(store: Store, settings: Settings, unknown: bool) -> None:
    account(store, settings, BEFORE)
    post(store, "p", DAY)
    if unknown:
        store.db["posts"].update_one({"_id": "p"}, {"$set": {"timeUnknown": True}})
    store.observations.append([seen(at(1), "p", likes=900)])
    found = opening(store)
    assert found is not None
    assert found.born is not unknown
