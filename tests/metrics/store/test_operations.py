"""Operations are durable, unique per scope while they are queued, and finished once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from metrics.errors import QueueFull
from metrics.store import Store
from metrics.store.operations import MAX_IDEMPOTENCY_KEYS


def test_second_request_of_a_queued_scope_gets_the_queued_one(store: Store) -> None:
    first = store.operations.request("collect", "w")
    assert store.operations.request("collect", "w")["_id"] == first["_id"]
    assert store.operations.request("collect", "w", account_id="a")["_id"] != first["_id"]


def test_requests_at_once_make_one_operation(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: store.operations.request("collect", "w")["_id"], range(32)))
    assert len(set(found)) == 1


def test_a_scope_that_runs_can_be_asked_for_again(store: Store) -> None:
    first = store.operations.request("collect", "w")
    store.operations.start(first["_id"], "run")
    assert store.operations.request("collect", "w")["_id"] != first["_id"]


def test_idempotency_key_gives_the_same_operation_after_it_ended(store: Store) -> None:
    first = store.operations.request("collect", "w", idempotency_key="k")
    store.operations.finish(first["_id"], "succeeded")
    assert store.operations.request("collect", "w", idempotency_key="k")["_id"] == first["_id"]
    assert store.operations.request("collect", "other", idempotency_key="k")["_id"] != first["_id"]


def test_idempotency_keys_of_a_queued_operation_are_bounded(store: Store) -> None:
    """Each repeated request adds its key: without a bound, the document would grow to MongoDB's 16 MB."""
    keys = [f"k{n}" for n in range(MAX_IDEMPOTENCY_KEYS)]
    (only,) = {store.operations.request("collect", "w", idempotency_key=key)["_id"] for key in keys}
    for _ in range(2):
        with pytest.raises(QueueFull, match=f"{MAX_IDEMPOTENCY_KEYS} idempotency keys"):
            store.operations.request("collect", "w", idempotency_key="one too many")
    stored = store.db["operations"].find_one({"_id": only})
    assert stored is not None
    assert len(stored["idempotencyKey"]) == MAX_IDEMPOTENCY_KEYS
    assert store.operations.request("collect", "w", idempotency_key="k0")["_id"] == only, "a repeated request"
    assert store.operations.request("collect", "w")["_id"] == only, "a request without a key adds none"
    store.operations.start(only, "run")
    assert store.operations.request("collect", "w", idempotency_key="k0")["_id"] == only
    assert store.operations.request("collect", "w", idempotency_key="one too many")["_id"] != only


def test_operation_ends_with_its_last_part(store: Store) -> None:
    operation_id = store.operations.request("collect", "w")["_id"]
    store.operations.start(operation_id, "run")
    assert store.operations.report(operation_id, "raw_instagram", {"ok": 2, "failed": 1}, 2) is None
    ended = store.operations.report(operation_id, "raw_facebook", {"ok": 1}, 2)
    assert ended is not None
    assert (ended["state"], ended["accounts"]) == ("partial", {"ok": 3, "failed": 1, "skipped": 0})


def test_outcome_is_written_once(store: Store) -> None:
    operation_id = store.operations.request("collect", "w")["_id"]
    assert store.operations.finish(operation_id, "failed", error="gone") is not None
    assert store.operations.finish(operation_id, "succeeded") is None
    assert store.operations.start(operation_id, "run") is False
    assert store.operations.get(operation_id)["state"] == "failed"
