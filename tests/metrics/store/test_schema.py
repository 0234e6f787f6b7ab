"""Collections: made once, from several processes at once, with validators that refuse what is not a document."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from pymongo.errors import WriteError

from metrics.settings import Settings
from metrics.store import Store
from metrics.store.schema import bucketing


def test_ensuring_at_once_and_again_changes_nothing(settings: Settings) -> None:
    opened = Store.connect(settings)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: opened.ensure(settings), range(4)))
        before = sorted(opened.db.list_collection_names())
        opened.ensure(settings)
        assert sorted(opened.db.list_collection_names()) == before
    finally:
        opened.client.drop_database(settings.mongo_db)
        opened.close()


def test_retention_follows_the_setting(store: Store, settings: Settings) -> None:
    store.ensure(settings.model_copy(update={"retention_days": 30}))
    info = next(store.db.list_collections(filter={"name": "metrics"}))
    assert info["options"]["expireAfterSeconds"] == 30 * 86_400


def test_account_without_workspace_is_refused(store: Store) -> None:
    with pytest.raises(WriteError):
        store.db["accounts"].insert_one({"_id": "a", "platform": "instagram"})


@pytest.mark.parametrize(("version", "option"), [([6, 0, 27], "granularity"), ([8, 0, 1], "bucketMaxSpanSeconds")])
def test_buckets_of_a_day_on_every_server(version: list[int], option: str) -> None:
    assert option in bucketing(version)
