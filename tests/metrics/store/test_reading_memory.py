"""Memories of readings: the first of two overlapping readings counts, and refusals are counted by slot."""

from datetime import UTC, datetime, timedelta

from metrics.clock import utcnow
from metrics.documents import AccountDocument
from metrics.store import Store
from metrics.store.setup.indexes import ONE_PER_PLATFORM_ACCOUNT

ACCOUNT: AccountDocument = {
    "_id": "a", "workspaceId": "w", "platform": "twitter", "platformAccountId": "7", "handle": "a", "state": "active",
    "connectedAt": datetime(2026, 1, 1, tzinfo=UTC),
}  # fmt: skip
SLOT = datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_memory_that_another_reading_stored_meanwhile_stays(store: Store) -> None:
    assert store.memories.keep(ACCOUNT, {"lists": {"timeline": {"gaps": [{"place": "1"}]}}}, None)
    assert not store.memories.keep(ACCOUNT, {"lists": {}}, None)
    before = store.memories.of("a")["reading"]
    assert before["lists"]["timeline"]["gaps"] == [{"place": "1"}]
    assert store.memories.keep(ACCOUNT, {"lists": {}}, before)
    assert store.memories.of("a")["reading"] == {"lists": {}}


def test_refusals_are_counted_by_slot_and_forgiven(store: Store) -> None:
    slots = (SLOT, SLOT, SLOT + timedelta(hours=1))
    assert [store.memories.refused(ACCOUNT, slot) for slot in slots] == [1, 1, 2]
    store.memories.forgive("a")
    assert store.memories.refused(ACCOUNT, SLOT + timedelta(hours=2)) == 1
    store.memories.keep(ACCOUNT, {"lists": {}}, None)
    assert "refusals" not in store.memories.of("a")


def test_state_is_not_changed_of_an_account_that_was_connected_again(store: Store) -> None:
    store.accounts.put([{**ACCOUNT, "credentials": b"old"}])
    read = store.accounts.get("a")
    store.accounts.set_credentials("a", b"new")
    assert not store.accounts.change_state(read, "needs_reauth", "dead")
    assert store.accounts.change_state(store.accounts.get("a"), "needs_reauth", "dead")
    assert store.accounts.get("a")["stateReason"] == "dead"


def test_disconnection_of_an_older_version_ends_with_its_last_collected_hour(store: Store, settings: object) -> None:
    store.accounts.put([{**ACCOUNT, "state": "disconnected"}, {**ACCOUNT, "_id": "b", "platformAccountId": "8",
                                                               "state": "disconnected"}])  # fmt: skip
    store.collections.put(
        [{"_id": "a|x", "workspaceId": "w", "accountId": "a", "platform": "twitter", "slot": SLOT, "state": "collected",
          "finishedAt": utcnow(), "runId": "r", "observations": 1, "calls": 1}]
    )  # fmt: skip
    # An older version had no such index.
    store.db["accounts"].drop_index(ONE_PER_PLATFORM_ACCOUNT)
    store.ensure(settings)  # type: ignore[arg-type]
    ended = {one["_id"]: one["disconnectedAt"] for one in store.db["accounts"].find()}
    assert ended == {"a": SLOT + timedelta(hours=1), "b": ACCOUNT["connectedAt"]}
