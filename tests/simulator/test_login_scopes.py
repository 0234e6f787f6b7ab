"""Logins at the simulated TikTok and Pinterest: tokens can read only what the person granted, also once renewed."""

from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.simulator_fixture import Simulator

BACK = "https://tidemark.example.com/connect/callback"


def code(simulator: Simulator, page: str, id_name: str, scopes: Sequence[str], granted: Sequence[str]) -> str:
    params = {
        "response_type": "code",
        id_name: "app",
        "redirect_uri": BACK,
        "scope": ",".join(scopes),
        "state": "s",
    }
    form = {"decision": "allow", "account": "2", "granted": list(granted)}
    answer = simulator.client.post(page, params=params, data=form)
    assert answer.status_code == 302, answer.text
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


class TikTok:
    scopes = ("user.info.basic", "user.info.stats", "video.list")

    def __init__(self, simulator: Simulator, *granted: str) -> None:
        self.client = simulator.client
        self.code = code(simulator, "/www.tiktok.com/v2/auth/authorize/", "client_key", self.scopes, granted)

    def exchange(self, **changes: str) -> httpx.Response:
        form = {
            "client_key": "app",
            "client_secret": "secret",
            "code": self.code,
            "grant_type": "authorization_code",
            "redirect_uri": BACK,
        }
        return self.client.post("/v2/oauth/token/", data=form | changes)

    def renew(self, refresh: str) -> httpx.Response:
        form = {"client_key": "app", "client_secret": "secret", "grant_type": "refresh_token", "refresh_token": refresh}
        return self.client.post("/v2/oauth/token/", data=form)

    def read(self, token: str, fields: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return self.client.get("/v2/user/info/", params={"fields": fields}, headers=headers)


class Pinterest:
    scopes = ("user_accounts:read", "pins:read", "boards:read")

    def __init__(self, simulator: Simulator, *granted: str) -> None:
        self.client = simulator.client
        self.code = code(simulator, "/www.pinterest.com/oauth/", "client_id", self.scopes, granted)

    def exchange(self, **changes: str) -> httpx.Response:
        form = {"code": self.code, "grant_type": "authorization_code", "redirect_uri": BACK}
        app = (changes.pop("client_id", "app"), "secret")
        return self.client.post("/v5/oauth/token", data=form | changes, auth=app)

    def renew(self, refresh: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        return self.client.post("/v5/oauth/token", data=form, auth=("app", "secret"))

    def read(self, token: str, path: str) -> httpx.Response:
        return self.client.get(f"/v5/{path}", headers={"Authorization": f"Bearer {token}"})


def test_tiktok_denies_the_fields_of_a_scope_that_was_not_granted(simulator: Simulator) -> None:
    tiktok = TikTok(simulator, "user.info.basic", "video.list")
    first = tiktok.exchange().json()
    second = tiktok.renew(first["refresh_token"]).json()
    for told in (first, second):
        assert told["scope"] == "user.info.basic,video.list"
        assert tiktok.read(told["access_token"], "open_id").status_code == 200
        denied = tiktok.read(told["access_token"], "open_id,follower_count")
        assert (denied.status_code, denied.json()["error"]["code"]) == (401, "scope_not_authorized")


def test_pinterest_denies_what_was_not_granted(simulator: Simulator) -> None:
    pinterest = Pinterest(simulator, "user_accounts:read", "pins:read")
    first = pinterest.exchange().json()
    second = pinterest.renew(first["refresh_token"]).json()
    for told in (first, second):
        assert told["scope"] == "user_accounts:read pins:read"
        assert pinterest.read(told["access_token"], "user_account").status_code == 200
        denied = pinterest.read(told["access_token"], "pins")
        assert (denied.status_code, denied.json()["code"]) == (401, 3)
        # The most shown pins need the permission for pins, and the one for the account.
        days = "start_date=2026-11-18&end_date=2026-11-18"
        top = f"user_account/analytics/top_pins?sort_by=SAVE&{days}"
        assert pinterest.read(told["access_token"], top).json().get("code") != 3
    without = Pinterest(simulator, "user_accounts:read", "boards:read").exchange().json()["access_token"]
    assert pinterest.read(without, f"user_account/analytics?{days}").json().get("code") != 3
    assert pinterest.read(without, top).json()["code"] == 3


@pytest.mark.parametrize("platform", [TikTok, Pinterest])
def test_used_code_is_refused_and_ends_its_token(simulator: Simulator, platform: type[TikTok | Pinterest]) -> None:
    flow = platform(simulator, *platform.scopes)
    what = "open_id" if platform is TikTok else "user_account"
    token = flow.exchange().json()["access_token"]
    assert flow.read(token, what).status_code == 200
    assert flow.exchange().status_code == 400
    assert flow.read(token, what).status_code == 401


@pytest.mark.parametrize(
    ("platform", "changes"),
    [
        (TikTok, {"client_key": "another"}),
        (TikTok, {"redirect_uri": "https://evil.example/"}),
        (Pinterest, {"client_id": "another"}),
        (Pinterest, {"redirect_uri": "https://evil.example/"}),
        (Pinterest, {"code_verifier": "v" * 43}),
    ],
)
def test_code_of_another_request_is_refused(
    simulator: Simulator, platform: type[TikTok | Pinterest], changes: dict[str, str]
) -> None:
    assert platform(simulator, *platform.scopes).exchange(**changes).status_code == 400
