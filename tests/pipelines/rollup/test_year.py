"""Days in random order, twice, in two processes at once: a month of them, and with `make long` a leap year."""

import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import Any

import pytest

from metrics.documents import Observation
from metrics.periods import DAY, PERIODS, period_start
from metrics.settings import Settings, load_settings
from metrics.store import Store
from pipelines.rollup import roll
from pipelines.rollup.write import STAMPS
from tests.pipelines.rollup.test_roll import account, at, post, seen

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
AFTER = FIRST + timedelta(days=400)


def days_of(number: int) -> list[datetime]:
    return [FIRST + timedelta(days=n) for n in range(number)]


def said(number: int) -> Iterator[Observation]:
    """So many days with gaps, falls, corrections and a post that begins and ends within them."""
    chance = random.Random(7)
    born, gone = FIRST + number // 3 * DAY, FIRST + number // 2 * DAY
    for day in days_of(number):
        if chance.random() < 0.1:
            continue
        for hour in sorted(chance.sample(range(24), 4)):
            yield seen(at(hour, day), followers=chance.randint(900, 1100))
            yield seen(at(hour, day), "old", likes=chance.randint(50, 90), views=chance.randint(500, 900))
            if born <= day < gone:
                yield seen(at(hour, day), "born", likes=chance.randint(0, 30))
        yield seen(at(23, day), late=30, reach=chance.randint(100, 300), followers=chance.randint(900, 1100))


def roll_at_random(mongo_url: str, mongo_db: str, number: int, seed: int) -> None:
    """Roll every day twice in an order of its own, then weeks and months; runs in a process of its own."""
    settings = load_settings(_env_file=None, mongo_url=mongo_url, mongo_db=mongo_db)
    store, days = Store.connect(settings), days_of(number) * 2
    random.Random(seed).shuffle(days)
    for day in days:
        roll(store, "daily", [day], run_id=f"p{seed}", now=AFTER)
    roll_upward(store, number, f"p{seed}")
    store.close()


def roll_upward(store: Store, number: int, run_id: str) -> None:
    for period in PERIODS[1:]:
        starts = sorted({period_start(period, day) for day in days_of(number)})
        roll(store, period, starts, run_id=run_id, now=AFTER)


def everything(store: Store) -> list[dict[str, Any]]:
    """All rollups, without their stamps."""
    fields = dict.fromkeys(STAMPS, 0)
    collections = (store.rollups.subjects, store.rollups.accounts)
    return [row for collection in collections for row in collection.find({}, fields).sort("_id", 1)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [31, pytest.param(366, marks=pytest.mark.long)])
def test_days_in_random_order_twice_in_two_processes_give_the_same(
    store: Store, settings: Settings, number: int
) -> None:
    account(store, settings, FIRST)
    post(store, "old", FIRST - timedelta(days=9))
    post(store, "born", FIRST + number // 3 * DAY)
    store.observations.append(list(said(number)))
    roll(store, "daily", days_of(number), run_id="in order", now=AFTER)
    roll_upward(store, number, "in order")
    wanted = everything(store)
    for collection in (store.rollups.subjects, store.rollups.accounts):
        collection.delete_many({})
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        rolls = [pool.submit(roll_at_random, settings.mongo_url or "", settings.mongo_db, number, n) for n in (1, 2)]
        for each in rolls:
            each.result()
    assert len(wanted) > 3 * number
    assert everything(store) == wanted
