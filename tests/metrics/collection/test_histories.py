"""Requests for the history of accounts: one at a time per account, in operations that end with their accounts."""

from typing import Any

import pytest
from redis import Redis

from metrics.clock import utcnow
from metrics.collection.histories import request_histories, settle_operation, stop_history, unfinished_operation
from metrics.documents import AccountDocument, History
from metrics.errors import NotFound
from metrics.periods import HOUR
from metrics.store import Store
from metrics.upkeep.erase import left_of
from tests.erasing import erased


def account(account_id: str = "a1", workspace_id: str = "w1") -> AccountDocument:
    return {
        "_id": account_id, "workspaceId": workspace_id, "platform": "instagram", "platformAccountId": account_id,
        "handle": account_id, "state": "active", "connectedAt": utcnow(),
    }  # fmt: skip


def end(store: Store, account_id: str, state: str = "done", **more: Any) -> None:
    """Set the state of the history of an account."""
    history: dict[str, Any] = dict(store.memories.history(account_id) or {})
    assert store.memories.keep_history(account_id, {**history, "state": state, **more})  # type: ignore[typeddict-item]


def history(store: Store, account_id: str = "a1") -> History:
    found = store.memories.history(account_id)
    assert found is not None
    return found


def test_accounts_of_a_workspace_have_one_operation(store: Store) -> None:
    found = request_histories(store, [account("a1"), account("a2"), account("b1", "w2")])
    assert {name: one["workspaceId"] for name, one in found.items()} == {"a1": "w1", "a2": "w1", "b1": "w2"}
    assert found["a1"] == found["a2"]
    assert "accountId" not in found["a1"]
    assert found["b1"]["accountId"] == "b1"
    assert {one["kind"] for one in store.operations.find(["queued"])} == {"history"}
    assert history(store)["state"] == "waiting"


def test_unfinished_history_goes_on_and_a_done_one_is_left(store: Store) -> None:
    first = request_histories(store, [account()])["a1"]
    store.operations.start(first["_id"], "run")
    assert request_histories(store, [account()], again=["a1"])["a1"]["_id"] == first["_id"]
    end(store, "a1", asked=[["2026-01-01", "2026-01-09"]], lists={"lists": {"media": {}}})
    settle_operation(store, first["_id"])
    assert request_histories(store, [account()]) == {}
    again = request_histories(store, [account()], again=["a1"])["a1"]
    assert again["_id"] != first["_id"]
    assert (history(store)["asked"], history(store)["lists"]) == ([["2026-01-01", "2026-01-09"]], {})


@pytest.mark.parametrize("state", ["failed", "stopped"])
def test_history_that_ended_early_resumes_at_its_position(store: Store, state: str) -> None:
    request_histories(store, [account()])
    end(store, "a1", state, lists={"lists": {"media": {"begun": True}}}, reason="needs_reauth", tries=4)
    settle_operation(store, history(store)["operationId"])
    request_histories(store, [account()])
    assert history(store)["lists"] == {"lists": {"media": {"begun": True}}}
    assert (history(store)["state"], history(store)["tries"], "reason" in history(store)) == ("waiting", 0, False)


def test_operation_that_was_never_stored_blocks_nothing(store: Store) -> None:
    request_histories(store, [account()])
    store.db["operations"].delete_many({})
    assert unfinished_operation(store, history(store)) is None
    assert request_histories(store, [account()])["a1"]["state"] == "queued"


