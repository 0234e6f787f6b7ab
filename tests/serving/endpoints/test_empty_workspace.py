"""A workspace without accounts: empty for the keys that name it, and unknown to all others."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from metrics.redis.events import Announcer
from metrics.store import Store
from serving.__main__ import Server
from serving.endpoints.routes import OPERATIONS, Operation
from tests.serving.auth.test_tenancy import Ids, call
from tests.serving.conformance import check
from tests.serving.conftest import account

VOID = Ids("void", "a1", "p1", "op_none")
OF_WORKSPACE = [o for o in OPERATIONS if "{workspaceId}" in o.path]
NO_SUCH_THING = "/anomalies/{anomalyId}"
"""The end of the path of an operation that nobody can call in an empty workspace."""
JSON_READS = [o for o in OF_WORKSPACE if o.cached]
LISTS = [o for o in JSON_READS if not o.path.endswith(("/series", "/forecasts", "/hours"))]


@pytest.fixture
def anonymous(live: tuple[str, Server]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live[0], timeout=30, event_hooks={"response": [check]}) as opened:
        yield opened


def made(store: Store, *workspaces: str) -> str:
    return store.keys.create("k", workspaces, ["read", "collect", "admin"])[0]


def body(client: httpx.Client, operation: Operation, key: str, **query: str) -> dict[str, Any]:
    found: dict[str, Any] = call(client, operation, VOID, key=key, **query).json()
    return found


def test_every_read_of_an_empty_workspace_is_an_empty_list(anonymous: httpx.Client, seeded: Store) -> None:
    key = made(seeded, "void")
    for operation in LISTS:
        answer = call(anonymous, operation, VOID, key=key)
        assert (answer.status_code, answer.json()["data"]) == (200, []), operation.path
    series, forecasts = (next(o for o in JSON_READS if o.path.endswith(end)) for end in ("/series", "/forecasts"))
    assert body(anonymous, forecasts, key)["data"]["forecasts"] == []
    hours = next(o for o in JSON_READS if o.path.endswith("/forecasts/hours"))
    assert body(anonymous, hours, key)["data"]["forecasts"] == []
    (columns,) = body(anonymous, series, key)["data"]["series"]
    assert (set(columns["values"]), set(columns["status"])) == ({None}, {None})
    assert columns["totalUnavailable"] == "no_observation"
    export = call(anonymous, next(o for o in OF_WORKSPACE if o.path.endswith("/export")), VOID, key=key)
    assert (export.status_code, export.content) == (200, b"")


def test_it_stays_unknown_to_keys_that_do_not_name_it(anonymous: httpx.Client, seeded: Store) -> None:
    every, own, named = made(seeded, "*"), made(seeded, "w1"), made(seeded, "void")
    for operation in OF_WORKSPACE:
        # Asked by the other key first: its answer may not be passed on from the cache.
        unknown = operation.path.endswith(NO_SUCH_THING)
        assert (call(anonymous, operation, VOID, key=named).status_code == 404) == unknown, operation.path
        for key in (every, own):
            assert call(anonymous, operation, VOID, key=key).status_code == 404, operation.path


def test_writes_that_need_accounts_are_refused_with_the_reason(anonymous: httpx.Client, seeded: Store) -> None:
    key, refused = made(seeded, "void"), []
    for operation in OF_WORKSPACE:
        if operation.method == "POST" and operation.has_location:
            answer = call(anonymous, operation, VOID, key=key)
            assert (answer.status_code, "no account yet" in answer.json()["detail"]) == (422, True), operation.path
            refused.append(operation.path)
    assert len(refused) == 2
    assert seeded.operations.find(["queued"]) == []


def test_its_stream_can_be_followed_before_the_first_account(anonymous: httpx.Client, seeded: Store) -> None:
    stream = next(o for o in OPERATIONS if o.path == "/analytics/stream")
    assert call(anonymous, stream, VOID, key=made(seeded, "void"), workspaceId="void").status_code == 200
    assert call(anonymous, stream, VOID, key=made(seeded, "*"), workspaceId="void").status_code == 404


def test_first_account_appears_in_it(anonymous: httpx.Client, seeded: Store, announcer: Announcer) -> None:
    key, operation = made(seeded, "void"), next(o for o in JSON_READS if o.path.endswith("/accounts"))
    assert body(anonymous, operation, key)["data"] == []
    seeded.accounts.put([account("a7", "void")])
    announcer.announce("void")
    assert [row["accountId"] for row in body(anonymous, operation, key)["data"]] == ["a7"]
