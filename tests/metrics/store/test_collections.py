"""Collection records: a failure never replaces the record of a collected slot."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from metrics.documents import CollectionDocument, Problem
from metrics.store import Store
from metrics.store.collections import record_id

SLOT = datetime(2026, 3, 1, 10, tzinfo=UTC)


def record(state: str, slot: datetime = SLOT, **more: Any) -> CollectionDocument:
    fields = {
        "_id": record_id("a", slot), "workspaceId": "w", "accountId": "a", "platform": "instagram", "slot": slot,
        "state": state, "finishedAt": slot, "runId": "r", "observations": 1, "calls": 1, **more,
    }  # fmt: skip
    return cast("CollectionDocument", fields)


def test_failure_after_success_leaves_the_success(store: Store) -> None:
    store.collections.put([record("collected")])
    store.collections.put([record("failed", reason="provider_error")])
    assert [r["state"] for r in store.collections.of_slot(SLOT)] == ["collected"]


def test_success_after_failure_replaces_it(store: Store) -> None:
    store.collections.put([record("failed", reason="provider_error")])
    store.collections.put([record("collected")])
    (found,) = store.collections.of_slot(SLOT)
    assert (found["state"], "reason" in found) == ("collected", False)


def test_problem_found_later_is_added_once_and_goes_with_the_record(store: Store) -> None:
    store.collections.put([record("collected")])
    found: Problem = {"what": "no_impossible_values", "reason": "check_failed", "message": "1"}
    for _ in range(2):
        store.collections.add_problems({("w", "a", SLOT): found, ("w", "unknown", SLOT): found})
    assert [r.get("problems") for r in store.collections.of_slot(SLOT)] == [[found]]
    store.collections.put([record("collected")])
    assert [r.get("problems") for r in store.collections.of_slot(SLOT)] == [None]


def test_calls_of_a_slot_by_account(store: Store) -> None:
    store.collections.put([record("collected", calls=7), record("collected", SLOT + timedelta(hours=1), calls=9)])
    assert store.collections.calls(["a", "unknown"], SLOT) == {"a": 7}


def test_last_record_and_last_success_of_an_account(store: Store) -> None:
    later = SLOT + timedelta(hours=1)
    store.collections.put([record("collected"), record("failed", later, reason="provider_error")])
    found = store.collections.last_by_account("w")["a"]
    assert (found["last"]["slot"], found["collected"]["slot"]) == (later, SLOT)


def test_collection_on_demand_during_a_slot_is_no_record_of_its_end(store: Store) -> None:
    hour = timedelta(hours=1)
    store.collections.put([record("collected", finishedAt=SLOT + hour / 3)])
    assert not store.collections.has_ended_slot(SLOT, "instagram")
    store.collections.put([record("failed", SLOT + hour, finishedAt=SLOT + 2 * hour)])
    assert store.collections.has_ended_slot(SLOT + hour, "instagram")
    assert not store.collections.has_ended_slot(SLOT + hour, "twitter")


def test_records_are_counted_by_slot(store: Store) -> None:
    later, problem = SLOT + timedelta(hours=1), {"what": "x", "reason": "check_failed", "message": "1"}
    store.collections.put([record("failed", reason="provider_error"), record("collected", later, problems=[problem])])
    slots = [SLOT, later]
    assert store.collections.accounts_by_slot("instagram", slots, {"state": "failed"}, 9) == {SLOT: ["a"]}
    assert store.collections.accounts_by_slot("instagram", slots, {"problems.what": "x"}, 9) == {later: ["a"]}
    assert store.collections.accounts_by_slot("twitter", slots, {"state": "failed"}, 9) == {}
    more = [record("failed", _id=f"{name}|x", accountId=name) for name in ("d", "c", "b")]
    store.collections.put(more)
    assert store.collections.accounts_by_slot("instagram", [SLOT], {"state": "failed"}, 3) == {SLOT: ["a", "b", "c"]}


def test_late_recovery_never_hides_that_a_slot_was_collected_in_time(store: Store) -> None:
    store.collections.put([record("collected", observations=7)])
    store.collections.put([record("collected", observations=1, notRecoverable=["snapshots of posts"])])
    assert store.collections.states("instagram", [SLOT]) == {SLOT: {"a": ("collected", 7)}}


def test_late_recovery_replaces_a_failure_and_an_earlier_one(store: Store) -> None:
    store.collections.put([record("failed", reason="provider_error")])
    for rows in (1, 2):
        store.collections.put([record("collected", observations=rows, notRecoverable=["snapshots of posts"])])
        assert store.collections.states("instagram", [SLOT]) == {SLOT: {"a": ("late", rows)}}


def test_records_made_after_the_end_of_slots_are_found_by_account(store: Store) -> None:
    hour = timedelta(hours=1)
    early, ended = (
        record("collected", finishedAt=SLOT + hour / 3),
        record("failed", SLOT + hour, finishedAt=SLOT + 2 * hour),
    )
    store.collections.put([early, ended])
    assert store.collections.recorded([SLOT, SLOT + hour, SLOT + 2 * hour]) == {"a": {SLOT + hour}}


def test_failures_of_a_slot_are_found_by_reason_and_time(store: Store) -> None:
    store.collections.put([record("failed", reason="provider_error", finishedAt=SLOT)])
    later = SLOT + timedelta(minutes=1)
    assert store.collections.failed_before(SLOT, ["provider_error"], later) == {"instagram": ["a"]}
    assert store.collections.failed_before(SLOT, ["provider_error"], SLOT) == {}
    assert store.collections.failed_before(SLOT, ["needs_reauth"], later) == {}
