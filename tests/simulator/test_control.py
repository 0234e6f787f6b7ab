"""The control routes of the simulator: clock, faults, latency, truth; nonsense is refused in one line."""

from typing import Any

import pytest

from simulator import truth
from tests.simulator.conftest import NOW
from tests.simulator.instagram import ask, media
from tests.simulator_fixture import Simulator


@pytest.mark.parametrize(
    ("kind", "status", "code"), [("error", 500, 2), ("app_limit", 403, 4), ("account_limit", 400, 80002)]
)
def test_fault_strikes_as_often_as_asked(api: Simulator, kind: str, status: int, code: int) -> None:
    api.set_faults({"kind": kind, "times": 1})
    struck = ask(api, "{ig}")
    assert (struck.status_code, struck.json()["error"]["code"]) == (status, code)
    assert ask(api, "{ig}").status_code == 200


def test_expired_token_stays_expired(api: Simulator) -> None:
    api.set_faults({"kind": "expired_token", "times": 1})
    assert [ask(api, "{ig}").json()["error"]["error_subcode"] for _ in range(2)] == [463, 463]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", '{"now": "yesterday"}'),
        ("clock", '{"now": "2026-01-15T10:00:00+00:00", "zone": "x"}'),
        ("clock", "nonsense"),
        ("faults", '[{"kind": "nonsense"}]'),
        ("faults", '[{"kind": "html", "colour": "red"}]'),
        ("faults", "3"),
        ("latency", '{"ms": -1}'),
        ("latency", "nonsense"),
    ],
)
def test_control_refuses_nonsense_in_one_line(api: Simulator, path: str, body: str) -> None:
    answer = api.client.put(f"/_control/{path}", content=body)
    assert answer.status_code == 400
    assert "\n" not in answer.json()["detail"]


def test_control_tells_the_truth(api: Simulator) -> None:
    account = api.world.account("instagram", 0)
    query = {"object": account.platform_account_id, "field": "followers_count", "instant": NOW.isoformat()}
    got = api.client.get("/_control/truth", params=query).json()
    assert got == {"value": truth.account_value(api.world, account, "followers_count", NOW)}


@pytest.mark.parametrize("change", [{"object": "1"}, {"field": "x"}, {"instant": "x"}, {"instant": "2026-01-01T00:00"}])
def test_control_refuses_questions_without_an_answer(api: Simulator, change: dict[str, str]) -> None:
    post = media(api).platform_post_id
    query = {"object": post, "field": "views", "instant": NOW.isoformat(), **change}
    assert api.client.get("/_control/truth", params=query).status_code == 400


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "rate": 2},
        {"kind": "error", "times": -1},
        {"kind": "error", "times": True},
        {"kind": "slow", "seconds": -1},
        {"kind": "retired_metric"},
    ],
)
def test_fault_that_makes_no_sense_is_refused(api: Simulator, fault: dict[str, Any]) -> None:
    assert api.client.put("/_control/faults", json=[fault]).status_code == 400


def test_clock_stays_within_the_world(api: Simulator) -> None:
    for instant, status in (("0001-01-01", 400), ("2024-07-01", 200), ("9999-12-31", 400)):
        now = f"{instant}T00:00:00Z"
        assert api.client.put("/_control/clock", json={"now": now}).status_code == status
    assert api.client.put("/_control/faults", json={"kind": "error"}).json()["detail"] == "send a list of faults"
