"""A collection that is killed with SIGKILL, and the one after it."""

from multiprocessing import get_context
from typing import Any
from uuid import uuid4

from metrics.documents import Document
from metrics.periods import midnight
from metrics.redis.client import connect
from metrics.redis.keys import events_key
from metrics.settings import Settings, load_settings
from metrics.store import Store
from metrics.store.setup.namespaces import OWN
from pipelines.collect.collector import Collector
from pipelines.resources import Clients
from pipelines.rollup import roll
from pipelines.rollup.write import STAMPS
from tests.pipelines.collect.conftest import NOW, SLOT, Bench, announced, subject_and_instant
from tests.waiting import until

ACCOUNTS = 12


def collect_until_killed(values: dict[str, Any]) -> None:
    """Collect the slot; runs in a process of its own."""
    from metrics.redis.events import Announcer

    settings = load_settings(_env_file=None, **values)
    redis = connect(settings)
    clients = Clients(settings, Store.connect(settings), redis, Announcer(redis))
    collector: Collector = clients.collector()
    collector.collect("instagram", SLOT, run_id="killed", now=NOW)


def rollups(settings: Settings, observations: list[Document]) -> list[Document]:
    """Return the rollups of a database with only these observations."""
    own = settings.model_copy(update={"mongo_db": f"test_{uuid4().hex[:12]}"})
    source, store = Store.connect(settings), Store.connect(own)
    store.ensure(own)
    for name in ("accounts", "posts"):
        store.db[name].insert_many(source.db[name].find())
    store.db[OWN.log].insert_many(observations)
    roll(store, "daily", [midnight(SLOT.date())], run_id="r", now=NOW)
    found = list(store.rollups.subjects.find({}, dict.fromkeys(STAMPS, 0)).sort("_id", 1))
    store.client.drop_database(own.mongo_db)
    store.close()
    source.close()
    return found


def test_announced_is_kept_and_the_repetition_doubles_nothing(bench: Bench) -> None:
    for index in range(ACCOUNTS):
        bench.connect(index)
    bench.simulator.set_clock(NOW)
    settings = bench.settings.model_copy(update={"collect_concurrency": 2})
    names = ("mongo_url", "mongo_db", "redis_url", "collect_concurrency")
    values = {name: getattr(settings, name) for name in names} | {
        "instagram_url": settings.platform_url("instagram"),
        "secret_keys": ",".join(key.get_secret_value() for key in settings.secret_keys),
    }
    process = get_context("spawn").Process(target=collect_until_killed, args=(values,))
    process.start()
    # The first event shows that the collection has begun.
    until(lambda: bench.redis.exists(events_key("w")) == 1, 60)
    process.kill()
    process.join()
    log = bench.store.db[OWN.log]
    assert announced(bench.redis) <= {subject_and_instant(row) for row in log.find()}
    assert len(bench.store.collections.of_slot(SLOT)) < ACCOUNTS
    assert bench.collect().ok == ACCOUNTS
    everything = list(log.find().sort("collectedAt", 1))
    newest = {(row["metadata"]["accountId"], row["metadata"].get("postId")): row for row in everything}
    assert len(newest) < len(everything)
    assert rollups(bench.settings, everything) == rollups(bench.settings, list(newest.values()))
