"""Patches of one place of an answer, in plain answers and in batch elements."""

import json
from typing import Any

import pytest

from simulator.faults import Fault
from simulator.patches import patched
from tests.simulator_fixture import Simulator

BODY: dict[str, Any] = {
    "data": [
        {"name": "reach", "values": [{"value": 1}, {"value": 2}]},
        {"name": "views", "values": [{"value": 3}]},
    ],
    "a.b": 1,
}


def patch(at: str, **more: Any) -> Any:
    return patched(BODY, Fault.parse({"kind": "patch", "at": at, **more}))


@pytest.mark.parametrize(
    ("at", "found"),
    [
        ("data.0.values.1.value", [[1, None], [3]]),
        ("data.-1.values.0.value", [[1, 2], [None]]),
        ("data.*.values.*.value", [[None, None], [None]]),
        ("data.[name=views].values.*.value", [[1, 2], [None]]),
        ("/data/0/values/0/value", [[None, 2], [3]]),
        ("data.9.values.0.value", [[1, 2], [3]]),
        ("data.name.values.0.value", [[1, 2], [3]]),
        ("nothing.0.value", [[1, 2], [3]]),
    ],
)
def test_only_the_place_is_changed(at: str, found: list[list[int | None]]) -> None:
    before = json.dumps(BODY)
    body = patch(at, value=None)
    assert [[one["value"] for one in row["values"]] for row in body["data"]] == found
    assert set(body) == set(BODY)
    assert json.dumps(BODY) == before


def test_keys_are_added_and_taken_out() -> None:
    assert patch("data.0.title", value="x")["data"][0]["title"] == "x"
    assert "title" not in patch("data.0.title", delete=True)["data"][0]
    assert patch("data.*.values.*.value", delete=True)["data"][1]["values"] == [{}]
    assert len(patch("data.[name=reach]", delete=True)["data"]) == 1
    assert patch("data.*.*", delete=True)["data"] == [{}, {}]
    assert "a.b" not in patch("/a.b", delete=True)
    assert patch("", value=[]) == []


def test_item_is_found_by_a_field_of_an_inner_object() -> None:
    body = {"feed": [{"post": {"uri": "at://a/b", "text": "x"}}, {"post": {"uri": "at://a/c", "text": "x"}}, {"n": 1}]}
    fault = Fault.parse({"kind": "patch", "at": "/feed/[post.uri=at:~1~1a~1c]/post/text", "value": "y"})
    assert [item.get("post", {}).get("text") for item in patched(body, fault)["feed"]] == ["x", "y", None]


def account(api: Simulator) -> Any:
    return api.world.account("instagram", 0)


def ask(api: Simulator, path: str) -> Any:
    return api.client.get(f"/v25.0/{path}", headers={"Authorization": f"Bearer {account(api).token}"}).json()


def batch(api: Simulator, *urls: str) -> list[Any]:
    elements = json.dumps([{"method": "GET", "relative_url": url} for url in urls])
    sent = {"access_token": account(api).token, "batch": elements}
    return [json.loads(one["body"]) for one in api.client.post("/v25.0/", data=sent).json()]


def test_patch_reaches_plain_answers_and_elements(simulator: Simulator) -> None:
    name = account(simulator).platform_account_id
    simulator.set_faults({"kind": "patch", "object": name, "path": "media", "page": 2, "at": "data.0.like_count",
                          "value": 2**70})  # fmt: skip
    url = f"{name}/media?fields=like_count&limit=2"
    first, second, node = batch(simulator, f"v25.0/{url}", f"{url}&after=2", f"{name}?fields=id")
    assert second["data"][0]["like_count"] == 2**70
    assert all(one["like_count"] < 2**40 for one in [*first["data"], second["data"][1]])
    assert node == {"id": name}
    assert ask(simulator, f"{url}&after=2")["data"][0]["like_count"] == 2**70
    assert simulator.client.get("/_control/faults").json()[0]["value"] == 2**70


def test_patch_strikes_as_often_as_asked(simulator: Simulator) -> None:
    name = account(simulator).platform_account_id
    simulator.set_faults({"kind": "patch", "account": name, "at": "username", "value": 5, "times": 1})
    found = [one["username"] for one in batch(simulator, *[f"{name}?fields=username"] * 2)]
    assert found == [5, account(simulator).handle]
    simulator.set_faults({"kind": "patch", "account": "1", "at": "username", "value": 5})
    assert ask(simulator, f"{name}?fields=username")["username"] == account(simulator).handle


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "patch"},
        {"kind": "patch", "at": 1},
        {"kind": "patch", "at": "x", "delete": 1},
        {"kind": "patch", "at": "x", "metric": "views"},
        {"kind": "error", "at": "x"},
        {"kind": "error", "page": 0},
        {"kind": "error", "page": True},
    ],
)
def test_fault_that_its_kind_cannot_use_is_refused(simulator: Simulator, fault: dict[str, Any]) -> None:
    answer = simulator.client.put("/_control/faults", json=[fault])
    assert answer.status_code == 400
    assert "\n" not in answer.json()["detail"]
