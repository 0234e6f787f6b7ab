"""A collection during which MongoDB's primary is killed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from metrics.redis.keys import events_key
from metrics.store import Store
from pipelines.resources import PATIENCE_MS
from tests.pipelines.collect.conftest import Bench, announced, subject_and_instant
from tests.replica_set import replica_set

ACCOUNTS = 15


def test_nothing_that_was_announced_is_missing(bench: Bench, tmp_path: Path) -> None:
    with replica_set(tmp_path) as servers:
        settings = bench.settings.model_copy(update={"mongo_url": servers.url, "collect_concurrency": 4})
        store = Store.connect(settings, server_selection_ms=PATIENCE_MS)
        store.ensure(settings)
        on_three = Bench(store, bench.redis, settings, bench.simulator)
        for index in range(ACCOUNTS):
            on_three.connect(index)
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(on_three.collect)
            # The first event shows that the collection has begun.
            bench.redis.xread({events_key("w"): "0"}, block=60_000)
            servers.kill_primary()
            report = run.result()
        assert (report.ok, report.failed) == (ACCOUNTS, 0)
        written = list(store.db["metrics"].find())
        assert len(written) == report.rows
        assert announced(bench.redis) == {subject_and_instant(row) for row in written}
        store.close()
