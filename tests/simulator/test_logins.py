"""The simulator's logins: as strict about codes, verifiers and addresses as the platforms are."""

import base64
import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from metrics.clock import utcnow
from tests.simulator_fixture import Simulator

BACK = "https://tidemark.example.com/connect/twitter/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "client_id": "app",
    "redirect_uri": BACK,
    "scope": "tweet.read users.read offline.access",
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
PAGE = "/x.com/i/oauth2/authorize"


def code(simulator: Simulator, *granted: str) -> str:
    form = {"decision": "allow", "account": "4", "granted": granted or ("tweet.read", "users.read", "offline.access")}
    answer = simulator.client.post(PAGE, params=ASKED, data=form)
    assert answer.status_code == 302, answer.text
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["state"] == ["s"]
    return query["code"][0]


def redeem(simulator: Simulator, given: str, **changes: str) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": given, "redirect_uri": BACK, "code_verifier": VERIFIER}
    auth = (changes.pop("client_id", "app"), "secret")
    return simulator.client.post("/2/oauth2/token", data=form | changes, auth=auth)


def test_code_gives_a_token_of_the_chosen_account(simulator: Simulator) -> None:
    found = redeem(simulator, code(simulator)).json()
    me = simulator.client.get("/2/users/me", headers={"Authorization": f"Bearer {found['access_token']}"}).json()
    assert me["data"]["id"] == simulator.world.account("twitter", 4).platform_account_id
    assert found["refresh_token"]


def test_without_the_scope_there_is_no_refresh_token(simulator: Simulator) -> None:
    assert "refresh_token" not in redeem(simulator, code(simulator, "tweet.read")).json()


@pytest.mark.parametrize(
    "changes", [{"code_verifier": "w" * 43}, {"redirect_uri": "https://evil.example/"}, {"client_id": "another"}]
)
def test_code_of_another_request_is_refused(simulator: Simulator, changes: dict[str, str]) -> None:
    assert redeem(simulator, code(simulator), **changes).status_code == 400


def test_used_code_is_refused_and_ends_its_token(simulator: Simulator) -> None:
    given = code(simulator)
    token = redeem(simulator, given).json()["access_token"]
    assert redeem(simulator, given).status_code == 400
    assert simulator.client.get("/2/users/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_late_code_is_refused(simulator: Simulator) -> None:
    given = code(simulator)
    simulator.set_clock(utcnow() + timedelta(seconds=31))
    assert "expired" in redeem(simulator, given).text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"code_challenge": ""}, "Missing code_challenge"),
        ({"scope": "tweet.write"}, "Invalid Scopes: tweet.write"),
        ({"redirect_uri": "javascript:alert(1)"}, "Invalid redirect_uri"),
        ({"response_type": "token"}, "Invalid response_type"),
        ({"client_id": ""}, "Missing client_id"),
    ],
)
def test_wrong_request_sends_nobody_back(simulator: Simulator, change: dict[str, Any], words: str) -> None:
    answer = simulator.client.get(PAGE, params=ASKED | change)
    assert (answer.status_code, words in answer.text) == (400, True)
