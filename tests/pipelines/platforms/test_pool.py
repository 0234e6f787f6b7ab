"""Tests of the pool: full calls from many threads, and failures that stay with the account or the key they concern."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from metrics.clock import utcnow
from pipelines.platforms import pool as pool_module
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import (
    BadAnswer,
    NeedsReauth,
    PlatformError,
    QuotaUsed,
    RateLimited,
    RequestRefused,
    Transient,
)
from pipelines.platforms.pool import Loaded, Pool, Readers


class Server:
    """The platform's side: answers each key with its length, except for the keys, tokens and calls that fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[str], str]] = []
        self.bad_keys: set[str] = set()
        self.failing: dict[str, PlatformError] = {}
        self.absent: set[str] = set()
        self.bug: Exception | None = None

    def __call__(self, keys: Sequence[str], access: Access, _tally: Tally) -> dict[str, int]:
        token = str(access.credentials.get("access_token") or access.credentials["api_key"])
        self.calls.append((list(keys), token))
        if self.bug is not None:
            raise self.bug
        if token in self.failing:
            raise self.failing[token]
        if self.bad_keys & set(keys):
            raise RequestRefused("400: a key is invalid")
        return {key: len(key) for key in keys if key not in self.absent}


def access(token: str) -> Access:
    return Access("UC", {"access_token": token})


def pooled(server: Server, size: int = 50, shared: Access | None = None, *, patient: bool = False) -> Pool[int]:
    return Pool(server, Readers(), size, shared=shared, patient=patient)


def load_together(
    server: Server, wanted: dict[str, list[str]], size: int = 50, shared: Access | None = None
) -> dict[str, Loaded[int]]:
    """Load keys for several tokens in one thread each, so that all of them come together; return the results."""
    readers = Readers()
    pool: Pool[int] = Pool(server, readers, size, shared=shared)
    readers.expect(len(wanted), len(wanted))

    def one(token: str) -> Loaded[int]:
        with readers.reading():
            return pool.load(wanted[token], access(token), Tally())

    with ThreadPoolExecutor(len(wanted)) as threads:
        return dict(zip(wanted, threads.map(one, wanted), strict=True))


def test_keys_of_many_threads_go_out_in_full_calls() -> None:
    server, wanted = Server(), {f"t{n}": [f"{n}-{k}" for k in range(25)] for n in range(20)}
    found = load_together(server, wanted)
    assert [len(keys) for keys, _ in server.calls] == [50] * 10
    assert all(found[token].values == {key: len(key) for key in keys} for token, keys in wanted.items())


def test_same_key_of_two_accounts_is_requested_once() -> None:
    server = Server()
    found = load_together(server, {"a": ["x", "y"], "b": ["y", "z"]})
    assert sorted(key for keys, _ in server.calls for key in keys) == ["x", "y", "z"]
    assert found["b"].values == {"y": 1, "z": 1}


def test_single_reader_does_not_wait_for_others() -> None:
    server, readers = Server(), Readers()
    pool: Pool[int] = Pool(server, readers, 50)
    began = threading.Event()
    with readers.reading():
        began.set()
        assert pool.load(["x"], access("a"), Tally()).values == {"x": 1}
    assert len(server.calls) == 1


def test_key_that_the_answer_lacks_is_in_neither_result() -> None:
    server = Server()
    server.absent = {"gone"}
    found = pooled(server).load(["gone", "here"], access("a"), Tally())
    assert (found.values, found.errors) == ({"here": 4}, {})


def test_error_of_a_single_key_is_its_own() -> None:
    error = BadAnswer("no valid id")
    pool: Pool[int] = Pool(lambda keys, *_: {"good": 1, "odd": error}, Readers(), 50)
    found = pool.load(["good", "odd", "gone"], access("a"), Tally())
    assert (found.values, found.errors) == ({"good": 1}, {"odd": error})


def test_refused_key_never_fails_its_neighbours() -> None:
    server, wanted = Server(), {f"t{n}": [f"{n}-{k}" for k in range(10)] for n in range(5)}
    server.bad_keys = {"3-7"}
    found = load_together(server, wanted)
    failed = {key for loaded in found.values() for key in loaded.errors}
    assert failed == {"3-7"}
    assert sum(len(loaded.values) for loaded in found.values()) == 49
    assert len(server.calls) <= 1 + 2 * 6


@pytest.mark.parametrize("error", [NeedsReauth("dead"), BadAnswer("html"), Transient("cut")])
def test_credentials_that_fail_are_replaced_by_those_of_another_account(error: PlatformError) -> None:
    server = Server()
    server.failing = {"dead": error}
    found = load_together(server, {"dead": ["x"], "well": ["y"]})
    assert found["well"].values == {"y": 1}
    assert found["dead"].values == {"x": 1}


def test_refused_token_is_tried_last_in_later_calls() -> None:
    server = Server()
    server.failing = {"dead": NeedsReauth("dead")}
    readers = Readers()
    pool: Pool[int] = Pool(server, readers, 2)
    assert isinstance(pool.load(["x"], access("dead"), Tally()).errors["x"], NeedsReauth)
    readers.expect(2, 2)

    def one(token: str) -> Loaded[int]:
        with readers.reading():
            return pool.load([token], access(token), Tally())

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(one, ["dead", "well"]))
    assert [token for _, token in server.calls[1:]] == ["well"]


def test_dead_tokens_alone_fail_their_accounts_only() -> None:
    server = Server()
    server.failing = {"one": NeedsReauth("one"), "two": NeedsReauth("two")}
    found = load_together(server, {"one": ["x"], "two": ["y"]})
    assert [str(found[token].errors[key]) for token, key in (("one", "x"), ("two", "y"))] == ["one", "two"]


def test_shared_credentials_come_first() -> None:
    server = Server()
    load_together(server, {"a": ["x"], "b": ["y"]}, shared=Access("", {"api_key": "key"}))
    assert [token for _, token in server.calls] == ["key"]


@pytest.mark.parametrize(
    "error", [QuotaUsed("general", utcnow()), RateLimited("all", utcnow() + timedelta(hours=1), "app")]
)
def test_limit_of_the_app_is_met_once(error: PlatformError) -> None:
    server = Server()
    server.failing = {"a": error, "b": error}
    found = load_together(server, {"a": ["x"], "b": ["y"]})
    assert len(server.calls) == 1
    assert {type(one) for loaded in found.values() for one in loaded.errors.values()} == {type(error)}


def test_unforeseen_error_leaves_no_thread_waiting() -> None:
    server = Server()
    server.bug = KeyError("bug")
    found = load_together(server, {"a": ["x"], "b": ["y"]})
    assert {type(one) for loaded in found.values() for one in loaded.errors.values()} == {KeyError}


def test_outage_costs_few_calls() -> None:
    server = Server()
    server.failing = {f"t{n}": Transient("overloaded") for n in range(20)}
    found = load_together(server, {f"t{n}": [str(n)] for n in range(20)})
    assert len(server.calls) == pool_module.MOST_LENDERS
    assert all(loaded.errors for loaded in found.values())


def test_call_that_is_not_full_is_sent_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "LONGEST_WAIT_SECONDS", 0.05)
    server, readers = Server(), Readers()
    readers.expect(10, 10)
    pool: Pool[int] = Pool(server, readers, 50, patient=True)
    with readers.reading():
        # Nine more accounts are expected, and none of them comes.
        assert pool.load(["x"], access("a"), Tally()).values == {"x": 1}
