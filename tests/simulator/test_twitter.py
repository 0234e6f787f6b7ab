"""The simulated X over HTTP: shapes of the recorded answers, strictness, paging, windows, partial errors, tokens."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator import truth
from simulator.twitter.tokens import first_refresh_token
from simulator.world import SimPost
from tests.simulator_fixture import Simulator

NOW = datetime(2026, 11, 20, 16, 20, tzinfo=UTC)


@pytest.fixture
def api(simulator: Simulator) -> Simulator:
    simulator.set_clock(NOW)
    return simulator


def ask(api: Simulator, path: str, token: str | None = None, **params: Any) -> httpx.Response:
    account = api.world.account("twitter", 0)
    sent = {name.replace("__", "."): value for name, value in params.items()}
    headers = {"Authorization": f"Bearer {token or account.token}"}
    return api.client.get(f"/2/{path.replace('{me}', account.platform_account_id)}", params=sent, headers=headers)


def posts(api: Simulator, days: int = 20) -> list[SimPost]:
    account = api.world.account("twitter", 0)
    return [p for p in api.world.posts(account, NOW - timedelta(days=days), NOW) if p.visible(NOW)]


def recorded(fixtures: Path, name: str) -> Any:
    return json.loads((fixtures / f"x/{name}.json").read_text())


def test_media_have_the_recorded_shape(fixtures: Path, api: Simulator) -> None:
    video = next(post for post in posts(api, 60) if post.content_type == "video")
    wanted = recorded(fixtures, "pytwitter_media_object_public_metrics")
    asked = {"expansions": "attachments.media_keys", "media__fields": "public_metrics,duration_ms,type"}
    (media,) = ask(api, "tweets", ids=video.platform_post_id, **asked).json()["includes"]["media"]
    assert {name: type(media[name]) for name in media} == {name: type(wanted[name]) for name in media}
    assert media["public_metrics"]["view_count"] == truth.post_value(api.world, video, "view_count", NOW)


def test_remaining_calls_decrease_until_429(api: Simulator) -> None:
    answers = [ask(api, "users/me") for _ in range(76)]
    remaining = [int(answer.headers.get("x-rate-limit-remaining", 0)) for answer in answers[:75]]
    assert remaining == sorted(remaining, reverse=True)
    assert answers[-1].status_code == 429


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("users/{me}/tweets", {"tweet__fields": "likes"}),
        ("users/{me}/tweets", {"max_results": "200"}),
        ("users/{me}/tweets", {"pagination_token": "nonsense"}),
        ("tweets", {}),
        ("tweets", {"ids": ",".join(["1"] * 101)}),
    ],
)
def test_wrong_parameters_are_refused(api: Simulator, path: str, params: dict[str, str]) -> None:
    answer = ask(api, path, **params)
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("invalid-request")


def test_pages_hold_every_post_once(api: Simulator) -> None:
    found: list[str] = []
    params: dict[str, Any] = {"max_results": 5, "start_time": (NOW - timedelta(days=20)).isoformat()}
    while True:
        body = ask(api, "users/{me}/tweets", **params).json()
        found += [tweet["id"] for tweet in body["data"]]
        if "next_token" not in body["meta"]:
            break
        params["pagination_token"] = body["meta"]["next_token"]
    assert found == [post.platform_post_id for post in reversed(posts(api))]


def test_missing_post_is_a_partial_error(api: Simulator) -> None:
    here = posts(api)[-1].platform_post_id
    body = ask(api, "tweets", ids=f"{here},123").json()
    assert [tweet["id"] for tweet in body["data"]] == [here]
    assert body["errors"][0]["resource_id"] == "123"
    assert "data" not in ask(api, "tweets/123").json()


def test_private_metrics_are_refused_after_thirty_days(api: Simulator) -> None:
    account = api.world.account("twitter", 0)
    old = api.world.posts(account, NOW - timedelta(days=60), NOW - timedelta(days=31))[-1]
    body = ask(api, "tweets", ids=old.platform_post_id, tweet__fields="public_metrics,non_public_metrics").json()
    assert "non_public_metrics" not in body["data"][0]
    assert "public_metrics" in body["data"][0]
    assert body["errors"][0]["type"].endswith("not-authorized-for-field")


def test_refresh_token_works_once_and_its_second_use_ends_the_grant(api: Simulator) -> None:
    account = api.world.account("twitter", 7)
    form = {"grant_type": "refresh_token", "refresh_token": first_refresh_token(account), "client_id": "c"}
    first = api.client.post("/2/oauth2/token", data=form).json()
    assert ask(api, "users/me", first["access_token"]).json()["data"]["id"] == account.platform_account_id
    assert api.client.post("/2/oauth2/token", data=form).status_code == 400
    form["refresh_token"] = first["refresh_token"]
    assert api.client.post("/2/oauth2/token", data=form).status_code == 400


@pytest.mark.parametrize(
    ("kind", "status", "where"),
    [
        ("error", 503, "title"), ("account_limit", 429, "title"), ("app_limit", 429, "errors"),
        ("monthly_cap", 429, "period"), ("no_credits", 402, "detail"), ("permission", 403, "type"),
        ("expired_token", 401, "title"),
    ],
)  # fmt: skip
def test_faults_speak_as_x_does(api: Simulator, kind: str, status: int, where: str) -> None:
    api.set_faults({"kind": kind, "times": 1})
    answer = ask(api, "users/me", api.world.account("twitter", 9).token)
    assert answer.status_code == status
    assert where in answer.json()
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(("name", "value"), [("exclude", "likes"), ("since_id", "x"), ("until_id", "x")])
def test_bounds_of_a_timeline_are_read_strictly(api: Simulator, name: str, value: str) -> None:
    where = f"users/{api.world.account('twitter', 0).platform_account_id}/tweets"
    answer = ask(api, where, **{name: value})
    assert (answer.status_code, answer.json()["title"]) == (400, "Invalid Request")
    assert ask(api, where, exclude="retweets,replies").status_code == 200
