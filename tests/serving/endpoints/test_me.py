"""`GET /analytics/me`: what the caller's own key may do, without its secret."""

from datetime import timedelta

import httpx
import pytest

from metrics.clock import isoformat, utcnow
from metrics.documents import Scope
from metrics.store import Store
from serving.__main__ import Server
from tests.serving.conformance import check

ME = "/analytics/me"


def ask(live: tuple[str, Server], key: str) -> httpx.Response:
    answer = httpx.get(live[0] + ME, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    check(answer)
    return answer


def test_key_is_told_its_rights_and_never_its_secret(live: tuple[str, Server], seeded: Store) -> None:
    expiry = (utcnow() + timedelta(days=7)).replace(microsecond=0)
    key, stored = seeded.keys.create("page", ["w1"], ["read", "collect"], expiry, rate_limit=600)
    answer = ask(live, key)
    assert answer.json()["data"] == {
        "name": "page",
        "keyPrefix": stored.prefix,
        "scopes": ["read", "collect"],
        "expiresAt": isoformat(expiry),
        "workspaces": [{"id": "w1", "name": "w1", "timeZone": "UTC"}],
        "rate": {"limit": 600, "remaining": 599},
    }
    assert key not in answer.text
    assert stored.key_id not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_remaining_rate_is_that_of_the_header(live: tuple[str, Server], seeded: Store) -> None:
    key, _ = seeded.keys.create("page", ["w1"], ["read"], rate_limit=100)
    for _ in range(3):
        answer = ask(live, key)
    assert f"r={answer.json()['data']['rate']['remaining']};" in answer.headers["ratelimit"]
    assert answer.json()["data"]["rate"]["remaining"] == 97


def test_key_without_limit_or_expiry_has_null_for_both(live: tuple[str, Server], seeded: Store) -> None:
    key, _ = seeded.keys.create("page", ["w1"], ["read"], rate_limit=0)
    data = ask(live, key).json()["data"]
    assert (data["expiresAt"], data["rate"]) == (None, {"limit": None})


@pytest.mark.parametrize("scope", ["read", "collect", "admin"])
def test_key_of_any_scope_may_ask(live: tuple[str, Server], seeded: Store, scope: Scope) -> None:
    key, _ = seeded.keys.create("page", ["w1"], [scope])
    assert ask(live, key).json()["data"]["scopes"] == [scope]


@pytest.mark.parametrize(
    ("workspaces", "shown"), [(["*"], ["w1", "w2"]), (["w2"], ["w2"]), (["void", "w1"], ["void", "w1"])]
)
def test_workspaces_are_those_that_the_key_opens(
    live: tuple[str, Server], seeded: Store, workspaces: list[str], shown: list[str]
) -> None:
    key, _ = seeded.keys.create("page", workspaces, ["read"])
    assert [workspace["id"] for workspace in ask(live, key).json()["data"]["workspaces"]] == shown
    listed = httpx.get(live[0] + "/analytics/workspaces", headers={"Authorization": f"Bearer {key}"}, timeout=30)
    assert [workspace["workspaceId"] for workspace in listed.json()["data"]] == shown
