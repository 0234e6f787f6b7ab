"""Requests of one kind that run at once are bounded per key and in all, and the reads of other keys go on meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from metrics.store import Store
from serving.__main__ import Server
from serving.auth.request_limit import ConcurrentRequests
from serving.endpoints import writes
from serving.wire.problems import Problem


def test_places_are_counted_per_key_and_in_all_and_given_back() -> None:
    limit = ConcurrentRequests("exports", per_key=2, in_all=3)
    with ExitStack() as held:
        for key in ("a", "a", "b"):
            held.enter_context(limit.running(key))
        for key, status in (("a", 429), ("b", 503), ("c", 503)):
            with pytest.raises(Problem) as refused, limit.running(key):
                pass
            assert (refused.value.status, refused.value.headers["Retry-After"]) == (status, "5")
    with limit.running("a"), limit.running("a"), limit.running("c"):
        pass


def test_key_has_one_invalidation_at_once_and_others_read_meanwhile(
    client: httpx.Client, live: tuple[str, Server], seeded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, release = threading.Semaphore(0), threading.Event()

    def slow(*_: object) -> int:
        begun.release()
        release.wait(30)
        return 0

    monkeypatch.setattr(writes, "invalidate", slow)
    other, _ = seeded.keys.create("other", ["w2"], ["read"])
    path = "/analytics/workspace/w1/cache/invalidate"
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.post, path)
        assert begun.acquire(timeout=60)
        assert [client.post(path).status_code for _ in range(16)] == [429] * 16
        read = httpx.get(f"{live[0]}/analytics/workspace/w2/accounts", headers={"Authorization": f"Bearer {other}"})
        assert read.status_code == 200
        release.set()
        assert first.result().status_code == 200
    assert client.post(path).status_code == 200
