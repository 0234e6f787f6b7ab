"""The progress of reading histories, as operations, accounts and streams show it."""

from typing import Any

import httpx
from httpx_sse import connect_sse
from redis import Redis

from metrics.clock import utcnow
from metrics.collection.histories import request_histories, settle_operation
from metrics.periods import HOUR
from metrics.redis.events import Announcer, operation_status
from metrics.store import Store


def ask(store: Store) -> str:
    """Request the history of the account `a1`; return the id of the operation."""
    return request_histories(store, [store.accounts.get("a1")])["a1"]["_id"]


def keep(store: Store, **fields: Any) -> None:
    history: Any = {**(store.memories.history("a1") or {}), **fields}
    assert store.memories.keep_history("a1", history)


def test_operation_shows_the_progress_of_each_account(client: httpx.Client, seeded: Store) -> None:
    operation = ask(seeded)
    found = client.get(f"/analytics/operations/{operation}").json()["data"]
    assert (found["kind"], found["state"], found["accountId"]) == ("history", "queued", "a1")
    resumes = utcnow() + HOUR
    counts = {"posts": {"done": 40, "expected": 50}, "days": {"done": 60, "expected": 400}}
    keep(
        seeded, state="waiting", **counts, resumesAt=resumes, reason="rate_limited", message="enough", calls=77,
        unavailable={"newFollowers": {"not_recoverable": 30}},
        problems=[{"what": "media", "reason": "provider_error", "message": "overloaded"}],
    )  # fmt: skip
    settle_operation(seeded, operation)
    found = client.get(f"/analytics/operations/{operation}").json()["data"]
    assert found["progress"] == {"done": 100, "expected": 450}
    (history,) = found["histories"]
    assert {name: history[name] for name in ("accountId", "state", "reason", *counts, "calls")} == {
        "accountId": "a1", "state": "waiting", "reason": "rate_limited", **counts, "calls": 77,
    }  # fmt: skip
    assert history["unavailable"] == {"newFollowers": {"not_recoverable": 30}}
    assert history["problems"][0]["message"] == "overloaded"
    assert not {"lists", "asked", "left", "tries"} & history.keys()


def test_account_shows_the_progress_of_its_history(client: httpx.Client, seeded: Store, redis_client: Redis) -> None:
    (before,) = client.get("/analytics/workspace/w1/accounts").json()["data"]
    assert "history" not in before
    operation = ask(seeded)
    keep(seeded, state="failed", reason="needs_reauth", message="the token has expired", finishedAt=utcnow())
    Announcer(redis_client).announce("w1", [operation_status(seeded.operations.get(operation))])
    (account,) = client.get("/analytics/workspace/w1/accounts").json()["data"]
    assert (account["history"]["operationId"], account["history"]["state"]) == (operation, "failed")
    assert account["history"]["message"] == "the token has expired"
    assert "problems" not in account["history"]


def test_stream_sends_the_progress_of_a_history(client: httpx.Client, seeded: Store, redis_client: Redis) -> None:
    operation = ask(seeded)
    keep(seeded, state="running", days={"done": 3, "expected": 9})
    with connect_sse(client, "GET", "/analytics/stream", params={"workspaceId": "w1"}) as source:
        found = settle_operation(seeded, operation)
        assert found is not None
        Announcer(redis_client).announce("w1", [operation_status(found)])
        event = next(one for one in source.iter_sse() if one.event == "collection:status")
    said = event.json()
    assert (said["operationId"], said["kind"], said["state"]) == (operation, "history", "queued")
    assert said["progress"] == {"done": 3, "expected": 9}
