"""Records of collection: a failure never hides that a slot was collected."""

from datetime import UTC, datetime, timedelta
from typing import Any

from metrics.documents import CollectionDocument
from metrics.store import Store
from metrics.store.collected import record_id

SLOT = datetime(2026, 3, 1, 10, tzinfo=UTC)


def record(state: str, slot: datetime = SLOT, **more: Any) -> CollectionDocument:
    return {  # type: ignore[typeddict-item]
        "_id": record_id("a", slot), "workspaceId": "w", "accountId": "a", "platform": "instagram", "slot": slot,
        "state": state, "finishedAt": slot, "runId": "r", "observations": 1, "calls": 1, **more,
    }  # fmt: skip


def test_failure_after_success_leaves_the_success(store: Store) -> None:
    store.collections.put([record("collected")])
    store.collections.put([record("failed", reason="provider_error")])
    assert [r["state"] for r in store.collections.of_slot(SLOT)] == ["collected"]


def test_success_after_failure_replaces_it(store: Store) -> None:
    store.collections.put([record("failed", reason="provider_error")])
    store.collections.put([record("collected")])
    (found,) = store.collections.of_slot(SLOT)
    assert (found["state"], "reason" in found) == ("collected", False)


def test_last_record_and_last_success_of_an_account(store: Store) -> None:
    later = SLOT + timedelta(hours=1)
    store.collections.put([record("collected"), record("failed", later, reason="provider_error")])
    found = store.collections.last_by_account("w")["a"]
    assert (found["last"]["slot"], found["collected"]["slot"]) == (later, SLOT)


def test_recorded_slots_are_those_in_the_range(store: Store) -> None:
    store.collections.put([record("collected"), record("failed", SLOT + timedelta(hours=1))])
    assert store.collections.recorded_slots(SLOT, SLOT + timedelta(hours=1)) == {SLOT}