@pytest.mark.parametrize(
    ("states", "ended", "counts"),
    [
        (("done", "done"), "succeeded", {"ok": 2, "failed": 0, "skipped": 0}),
        (("done", "partial"), "partial", {"ok": 2, "failed": 0, "skipped": 0}),
        (("done", "failed"), "partial", {"ok": 1, "failed": 1, "skipped": 0}),
        (("failed", "stopped"), "failed", {"ok": 0, "failed": 1, "skipped": 1}),
    ],
)
def test_operation_ends_as_its_accounts_did(
    store: Store, states: tuple[str, str], ended: str, counts: dict[str, int]
) -> None:
    operation = request_histories(store, [account("a1"), account("a2")])["a1"]["_id"]
    end(store, "a1", states[0], reason="provider_error", posts={"done": 5, "expected": 5})
    found = settle_operation(store, operation)
    assert found is not None
    assert (found["state"], found["progress"]) == ("queued", {"done": 5, "expected": 5})
    assert settle_operation(store, operation) is None
    end(store, "a2", states[1], reason="needs_reauth", days={"done": 3, "expected": 9})
    found = settle_operation(store, operation)
    assert found is not None
    assert (found["state"], found["accounts"], found["progress"]) == (ended, counts, {"done": 8, "expected": 14})
    assert ("error" in found) == (ended != "succeeded")
    assert "a2" not in found.get("error", "")


def test_operation_whose_accounts_were_erased_ends(store: Store) -> None:
    operation = request_histories(store, [account("a1"), account("a2")])["a1"]["_id"]
    store.db["reading_memory"].delete_many({})
    found = settle_operation(store, operation)
    assert found is not None
    assert found["state"] == "succeeded"
    assert settle_operation(store, operation) is None


def test_erased_history_is_not_written_again(store: Store) -> None:
    request_histories(store, [account()])
    before = history(store)
    store.db["reading_memory"].delete_many({})
    assert not store.memories.keep_history("a1", before)
    assert store.db["reading_memory"].count_documents({}) == 0


def test_history_that_was_read_longest_ago_comes_first_and_a_paused_one_not(store: Store) -> None:
    now = utcnow()
    request_histories(store, [account(f"a{n}") for n in range(4)])
    end(store, "a0", "running", workedAt=now - HOUR)
    end(store, "a1", "waiting", workedAt=now - 2 * HOUR, resumesAt=now + HOUR)
    end(store, "a2", "waiting", workedAt=now - 3 * HOUR, resumesAt=now - HOUR)
    assert [one for one, _ in store.memories.unfinished_histories(now)] == ["a3", "a2", "a0"]


def test_memory_of_readings_and_history_leave_each_other_alone(store: Store) -> None:
    store.memories.keep(account(), {"lists": {}}, None)
    request_histories(store, [account()])
    store.memories.keep(account(), {"lists": {"media": {}}}, {"lists": {}})
    assert store.memories.of("a1")["reading"] == {"lists": {"media": {}}}
    assert history(store)["state"] == "waiting"


def test_erasing_an_account_erases_its_history(store: Store, redis_client: Redis) -> None:
    store.accounts.put([account("a1"), account("a2")])
    alone = request_histories(store, [account("a1")])["a1"]["_id"]
    together = request_histories(store, [account("a2"), account("b1", "w2")])["a2"]["_id"]
    erased(store, redis_client, "account", "a1")
    assert store.memories.history("a1") is None
    with pytest.raises(NotFound):
        store.operations.get(alone)
    assert store.operations.get(together)["state"] == "queued"
    assert left_of(store, "account", "a1") == {}


def test_waiting_history_ends_when_its_account_is_paused(store: Store) -> None:
    operation = request_histories(store, [account()])["a1"]["_id"]
    end(store, "a1", "waiting", resumesAt=utcnow() + HOUR, asked=[["2026-01-01", "2026-01-09"]])
    stopped = stop_history(store, "a1", "paused")
    assert stopped is not None
    assert (stopped["_id"], stopped["state"]) == (operation, "failed")
    assert (history(store)["state"], history(store)["reason"]) == ("stopped", "paused")
    assert "resumesAt" not in history(store)
    assert stop_history(store, "a1", "paused") is None
    request_histories(store, [account()])
    assert (history(store)["state"], history(store)["asked"]) == ("waiting", [["2026-01-01", "2026-01-09"]])


@pytest.mark.parametrize("state", ["running", "done"])
def test_history_that_is_read_at_this_moment_is_left_to_its_run(store: Store, state: str) -> None:
    request_histories(store, [account()])
    end(store, "a1", state)
    assert stop_history(store, "a1", "paused") is None
    assert history(store)["state"] == state
    assert stop_history(store, "a2", "paused") is None
