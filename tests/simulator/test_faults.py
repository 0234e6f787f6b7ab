"""Transport faults, the selection of calls by faults, and refusals of the control routes."""

import time
from typing import Any

import httpx
import pytest
import requests

from metrics.documents import Platform
from simulator.faults import KINDS
from tests.simulator.conftest import NOW
from tests.simulator_fixture import Simulator

LINKEDIN = {"Linkedin-Version": "202608", "X-Restli-Protocol-Version": "2.0.0"}
PATHS: dict[Platform, str] = {
    "instagram": "/v25.0/{id}?fields=id",
    "facebook": "/v25.0/{id}?fields=id",
    "twitter": "/2/users/{id}",
    "linkedin": "/rest/organizations/{id}",
}


def call(api: Simulator, platform: Platform = "twitter", number: int = 0, path: str = "") -> tuple[str, dict[str, str]]:
    """Return the URL that reads an account, and its headers."""
    account = api.world.account(platform, number)
    where = (path or PATHS[platform]).replace("{id}", account.platform_account_id)
    more = LINKEDIN if platform == "linkedin" else {}
    return f"{api.url}{where}", {"Authorization": f"Bearer {account.token}", **more}


def get(api: Simulator, platform: Platform = "twitter", number: int = 0, path: str = "") -> httpx.Response:
    url, headers = call(api, platform, number, path)
    return api.client.get(url, headers=headers)


def struck(api: Simulator) -> list[int]:
    return [fault["struck"] for fault in api.client.get("/_control/faults").json()]


@pytest.mark.parametrize("platform", PATHS)
@pytest.mark.parametrize("body", [[], "ok", None, 2**70, {"message": "Unavailable"}])
def test_body_may_be_of_any_form(api: Simulator, platform: Platform, body: object) -> None:
    api.set_faults({"kind": "foreign_body", "value": body, "times": 1})
    answer = get(api, platform)
    assert (answer.status_code, answer.json()) == (200, body)
    assert get(api, platform).json() != body
    assert struck(api) == [1]


def test_a_proxy_answers_in_no_platforms_form(api: Simulator) -> None:
    api.set_faults({"kind": "proxy_error"})
    body = get(api).json()
    assert not {"data", "errors", "title", "status"} & set(body)
    assert get(api).status_code == 200
    assert api.calls()["byKind"] == {}


def test_body_may_be_empty(api: Simulator) -> None:
    api.set_faults({"kind": "empty_body"})
    answer = get(api)
    assert (answer.status_code, answer.content) == (200, b"")
    assert api.calls()["byKind"] == {"users": 1}


def test_body_may_be_no_gzip(api: Simulator) -> None:
    api.set_faults({"kind": "broken_gzip"})
    url, headers = call(api)
    with pytest.raises(requests.exceptions.ContentDecodingError):
        requests.get(url, headers=headers, timeout=30)


def test_answer_may_lead_elsewhere(api: Simulator) -> None:
    api.set_faults({"kind": "redirect", "value": f"{api.url}/elsewhere"})
    answer = get(api)
    assert (answer.status_code, answer.headers["location"]) == (302, f"{api.url}/elsewhere")


def test_connection_may_be_cut_within_the_body(api: Simulator) -> None:
    api.set_faults({"kind": "cut", "times": 1})
    url, headers = call(api)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.get(url, headers=headers, timeout=30)
    assert requests.get(url, headers=headers, timeout=30).json()["data"]


def test_body_may_drip(api: Simulator) -> None:
    """Each byte arrives within the read timeout, while the whole body takes its length times the delay."""
    whole = len(get(api).content)
    api.set_faults({"kind": "drip", "seconds": 0.002})
    url, headers = call(api)
    begun = time.monotonic()
    body = requests.get(url, headers=headers, timeout=20).content
    assert len(body) == whole
    assert time.monotonic() - begun >= 0.002 * whole
    api.set_faults({"kind": "drip", "seconds": 2})
    with pytest.raises(requests.exceptions.ConnectionError, match="timed out"):
        requests.get(url, headers=headers, timeout=0.05)


@pytest.mark.parametrize(
    ("given", "header"),
    [
        ({"seconds": 1e14}, "100000000000000"),
        ({"value": "soon"}, "soon"),
        ({"value": -5}, "-5"),
        ({"value": "Wed, 21 Oct 9999 07:28:00 GMT"}, "Wed, 21 Oct 9999 07:28:00 GMT"),
        ({}, "60"),
    ],
)
def test_wait_that_is_asked_for_may_be_absurd(api: Simulator, given: dict[str, Any], header: str) -> None:
    api.set_faults({"kind": "account_limit", "times": 1}, {"kind": "retry_after", **given})
    assert get(api).headers["retry-after"] == header
    assert "retry-after" not in get(api).headers
    assert struck(api) == [1, 1]


@pytest.mark.parametrize("value", [10**30, -1, "never", 0.5])
def test_end_of_a_window_may_be_absurd(api: Simulator, value: object) -> None:
    api.set_faults({"kind": "error"}, {"kind": "rate_limit_reset", "value": value})
    answer = get(api)
    assert (answer.status_code, answer.headers["x-rate-limit-reset"]) == (503, str(value))


