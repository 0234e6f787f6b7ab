"""Which workspaces a stream of several of them may follow, and for how long."""

import httpx
import pytest
from redis import Redis

from metrics.store import Store
from serving.__main__ import Server
from serving.stream import hub
from tests.erasing import erased
from tests.serving.conftest import account, post
from tests.serving.stream.combined import STREAM, Pairs, key_of_both, naming, of_both


def asked(client: httpx.Client, *names: str, **more: str) -> int:
    query: Pairs = [*naming(*names), *more.items()]
    with client.stream("GET", STREAM, params=query) as answer:
        return answer.status_code


def test_one_foreign_or_unknown_workspace_refuses_the_stream(
    both: httpx.Client, live: tuple[str, Server], seeded: Store
) -> None:
    seeded.accounts.put([account("a3", "w3")])
    for other in ("w3", "nowhere"):
        answer = both.get(STREAM, params=naming("w1", other))
        assert answer.status_code == 404
        assert other not in answer.text
    with key_of_both(live[0], seeded, ("*",)) as of_all:
        assert asked(of_all, "w1", "w3") == 200
        assert asked(of_all, "w1", "nowhere") == 404
    collect, _ = seeded.keys.create("collect", ["w1", "w2"], ["collect"])
    assert both.get(
        STREAM, params=naming("w1", "w2"), headers={"Authorization": f"Bearer {collect}"}
    ).status_code == 403  # fmt: skip


def test_account_or_post_has_to_be_of_one_of_the_workspaces(both: httpx.Client, seeded: Store) -> None:
    seeded.accounts.put([account("a3", "w3")])
    seeded.posts.put([post("p3", "a3", "w3")])
    assert asked(both, "w1", "w2", accountId="a2") == 200
    assert asked(both, "w1", "w2", postId="p9") == 200
    assert asked(both, "w1", "w2", accountId="a3") == 404
    assert asked(both, "w1", "w2", postId="p3") == 404


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["w1", "w1"], "must name each workspace only once"),
        ([f"w{n}" for n in range(21)], "must be an id, repeated for up to 20 workspaces"),
        (["w1", ""], "must be an id, repeated for up to 20 workspaces"),
        (["w1", "w2,w3"], "must be an id, repeated for up to 20 workspaces"),
    ],
)
def test_wrong_lists_of_workspaces_are_refused(both: httpx.Client, names: list[str], message: str) -> None:
    for method, path in (("GET", STREAM), ("POST", f"{STREAM}/tickets")):
        answer = both.request(method, path, params=naming(*names))
        assert (answer.status_code, answer.json()["errors"]) == (
            400,
            [{"parameter": "workspaceId", "message": message}],
        )


def ticket_of(client: httpx.Client, *names: str, **more: str) -> str:
    query: Pairs = [*naming(*names), *more.items()]
    answer = client.post(f"{STREAM}/tickets", params=query)
    assert answer.status_code == 201, answer.text
    ticket: str = answer.json()["ticket"]
    return ticket


def test_ticket_is_bound_to_its_workspaces(live: tuple[str, Server], both: httpx.Client, seeded: Store) -> None:
    seeded.accounts.put([account("a3", "w3")])
    with httpx.Client(base_url=live[0], timeout=30) as browser, key_of_both(live[0], seeded, ("*",)) as of_all:
        for buyer in (both, of_all):
            ticket = ticket_of(buyer, "w1", "w2", reconnects="true")
            assert asked(browser, "w1", "w3", ticket=ticket) == 404
            assert asked(browser, "w3", ticket=ticket) == 404
            assert asked(browser, "w1", "w2", ticket=ticket) == 200
            assert asked(browser, "w2", ticket=ticket) == 200
        once = ticket_of(both, "w1", "w2")
        assert [asked(browser, "w1", "w2", ticket=once) for _ in range(2)] == [200, 401]
        assert asked(browser, "w1", "w2", ticket=ticket_of(both)) == 200
        for buyer, names in ((both, ("w1", "w3")), (of_all, ("w1", "nowhere"))):
            refused = buyer.post(f"{STREAM}/tickets", params=naming(*names))
            assert refused.status_code == 404


def test_ticket_of_a_key_of_all_workspaces_ends_with_that_key(
    live: tuple[str, Server], both: httpx.Client, seeded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "CHECK_SECONDS", 0.2)
    key, stored = seeded.keys.create("all", ["*"], ["read"])
    buyer = httpx.Client(base_url=live[0], headers={"Authorization": f"Bearer {key}"}, timeout=30)
    with buyer, httpx.Client(base_url=live[0], timeout=30) as browser:
        ticket = ticket_of(buyer, "w1", "w2", reconnects="true")
        with of_both(browser, ("ticket", ticket)) as events:
            assert next(events).event == "ping"
            seeded.keys.revoke(stored.prefix)
            assert list(events) == []
        assert asked(browser, "w1", "w2", ticket=ticket) == 401


def test_erased_workspace_ends_the_stream_of_its_key(
    both: httpx.Client, live: tuple[str, Server], seeded: Store, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "CHECK_SECONDS", 0.2)
    with of_both(both) as events:
        assert next(events).event == "ping"
        erased(seeded, redis_client, "workspace", "w2")
        assert list(events) == []
    with key_of_both(live[0], seeded, ("*",)) as of_all:
        assert asked(of_all, "w1", "w2") == 404
        assert asked(of_all, "w1") == 200
