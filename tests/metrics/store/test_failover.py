"""A failover during any operation is reported as `MongoUnavailable`, so that callers try again."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import BulkWriteError, OperationFailure

from metrics.documents import AccountDocument, CollectionDocument, Document
from metrics.errors import MongoUnavailable
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.errors import duplicates, mongo_errors
from metrics.store.rollup.publications import put_posts
from tests.databases import Spare
from tests.metrics.accounts import account as described
from tests.replica_set import replica_set

SLOT = datetime(2026, 3, 1, 10, tzinfo=UTC)
PASSING = [91, 189, 10107, 11600, 11602, 13435, 13436]


@pytest.fixture(scope="module")
def testing_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a MongoDB with fail points; yield its URL."""
    with replica_set(tmp_path_factory.mktemp("one"), 1, "--setParameter", "enableTestCommands=1") as running:
        yield running.url


@pytest.fixture(scope="module")
def spare() -> Spare:
    """The database that the tests of that server use one after the other."""
    return Spare()


@pytest.fixture
def there(testing_url: str, settings: Settings, spare: Spare) -> Iterator[Store]:
    chosen = settings.model_copy(update={"mongo_url": testing_url, "mongo_db": spare.name})
    with closing(Store.connect(chosen)) as patient:
        spare.prepare(patient, chosen)
    with closing(Store.connect(chosen, server_selection_ms=500)) as store:
        yield store


@contextmanager
def failing(url: str, *commands: str, **data: Any) -> Iterator[None]:
    """Let commands of the server fail within the context."""
    fails = {"failCommands": list(commands), **data}
    # A client of its own: the one under test knows no primary after the failure.
    with MongoClient[Document](url) as client:
        client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=fails)
        try:
            yield
        finally:
            client.admin.command("configureFailPoint", "failCommand", mode="off")


def record(account_id: str) -> CollectionDocument:
    return {
        "_id": f"{account_id}|x", "workspaceId": "w", "accountId": account_id, "slot": SLOT, "platform": "instagram",
        "state": "collected", "runId": "r", "finishedAt": SLOT, "calls": 1, "observations": 1,
    }  # fmt: skip


def account(connected: datetime = SLOT) -> AccountDocument:
    more = {"workspaceId": "w", "platformAccountId": "1", "handle": "a", "state": "active"}
    return {**described("a", "instagram", [connected]), **more}  # type: ignore[typeddict-item]


def bulk(write: int | None = None, concern: int | None = None) -> BulkWriteError:
    return BulkWriteError(
        {
            "writeErrors": [{"index": 0, "code": write, "errmsg": "x"}] if write else [],
            "writeConcernErrors": [{"code": concern, "errmsg": "x"}] if concern else [],
        }
    )


@pytest.mark.parametrize("code", PASSING)
@pytest.mark.parametrize("part", ["write", "concern"])
def test_bulk_write_with_a_part_that_met_a_failover_is_mongodb_unavailable(code: int, part: str) -> None:
    with pytest.raises(MongoUnavailable), mongo_errors():
        raise bulk(**{part: code})


def test_other_errors_of_a_bulk_write_are_raised_unchanged() -> None:
    for error in (bulk(121), bulk(11000), OperationFailure("x", 121)):
        with pytest.raises(type(error)), mongo_errors():
            raise error


@pytest.mark.parametrize("code", [64, 91, 11602])
@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.marks.touch([("w", "daily", SLOT)]),
        lambda store: store.collections.put([record("a")]),
        lambda store: store.accounts.put([account()]),
        lambda store: store.retention.deleting("w", SLOT),
    ],
    ids=["marks", "collections", "accounts", "retention"],
)
def test_write_without_a_majority_is_mongodb_unavailable(
    there: Store, testing_url: str, code: int, write: Callable[[Store], None]
) -> None:
    refused = {"writeConcernError": {"code": code, "errmsg": "the primary steps down"}}
    with failing(testing_url, "update", "insert", **refused), pytest.raises(MongoUnavailable):
        write(there)


def test_duplicate_beside_a_write_without_a_majority_is_an_error() -> None:
    assert len(duplicates(bulk(11000))) == 1
    for error in (bulk(11000, concern=91), bulk(concern=91), bulk(121)):
        with pytest.raises(BulkWriteError):
            duplicates(error)


def test_putting_posts_while_the_primary_changes_is_mongodb_unavailable(there: Store, testing_url: str) -> None:
    owner = account()
    early = SLOT.replace(year=2025)
    post: Any = {
        "_id": "p", "workspaceId": "w", "accountId": "a", "platform": "instagram", "platformPostId": "1",
        "metricType": "post", "contentType": "image", "publishedAt": early,
    }  # fmt: skip
    namespace = f"{there.db.name}.aggregated_metrics"
    with failing(testing_url, "find", errorCode=13436, namespace=namespace), pytest.raises(MongoUnavailable):
        put_posts(there, owner, [post], {})