def test_fault_chooses_by_account_path_and_object(api: Simulator) -> None:
    me, other = (api.world.account("twitter", n).platform_account_id for n in (0, 1))
    api.set_faults({"kind": "foreign_body", "value": 1, "account": me, "path": "users/", "object": other})
    assert get(api, path="/2/users/{id}").json() != 1
    assert get(api, path=f"/2/users/{other}").json() == 1
    assert get(api, path=f"/2/users?ids={me},{other}").json() != 1
    assert get(api, number=1, path=f"/2/users/{other}").json() != 1
    assert struck(api) == [1]


def test_what_is_no_list_has_no_pages(api: Simulator) -> None:
    api.set_faults({"kind": "foreign_body", "value": 1, "page": 1})
    assert get(api, path="/2/users/me").json() != 1
    assert get(api, "linkedin").json() != 1
    assert get(api, path="/2/users/{id}/tweets").json() == 1
    urn = "urn%3Ali%3Aorganization%3A{id}"
    assert get(api, "linkedin", path=f"/rest/posts?q=author&author={urn}").json() == 1
    api.set_faults({"kind": "foreign_body", "value": 1, "object": api.world.account("linkedin", 0).platform_account_id})
    assert get(api, "linkedin", path=f"/rest/networkSizes/{urn}?edgeType=COMPANY_FOLLOWED_BY_MEMBER").json() == 1
    assert get(api, "linkedin", number=1).json() != 1


@pytest.mark.parametrize("kind", ["timeout", "slow", "html", "broken_json", "foreign_body", "cut"])
def test_list_may_fail_beyond_its_first_page_alone(api: Simulator, kind: str) -> None:
    value: dict[str, object] = (
        {"value": []} if kind == "foreign_body" else {"seconds": 0.0} if kind in ("timeout", "slow") else {}
    )
    api.set_faults({"kind": kind, "page": 2, **value})
    path = "/2/users/{id}/tweets?max_results=5"
    first = get(api, path=path).json()
    assert struck(api) == [0]
    url, headers = call(api, path=f"{path}&pagination_token={first['meta']['next_token']}")
    try:
        requests.get(url, headers=headers, timeout=30)
    except requests.RequestException:
        assert kind == "cut"
    assert struck(api) == [1]


def test_patch_changes_any_platforms_answer(api: Simulator) -> None:
    post = "/2/users/{id}/tweets?max_results=5&tweet.fields=public_metrics"
    api.set_faults(
        {"kind": "patch", "path": "/tweets", "at": "data.0.public_metrics.like_count", "value": 2**64},
        {"kind": "patch", "path": "/tweets", "at": "data.1.public_metrics", "value": None},
        {"kind": "patch", "path": "/tweets", "at": "data.2.id", "delete": True},
        {"kind": "patch", "path": "organizations", "at": "vanityName", "value": {"nested": [1]}},
    )
    tweets = get(api, path=post).json()["data"]
    assert tweets[0]["public_metrics"]["like_count"] == 2**64
    assert tweets[1]["public_metrics"] is None
    assert "id" not in tweets[2]
    assert get(api, "linkedin").json()["vanityName"] == {"nested": [1]}
    assert struck(api) == [1, 1, 1, 1]


def test_retired_metric_strikes_who_asks_for_it(api: Simulator) -> None:
    api.set_faults({"kind": "retired_metric", "metric": "protected"})
    assert get(api).status_code == 200
    assert struck(api) == [0]
    assert get(api, path="/2/users/{id}?user.fields=protected").status_code == 400
    assert struck(api) == [1]


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ({"kind": "nonsense"}, "a fault has a kind"),
        ({"kind": "error", "nonsense": 1}, "nonsense:"),
        ({"kind": "error", "struck": 1}, "struck:"),
        ({"kind": "error", "value": 1}, "value:"),
        ({"kind": "html", "seconds": 1}, "seconds:"),
        ({"kind": "foreign_body"}, "value:"),
        ({"kind": "redirect", "value": 1}, "value:"),
        ({"kind": "redirect", "value": "a\nb"}, "value:"),
        ({"kind": "retry_after", "value": "höchstens"}, "value:"),
        ({"kind": "retry_after", "value": True}, "value:"),
        ({"kind": "rate_limit_reset", "value": []}, "value:"),
    ],
)
def test_fault_that_is_wrong_is_named_in_one_line(api: Simulator, fault: dict[str, Any], named: str) -> None:
    api.set_faults({"kind": "html"})
    answer = api.client.put("/_control/faults", json=[{"kind": "error"}, fault])
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith(f"fault 2: {named}")
    assert "\n" not in answer.json()["detail"]
    assert [one["kind"] for one in api.client.get("/_control/faults").json()] == ["html"]


@pytest.mark.parametrize("where", ["clock", "faults", "latency", "calls", "truth?field=x", "accounts?count=1"])
def test_parameter_that_control_does_not_know_is_refused(api: Simulator, where: str) -> None:
    answer = api.client.get(f"/_control/{where}{'&' if '?' in where else '?'}nonsense=1")
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("nonsense:")


@pytest.mark.parametrize(("where", "body"), [("clock", {"now": NOW.isoformat()}), ("latency", {"ms": 0})])
def test_field_that_control_does_not_know_is_refused(api: Simulator, where: str, body: dict[str, Any]) -> None:
    assert api.client.put(f"/_control/{where}", json=body).status_code == 200
    assert api.client.put(f"/_control/{where}", json={**body, "nonsense": 1}).status_code == 400


def test_every_kind_is_described() -> None:
    from simulator import faults

    table = faults.__doc__ or ""
    assert [kind for kind in KINDS if f"`{kind}`" not in table] == []
