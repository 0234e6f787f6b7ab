"""Collections: made once, from several processes at once, with validators that refuse what is not a document."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import cast

import pytest
from pymongo.errors import WriteError

from metrics.clock import utcnow
from metrics.documents import AccountDocument
from metrics.errors import TidemarkError
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.schema import ONE_PER_PLATFORM_ACCOUNT, bucketing


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


def old_account(number: int, platform: str, theirs: str, workspace: str = "w") -> dict[str, object]:
    return {
        "_id": f"acc_{number}", "workspaceId": workspace, "platform": platform, "platformAccountId": theirs,
        "handle": "h", "state": "active", "connectedAt": utcnow() + timedelta(seconds=number),
    }  # fmt: skip


def test_ids_with_the_word_of_an_older_version_become_normal_at_any_start(store: Store, settings: Settings) -> None:
    accounts = store.db["accounts"]
    accounts.insert_many(
        [
            old_account(1, "facebook", "page:0123"),
            old_account(2, "instagram", "user:17841400000000001"),
            old_account(3, "linkedin", "organization:5500001"),
            old_account(4, "facebook", "page:124"),
            old_account(5, "facebook", "124"),
            old_account(6, "facebook", "page:acme"),
        ]
    )
    store.ensure(settings)
    found = {row["_id"]: row["platformAccountId"] for row in accounts.find()}
    assert found == {
        "acc_1": "123",
        "acc_2": "17841400000000001",
        "acc_3": "5500001",
        "acc_4": "page:124",  # Connected twice: `tidemark doctor` names both.
        "acc_5": "124",
        "acc_6": "page:acme",
    }


def test_ids_of_an_older_version_become_normal_and_ours_stay(store: Store, settings: Settings) -> None:
    accounts = store.db["accounts"]
    accounts.drop_index(ONE_PER_PLATFORM_ACCOUNT)
    accounts.insert_many(
        [
            old_account(1, "linkedin", "urn:li:organization:5500001"),
            old_account(2, "linkedin", "urn:li:organization:5500002"),
            old_account(3, "linkedin", "5500002"),
            old_account(4, "twitter", "0700000007"),
            old_account(5, "twitter", "00700000007"),
            old_account(6, "twitter", "00700000007", "elsewhere"),
            old_account(7, "instagram", "acme"),
            old_account(8, "linkedin", "urn:li:organizationBrand:5500003"),
            old_account(9, "linkedin", "urn:li:organization:5500003"),
        ]
    )
    store.ensure(settings)
    found = {row["_id"]: row["platformAccountId"] for row in accounts.find()}
    assert found == {
        "acc_1": "5500001",
        "acc_2": "urn:li:organization:5500002",  # Connected twice: the one in the normal form has it.
        "acc_3": "5500002",
        "acc_4": "700000007",  # Connected twice: the older one has it.
        "acc_5": "00700000007",
        "acc_6": "700000007",
        "acc_7": "acme",
        "acc_8": "urn:li:organizationBrand:5500003",
        "acc_9": "urn:li:organization:5500003",
    }


def test_second_account_of_one_platform_account_is_refused(store: Store) -> None:
    first, second = (cast("AccountDocument", old_account(n, "twitter", "7")) for n in (1, 2))
    store.accounts.put([first])
    with pytest.raises(TidemarkError, match="1 of 1 accounts were connected by another command meanwhile"):
        store.accounts.put([second])


def test_unique_indexes_of_workspaces_data_begin_with_the_workspace(store: Store) -> None:
    index = store.db["accounts"].index_information()[ONE_PER_PLATFORM_ACCOUNT]
    assert (index["unique"], index["key"][0]) == (True, ("workspaceId", 1))


def test_index_that_forgot_refusals_after_a_week_goes(store: Store, settings: Settings) -> None:
    store.db["quarantine"].create_index("since", name="expire", expireAfterSeconds=7 * 86_400)
    store.ensure(settings)
    store.ensure(settings)
    assert {"forget"} <= set(store.db["quarantine"].index_information()).difference({"expire"})
    assert "expire" not in store.db["quarantine"].index_information()
