"""The schema: created once, also by several processes at once, with validators that reject invalid documents."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import cast

import pytest
from pymongo import MongoClient
from pymongo.errors import WriteError
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from metrics.clock import utcnow
from metrics.documents import AccountDocument, Document
from metrics.errors import TidemarkError
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.indexes import ONE_PER_PLATFORM_ACCOUNT
from metrics.store.setup.schema import bucketing


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


class Commands(CommandListener):
    """Collects the names of the commands that are sent to MongoDB."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.names.append(event.command_name)

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


def test_ensuring_again_sends_nothing_that_changes(store: Store, settings: Settings) -> None:
    sent = Commands()
    watched: MongoClient[Document] = MongoClient(settings.mongo_url, event_listeners=[sent])
    with watched:
        Store(watched, watched[settings.mongo_db]).ensure(settings)
    assert set(sent.names) <= {"listCollections", "listIndexes", "find", "endSessions"}


def expiries(store: Store) -> dict[str, int]:
    log = next(iter(store.db.list_collections(filter={"name": "metrics"})))
    found = {"metrics": log["options"]["expireAfterSeconds"]}
    for name in ("subject_rollups", "aggregated_metrics", "operations", "quarantine", "shard_reports"):
        for index, one in store.db[name].index_information().items():
            if "expireAfterSeconds" in one:
                found[f"{name}.{index}"] = one["expireAfterSeconds"]
    return found


@pytest.mark.parametrize("days", [30, 19_999])
def test_process_with_other_settings_changes_no_retention(store: Store, settings: Settings, days: int) -> None:
    before = expiries(store)
    store.ensure(settings.model_copy(update={"retention_days": days, "rollup_retention_days": days}))
    assert expiries(store) == before
    assert len(before) == 6


def test_expiry_of_another_version_is_not_changed(store: Store, settings: Settings) -> None:
    index = {"name": "expire", "expireAfterSeconds": 365 * 86_400}
    store.db.command("collMod", "operations", index=index)
    before = expiries(store)
    store.ensure(settings)
    assert expiries(store) == before


def test_documents_that_never_expired_get_no_expiry(store: Store, settings: Settings) -> None:
    store.db["aggregated_metrics"].drop_index("expire")
    store.db["subject_rollups"].drop_index("expire")
    row = {"workspaceId": "w", "accountId": "a", "periodStart": utcnow(), "periodEnd": utcnow()}
    store.db["aggregated_metrics"].insert_one({"_id": "one", **row})
    store.ensure(settings)
    assert "aggregated_metrics.expire" not in expiries(store)
    assert "subject_rollups.expire" in expiries(store)


def test_validator_of_another_version_is_replaced(store: Store, settings: Settings) -> None:
    store.db.command("collMod", "accounts", validator={})
    store.ensure(settings)
    with pytest.raises(WriteError):
        store.db["accounts"].insert_one({"_id": "a", "platform": "instagram"})


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
        "acc_2": "urn:li:organization:5500002",  # Connected twice: the other account has the normal form already.
        "acc_3": "5500002",
        "acc_4": "700000007",  # Connected twice: the older account gets the normal form.
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
