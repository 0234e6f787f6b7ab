"""The queue of operations is fair: a workspace that has none under way waits for one batch of each other workspace."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.errors import NotFound, QueueFull
from metrics.store import Store
from metrics.store.operation_queue import Turn, next_turn

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@given(
    st.lists(st.sampled_from("abcd"), max_size=40),
    st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), min_size=1, max_size=120),
)
def test_workspace_waits_for_one_batch_of_each_other_workspace(
    queued: list[str], happens: list[tuple[str, bool]]
) -> None:
    turns = {name: Turn(name, "op", _BEGIN, 0, None) for name in "abcd"}
    waiting, seen = Counter(queued), {name: Counter[str]() for name in "abcd"}
    for step, (name, arrives) in enumerate(happens):
        if arrives:
            waiting[name] += 1
        elif turns[name].under_way:
            turns[name] = replace(turns[name], under_way=turns[name].under_way - 1)
        candidates = [turns[one] for one in waiting if waiting[one]]
        if not candidates:
            continue
        served = next_turn(candidates).workspace_id
        waiting[served] -= 1
        now = _BEGIN + timedelta(seconds=step)
        turns[served] = replace(turns[served], under_way=turns[served].under_way + 1, served_at=now)
        seen[served].clear()
        for one, turn in turns.items():
            if one == served or turn.under_way or not waiting[one]:
                seen[one].clear()
            else:
                seen[one][served] += 1
                assert seen[one][served] <= 1, (one, served)


def test_turns_of_stored_operations_alternate(store: Store) -> None:
    for number in range(4):
        store.operations.request("collect", "flood", account_id=f"a{number}")
    store.operations.request("collect", "late", account_id="b0")
    store.operations.request("collect", "later", account_id="c0")
    order = []
    while batches := store.operation_queue.hand_out(1):
        order += [batch.first["workspaceId"] for batch in batches]
        store.operations.finish(batches[0].id, "succeeded")
    assert order == ["flood", "late", "later", "flood", "flood", "flood"]


def test_no_more_batches_than_places_are_handed_out(store: Store) -> None:
    for number in range(5):
        store.operations.request("collect", "w", account_id=f"a{number}")
    assert [len(store.operation_queue.hand_out(3)) for _ in range(2)] == [3, 0]
    assert len(store.operation_queue.under_way()) == 3


def test_collections_of_an_account_are_one_batch_and_a_later_one_is_another(store: Store) -> None:
    first = store.operations.request("collect", "w", account_id="a", post_id="p")["_id"]
    second = store.operations.request("collect", "w", account_id="a")["_id"]
    store.operations.request("collect", "w")
    of_account, of_workspace = store.operation_queue.hand_out(9)
    assert [one["_id"] for one in of_account.operations] == [first, second]
    assert len(of_workspace.operations) == 1
    third = store.operations.request("collect", "w", account_id="a", post_id="q")["_id"]
    assert [batch.id for batch in store.operation_queue.hand_out(9)] == [third]


def test_batch_holds_finished_operations_as_well(store: Store) -> None:
    first = store.operations.request("collect", "w", account_id="a", post_id="p")["_id"]
    store.operations.request("collect", "w", account_id="a")
    store.operation_queue.hand_out(1)
    store.operations.finish(first, "succeeded")
    assert len(store.operation_queue.batch(first).operations) == 2
    with pytest.raises(NotFound):
        store.operation_queue.batch("op_none")


def test_queue_of_a_workspace_is_bounded(store: Store) -> None:
    for number in range(2):
        store.operations.request("collect", "w", account_id=f"a{number}")
    store.operation_queue.require_room("w", 3)
    store.operation_queue.require_room("other", 2)
    with pytest.raises(QueueFull, match="2 queued operations"):
        store.operation_queue.require_room("w", 2)
    store.operation_queue.hand_out(1)
    store.operation_queue.require_room("w", 2)
