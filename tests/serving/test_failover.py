"""A primary of Redis Cluster and of MongoDB is killed under load: reads and streams recover, and nothing is hidden."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from metrics.errors import Unavailable
from metrics.redis.client import connect
from metrics.redis.events import Announcer, observation_event
from metrics.redis.keys import events_key
from metrics.settings import Settings
from metrics.store import Store
from tests.redis_cluster import RedisCluster, redis_cluster
from tests.replica_set import ReplicaSet, replica_set
from tests.serving.conftest import NOW, account, observation, reading, serving
from tests.serving.readers import HttpxReader
from tests.waiting import until

READ = "/analytics/workspace/w1/metrics"
RECOVERED = 15
PAUSE = 0.02


class Writer(threading.Thread):
    """Repeatedly writes an observation and announces it; failed steps are retried, also after `stop` was called."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self._settings = settings
        self._over = threading.Event()
        self.announced = 0

    def run(self) -> None:
        """Write until stopped."""
        store = Store.connect(self._settings)
        with connect(self._settings) as redis:
            announcer = Announcer(redis)
            while not self._over.wait(PAUSE):
                one = observation(NOW, followers=self.announced + 1)
                self._persist(partial(store.observations.append, [one]))
                self._persist(partial(announcer.announce, "w1", [observation_event(one)]))
                self.announced += 1
        store.close()

    def _persist(self, work: Callable[[], object]) -> None:
        while True:
            try:
                work()
            except Unavailable:
                # A pause between attempts. It does not wait for `_over`, which may be set by now.
                time.sleep(PAUSE)
            else:
                return

    def stop(self) -> None:
        """Stop writing."""
        self._over.set()
        self.join(30)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    with replica_set(tmp_path_factory.mktemp("members")) as running:
        yield running


def test_reads_and_streams_survive_killed_primaries(
    cluster: RedisCluster, members: ReplicaSet, settings: Settings, tmp_path: Path
) -> None:
    moved = settings.model_copy(update={"redis_url": cluster.url, "mongo_url": members.url})
    writer = Writer(moved)
    with closing(Store.connect(moved)) as store, serving(moved) as address, reading(address, store) as client:
        store.ensure(moved)
        store.accounts.put([account("a1", "w1")])
        writer.start()
        until(lambda: writer.announced > 0)
        cursor = client.get(READ).headers["stream-cursor"]
        reader = HttpxReader(address, client.headers["authorization"].removeprefix("Bearer "), cursor)
        reader.start()
        until(lambda: len(reader.numbers) > 10)
        kill: Callable[[], None]
        for kill in (lambda: cluster.kill_primary_of(events_key("w1")), members.kill_primary):
            kill()
            until(lambda: client.get(READ).status_code == 200, RECOVERED)
            at = writer.announced
            until(lambda at=at: bool(reader.numbers) and reader.numbers[-1] > at + 5, RECOVERED)  # type: ignore[misc]
            until(lambda: client.get(READ).headers.get("x-cache") in ("hit", "miss"), RECOVERED)
        writer.stop()
        until(lambda: reader.numbers[-1] == writer.announced, RECOVERED)
        reader.stop()
    check(reader.received)


def check(received: list[int | None]) -> None:
    """Check that no number is missing or repeated, except where a reset announced it."""
    last: int | None = received[0]
    for one in received[1:]:
        if one is not None and last is not None:
            assert one == last + 1
        last = one
