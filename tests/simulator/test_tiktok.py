"""The simulated Display API of TikTok: forms of recorded answers, strict parameters, scopes, tokens and limits."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator import truth
from simulator.tiktok import users, videos
from simulator.tiktok.limits import PER_MINUTE
from simulator.tiktok.tokens import ACCESS_LIFE, REFRESH_LIFE, SCOPES, first_refresh_token
from simulator.world import SimAccount, SimPost
from tests.recorded import recorded
from tests.simulator.conftest import NOW
from tests.simulator.test_recorded import shape
from tests.simulator_fixture import Simulator

INFO, LIST, QUERY = "user/info", "video/list", "video/query"
COUNTS = ("view_count", "like_count", "comment_count", "share_count")
APP = {"client_key": "key", "client_secret": "secret"}


@pytest.fixture
def account(api: Simulator) -> SimAccount:
    return api.world.account("tiktok", 3)


def get(api: Simulator, token: str, fields: str = "open_id") -> httpx.Response:
    return api.client.get(f"/v2/{INFO}/", params={"fields": fields}, headers={"Authorization": f"Bearer {token}"})


def post(api: Simulator, token: str, endpoint: str, body: Any, fields: str = "id,create_time") -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return api.client.post(f"/v2/{endpoint}/", params={"fields": fields}, json=body, headers=headers)


def renew(api: Simulator, token: str, **changed: str) -> httpx.Response:
    form = {**APP, "grant_type": "refresh_token", "refresh_token": token, **changed}
    return api.client.post("/v2/oauth/token/", data={name: value for name, value in form.items() if value})


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def living(api: Simulator, account: SimAccount) -> list[SimPost]:
    """Return the videos that the list shows, newest first."""
    posts = api.world.posts(account, NOW - timedelta(days=400), NOW)
    return [one for one in reversed(posts) if one.visible(NOW)]


def test_account_has_the_recorded_form(fixtures: Path, api: Simulator, account: SimAccount) -> None:
    theirs = recorded(fixtures, "tiktok/display_user_info_200")
    ours = get(api, account.token, ",".join(theirs["data"]["user"])).json()
    assert shape(ours) == shape(theirs)
    world = api.world
    assert ours["data"]["user"]["follower_count"] in {
        truth.account_value(world, account, "follower_count", NOW + timedelta(seconds=n)) for n in range(20)
    }


def test_list_has_the_recorded_form(fixtures: Path, api: Simulator, account: SimAccount) -> None:
    theirs = recorded(fixtures, "tiktok/display_video_list_page1_200")
    ours = post(api, account.token, LIST, {"max_count": 2}, ",".join(theirs["data"]["videos"][0])).json()
    assert shape(ours) == shape(theirs)
    first = ours["data"]["videos"][0]
    assert (first["id"], first["create_time"]) == (
        (newest := living(api, account)[0]).platform_post_id, int(newest.published_at.timestamp())
    )  # fmt: skip
    assert int(first["id"]) > 2**53
    assert ours["data"]["cursor"] == ours["data"]["videos"][-1]["create_time"] * 1000


def test_only_requested_fields_are_answered_and_all_known_ones_can_be(api: Simulator, account: SimAccount) -> None:
    for answer, scopes in (
        (get(api, account.token, ",".join(users.SCOPES)).json()["data"]["user"], users.SCOPES),
        (post(api, account.token, LIST, {}, ",".join(videos.SCOPES)).json()["data"]["videos"][0], videos.SCOPES),
    ):
        assert answer.keys() == scopes.keys()
    assert get(api, account.token, "open_id").json()["data"]["user"] == {"open_id": account.platform_account_id}
    assert set(users.SCOPES.values()) | set(videos.SCOPES.values()) == set(SCOPES)


@pytest.mark.parametrize("fields", ["", "open_id,save_count", "id"])
def test_unknown_field_fails_the_whole_call(api: Simulator, account: SimAccount, fields: str) -> None:
    assert error_of(get(api, account.token, fields)) == (400, "invalid_params")


@pytest.mark.parametrize("name", ["save_count", "reach", "average_watch_time", "full_video_watched_rate", "open_id"])
def test_fields_that_clients_invented_do_not_exist(api: Simulator, account: SimAccount, name: str) -> None:
    assert error_of(post(api, account.token, LIST, {}, f"id,{name}")) == (400, "invalid_params")


@pytest.mark.parametrize(
    "body",
    [
        {"max_count": 0},
        {"max_count": 21},
        {"max_count": "20"},
        {"max_count": True},
        {"cursor": "1"},
        {"cursor": -1},
        [],
    ],
    ids=str,
)
def test_wrong_parameter_of_the_list_is_refused(fixtures: Path, api: Simulator, account: SimAccount, body: Any) -> None:
    answer = post(api, account.token, LIST, body)
    assert error_of(answer) == (400, "invalid_params")
    assert shape(answer.json()) == shape(recorded(fixtures, "tiktok/display_error_400_invalid_params"))


@pytest.mark.parametrize("ids", [None, [], ["7"] * 21, [7], ["seven"], "7"], ids=str)
def test_wrong_ids_are_refused(api: Simulator, account: SimAccount, ids: Any) -> None:
    body = {} if ids is None else {"filters": {"video_ids": ids}}
    assert error_of(post(api, account.token, QUERY, body)) == (400, "invalid_params")


def test_only_json_is_accepted(api: Simulator, account: SimAccount) -> None:
    headers = {"Authorization": f"Bearer {account.token}"}
    sent: list[dict[str, Any]] = [
        {"data": {"max_count": "5"}}, {"content": b"{", "headers": {"Content-Type": "application/json"}}, {}
    ]  # fmt: skip
    for one in sent:
        more = one.pop("headers", {})
        answer = api.client.post(f"/v2/{LIST}/?fields=id", headers={**headers, **more}, **one)
        assert error_of(answer) == (400, "invalid_params")
    assert error_of(api.client.get(f"/v2/{LIST}/?fields=id", headers=headers)) == (400, "invalid_params")


def test_pages_are_walked_by_the_cursor_to_the_end(api: Simulator, account: SimAccount) -> None:
    found, sizes, cursor = [], [], None
    while True:
        body = {"max_count": 20, **({} if cursor is None else {"cursor": cursor})}
        data = post(api, account.token, LIST, body).json()["data"]
        found += [video["id"] for video in data["videos"]]
        sizes.append(len(data["videos"]))
        cursor = data["cursor"]
        if not data["has_more"]:
            break
    assert found == [one.platform_post_id for one in living(api, account)]
    assert min(sizes[:-1]) < 20, "a page may have fewer videos than requested, though the list goes on"


def test_cursor_jumps_to_a_date(api: Simulator, account: SimAccount) -> None:
    at = NOW - timedelta(days=100)
    data = post(api, account.token, LIST, {"cursor": int(at.timestamp() * 1000)}).json()["data"]
    older = [one for one in living(api, account) if one.published_at < at]
    assert [video["id"] for video in data["videos"]][:5] == [one.platform_post_id for one in older[:5]]
    assert len(data["videos"]) <= 10, "the usual number of videos per page"


def test_empty_list_has_the_cursor_0(api: Simulator, account: SimAccount) -> None:
    data = post(api, account.token, LIST, {"cursor": 1_000}).json()["data"]
    assert data == {"videos": [], "cursor": 0, "has_more": False}


def test_query_leaves_out_what_is_deleted_or_foreign(api: Simulator, account: SimAccount) -> None:
    own = living(api, account)[0].platform_post_id
    deleted = next(
        one
        for one in api.world.posts(account, NOW - timedelta(days=300), NOW)
        if one.deleted_at and not one.visible(NOW)
    )
    foreign = living(api, api.world.account("tiktok", 4))[0].platform_post_id
    ids = [own, own, deleted.platform_post_id, foreign, "1"]
    answer = post(api, account.token, QUERY, {"filters": {"video_ids": ids}}).json()
    assert [video["id"] for video in answer["data"]["videos"]] == [own]
    assert (answer["data"]["cursor"], answer["data"]["has_more"], answer["error"]["code"]) == (0, False, "ok")


@pytest.mark.parametrize(
    ("name", "fault", "status"),
    [
        ("display_error_401_scope_not_authorized", "permission", 401),
        ("display_error_401_access_token_invalid", "expired_token", 401),
        ("display_error_429_rate_limit_exceeded", "account_limit", 429),
    ],
)
def test_error_is_the_recorded_one(
    fixtures: Path, api: Simulator, account: SimAccount, name: str, fault: str, status: int
) -> None:
    api.set_faults({"kind": fault, "account": account.platform_account_id})
    answer, theirs = post(api, account.token, LIST, {}), recorded(fixtures, f"tiktok/{name}")
    assert answer.status_code == status
    ours = answer.json()
    assert {**ours["error"], "log_id": ""} == {**theirs["error"], "log_id": ""}
    assert shape(ours) == shape(theirs)
    assert "retry-after" not in answer.headers


def test_missing_scope_refuses_the_fields_that_need_it(api: Simulator, account: SimAccount) -> None:
    api.set_faults({"kind": "refused_metric", "metric": "user.info.stats", "account": account.platform_account_id})
    assert error_of(get(api, account.token, "open_id,follower_count")) == (401, "scope_not_authorized")
    assert get(api, account.token, "open_id,username").status_code == 200


@pytest.mark.parametrize("header", ["", "Basic x", "{token}", "Bearer made-up"])
def test_token_comes_as_a_bearer_token(api: Simulator, account: SimAccount, header: str) -> None:
    headers = {"Authorization": header.format(token=account.token)} if header else {}
    answer = api.client.get(f"/v2/{INFO}/?fields=open_id", headers=headers)
    assert error_of(answer) == (401, "access_token_invalid")


def test_minute_has_600_calls_to_each_endpoint(api: Simulator, account: SimAccount) -> None:
    statuses = [get(api, api.world.account("tiktok", n % 3).token).status_code for n in range(PER_MINUTE + 1)]
    assert statuses == [200] * PER_MINUTE + [429], "the limit is one of the app, not of an account"
    assert post(api, account.token, LIST, {}).status_code == 200
    api.set_clock(api.clock.now() + timedelta(seconds=61))
    assert get(api, account.token).status_code == 200


def test_refresh_token_works_once(fixtures: Path, api: Simulator, account: SimAccount) -> None:
    first = renew(api, first_refresh_token(account))
    body, theirs = first.json(), recorded(fixtures, "tiktok/oauth_refresh_200")
    assert body.keys() == theirs.keys()
    assert (body["open_id"], body["expires_in"], body["refresh_expires_in"]) == (
        account.platform_account_id, theirs["expires_in"], theirs["refresh_expires_in"]
    )  # fmt: skip
    assert get(api, body["access_token"]).status_code == 200
    again = renew(api, first_refresh_token(account))
    assert (again.status_code, {**again.json(), "log_id": ""}) == (
        400, {**recorded(fixtures, "tiktok/oauth_error_invalid_grant"), "log_id": ""}
    )  # fmt: skip
    second = renew(api, body["refresh_token"]).json()
    assert second["refresh_token"] != body["refresh_token"]
    assert renew(api, body["refresh_token"]).json()["error"] == "invalid_grant"


def test_tokens_end(api: Simulator, account: SimAccount) -> None:
    tokens = renew(api, first_refresh_token(account)).json()
    api.set_clock(NOW + ACCESS_LIFE - timedelta(minutes=1))
    assert get(api, tokens["access_token"]).status_code == 200
    api.set_clock(NOW + ACCESS_LIFE + timedelta(minutes=1))
    assert error_of(get(api, tokens["access_token"])) == (401, "access_token_invalid")
    api.set_clock(NOW + REFRESH_LIFE + timedelta(minutes=1))
    assert renew(api, tokens["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_key": ""}, "invalid_client"),
        ({"client_secret": ""}, "invalid_client"),
        ({"grant_type": "password"}, "invalid_request"),
        ({"refresh_token": ""}, "invalid_request"),
        ({"refresh_token": "rft.made-up"}, "invalid_grant"),
    ],
)
def test_wrong_renewal_is_refused_and_uses_nothing(
    api: Simulator, account: SimAccount, changed: dict[str, str], error: str
) -> None:
    assert renew(api, first_refresh_token(account), **changed).json()["error"] == error
    assert renew(api, first_refresh_token(account)).status_code == 200


def test_refresh_token_belongs_to_its_app(api: Simulator, account: SimAccount) -> None:
    tokens = renew(api, first_refresh_token(account)).json()
    assert renew(api, tokens["refresh_token"], client_key="other").json()["error"] == "invalid_grant"
    assert renew(api, tokens["refresh_token"]).status_code == 200


def test_renewal_is_a_form(api: Simulator, account: SimAccount) -> None:
    sent = {**APP, "grant_type": "refresh_token", "refresh_token": first_refresh_token(account)}
    assert api.client.post("/v2/oauth/token/", json=sent).json()["error"] == "invalid_request"


def test_counts_of_a_list_are_the_truth(api: Simulator, account: SimAccount) -> None:
    found = post(api, account.token, LIST, {"max_count": 20}, ",".join(("id", *COUNTS))).json()["data"]["videos"]
    for video in found:
        true = api.world.post("tiktok", video["id"])
        assert true is not None
        for name in COUNTS:
            instants = (NOW + timedelta(seconds=n) for n in range(20))
            assert video[name] in {truth.post_value(api.world, true, name, at) for at in instants}
