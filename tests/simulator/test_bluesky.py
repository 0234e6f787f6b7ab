"""The simulated XRPC of Bluesky: forms of recorded answers, strict parameters, hosts, sessions and limits."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator import truth
from simulator.bluesky.api import PDS_HOST, PUBLIC_HOST, WINDOW_SECONDS
from simulator.bluesky.sessions import GRACE, app_password
from simulator.bluesky.world import is_misdated
from simulator.world import SimAccount
from tests.recorded import recorded
from tests.simulator.conftest import NOW
from tests.simulator.test_recorded import shape
from tests.simulator_fixture import Simulator

PROFILE, FEED, POSTS = "app.bsky.actor.getProfile", "app.bsky.feed.getAuthorFeed", "app.bsky.feed.getPosts"
CREATE, REFRESH = "com.atproto.server.createSession", "com.atproto.server.refreshSession"


@pytest.fixture
def account(api: Simulator) -> SimAccount:
    return api.world.account("bluesky", 3)


def get(api: Simulator, method: str, token: str = "", host: str = "", **params: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    where = f"/{host}/xrpc/{method}" if host else f"/xrpc/{method}"
    return api.client.get(where, params=params, headers=headers)


def uris(api: Simulator, account: SimAccount, count: int = 5) -> list[str]:
    posts = [post for post in api.world.posts(account, NOW - timedelta(days=60), NOW) if post.visible(NOW)]
    return [post.platform_post_id for post in posts][-count:]


def test_profile_has_the_recorded_form(fixtures: Path, api: Simulator, account: SimAccount) -> None:
    own_labels = {"labels[].cid", "labels[].cts", "labels[].src", "labels[].uri", "labels[].val"}
    theirs, ours = (
        {path for path, _ in shape(body)}
        for body in (recorded(fixtures, "bluesky/profile"), get(api, PROFILE, actor=account.platform_account_id).json())
    )
    assert theirs - ours == own_labels
    assert ours - theirs == {"labels"}


@pytest.mark.parametrize(
    ("name", "faults", "status"),
    [
        ("error_400_profile_not_found", [{"kind": "deleted"}], 400),
        ("error_400_account_takedown", [{"kind": "suspended"}], 400),
        ("error_429_rate_limit", [{"kind": "account_limit"}], 429),
    ],
)
def test_error_is_the_recorded_one(
    fixtures: Path, api: Simulator, account: SimAccount, name: str, faults: list[dict[str, Any]], status: int
) -> None:
    did = account.platform_account_id
    api.set_faults(*({**fault, "account": did} for fault in faults))
    answer = get(api, PROFILE, actor=did)
    assert (answer.status_code, answer.json()) == (status, recorded(fixtures, f"bluesky/{name}"))


def test_did_and_handle_name_the_same_account(api: Simulator, account: SimAccount) -> None:
    did, handle = account.platform_account_id, f"{account.handle.replace('.', '-')}.bsky.social"
    by_did, by_handle = get(api, PROFILE, actor=did).json(), get(api, PROFILE, actor=handle.upper()).json()
    assert (by_did["did"], by_did["handle"], by_handle["did"]) == (did, handle, did)
    assert get(api, "com.atproto.identity.resolveHandle", handle=handle).json() == {"did": did}


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        (PROFILE, {}, 'Params must have the property "actor"'),
        (PROFILE, {"actor": "not a handle"}, "actor must be a valid did or a handle"),
        (FEED, {"actor": "did:plc:x", "limit": "101"}, "limit can not be greater than 100"),
        (FEED, {"actor": "{did}", "limit": "0"}, "limit can not be less than 1"),
        (FEED, {"actor": "{did}", "limit": "ten"}, "limit must be an integer"),
        (FEED, {"actor": "{did}", "filter": "posts"}, "filter must be one of"),
        (FEED, {"actor": "{did}", "includePins": "maybe"}, "includePins must be a boolean"),
        (POSTS, {}, 'Params must have the property "uris"'),
        (POSTS, {"uris": ["at://{did}/app.bsky.feed.post/3k4sowhmviu6h"] * 26}, "uris must not have more than 25"),
        (POSTS, {"uris": ["https://bsky.app/"]}, "uris/0 must be a valid at-uri"),
    ],
)
def test_wrong_parameter_is_refused(
    api: Simulator, account: SimAccount, method: str, params: dict[str, Any], message: str
) -> None:
    params = {name: value.replace("{did}", account.platform_account_id) if isinstance(value, str) else value
              for name, value in params.items()}  # fmt: skip
    answer = get(api, method, **params)
    if "did:plc:x" in params.values():
        assert answer.json() == {"error": "InvalidRequest", "message": "Profile not found"}
        return
    assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequest")
    assert answer.json()["message"].startswith(f"Invalid {method} params: ")
    assert message in answer.json()["message"]


def test_unknown_method_is_not_implemented(api: Simulator) -> None:
    answer = get(api, "app.bsky.feed.getViews")
    assert (answer.status_code, answer.json()["error"]) == (501, "MethodNotImplemented")


def test_batch_silently_leaves_out_the_missing_and_repeats_nothing(api: Simulator, account: SimAccount) -> None:
    there = uris(api, account)
    gone = next(post for post in api.world.posts(account, NOW - timedelta(days=300), NOW) if not post.visible(NOW))
    answer = get(api, POSTS, uris=[there[0], gone.platform_post_id, there[1], there[0], f"{there[0]}x"])
    assert [post["uri"] for post in answer.json()["posts"]] == there[:2]
    did = account.platform_account_id
    found = get(api, "app.bsky.actor.getProfiles", actors=[did, "did:plc:nobody", "nobody.bsky.social"]).json()
    assert [profile["did"] for profile in found["profiles"]] == [did]


def test_feed_has_every_post_once_and_counts_are_true(api: Simulator, account: SimAccount) -> None:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        body = get(api, FEED, actor=account.platform_account_id, limit=40, **cursor).json()
        found += body["feed"]
        if "cursor" not in body:
            break
        cursor = {"cursor": body["cursor"]}
    own = [item["post"] for item in found if "reason" not in item]
    posts = {post.platform_post_id: post for post in api.world.posts(account, NOW - timedelta(days=400), NOW)}
    assert [post["uri"] for post in own if posts[post["uri"]].visible(NOW)] == [post["uri"] for post in own]
    assert {post["uri"] for post in own} == {name for name, post in posts.items() if post.visible(NOW)}
    assert len(own) == len({post["uri"] for post in own})
    assert any("reasonRepost" in item["reason"]["$type"] for item in found if "reason" in item)
    times = [min(post["record"]["createdAt"], post["indexedAt"]) for post in own]
    assert times == sorted(times, reverse=True), "sorted by the earlier of the two times"
    assert any(is_misdated(posts[post["uri"]]) for post in own)
    early, late = (
        {name: truth.post_value(api.world, posts[own[0]["uri"]], name, NOW + timedelta(seconds=s)) for name in COUNTS}
        for s in (0, 30)
    )
    assert all(min(early[name], late[name]) <= own[0][name] <= max(early[name], late[name]) for name in COUNTS)


COUNTS = ("likeCount", "repostCount", "replyCount", "quoteCount", "bookmarkCount")


def test_pinned_post_is_on_top_only_on_request(api: Simulator, account: SimAccount) -> None:
    first = get(api, FEED, actor=account.platform_account_id, includePins="true").json()["feed"][0]
    assert first["reason"]["$type"] == "app.bsky.feed.defs#reasonPin"
    usual = get(api, FEED, actor=account.platform_account_id).json()["feed"][0]
    assert "reasonPin" not in str(usual.get("reason"))


def test_public_host_takes_no_token_and_a_pds_answers_only_with_one(api: Simulator, account: SimAccount) -> None:
    did, token = account.platform_account_id, account.token
    assert get(api, PROFILE, host=PUBLIC_HOST, actor=did).status_code == 200
    assert get(api, PROFILE, token, PUBLIC_HOST, actor=did).json()["error"] == "InvalidToken"
    assert get(api, PROFILE, token, PDS_HOST, actor=did).status_code == 200
    assert get(api, PROFILE, host=PDS_HOST, actor=did).json()["error"] == "AuthMissing"
    assert api.client.post(f"/{PUBLIC_HOST}/xrpc/{CREATE}", json={}).status_code == 501


def create(api: Simulator, account: SimAccount, password: str = "") -> httpx.Response:
    body = {"identifier": account.platform_account_id, "password": password or app_password(account)}
    return api.client.post(f"/xrpc/{CREATE}", json=body)


def refresh(api: Simulator, token: str) -> httpx.Response:
    return api.client.post(f"/xrpc/{REFRESH}", headers={"Authorization": f"Bearer {token}"})


def test_session_has_the_recorded_form_and_ends_with_400(fixtures: Path, api: Simulator, account: SimAccount) -> None:
    session = create(api, account).json()
    assert shape(session) == shape(recorded(fixtures, "bluesky/create_session_200"))
    token = session["accessJwt"]
    assert get(api, "com.atproto.server.getSession", token).json()["did"] == account.platform_account_id
    api.set_clock(NOW + timedelta(minutes=121))
    answer = get(api, "com.atproto.server.getSession", token)
    assert (answer.status_code, answer.json()) == (400, recorded(fixtures, "bluesky/error_400_expired_token"))


def test_refresh_token_rotates_with_two_hours_of_grace(api: Simulator, account: SimAccount) -> None:
    first = create(api, account).json()["refreshJwt"]
    second = refresh(api, first).json()["refreshJwt"]
    assert second != first
    api.set_clock(NOW + GRACE - timedelta(minutes=1))
    assert refresh(api, first).status_code == 200
    api.set_clock(NOW + 2 * GRACE)
    assert refresh(api, first).json()["error"] == "ExpiredToken"
    assert refresh(api, second).status_code == 200


def test_wrong_passwords_are_refused_and_counted(api: Simulator, account: SimAccount) -> None:
    codes = [create(api, account, "aaaa-bbbb-cccc-dddd").status_code for _ in range(31)]
    assert codes == [401] * 30 + [429]


def test_window_of_a_pds_is_told_in_the_headers(api: Simulator, account: SimAccount) -> None:
    answer = get(api, PROFILE, account.token, actor=account.platform_account_id)
    headers = {name: answer.headers[f"ratelimit-{name}"] for name in ("limit", "remaining", "reset", "policy")}
    assert (headers["limit"], headers["remaining"], headers["policy"]) == ("3000", "2999", "3000;w=300")
    assert 0 < int(headers["reset"]) - NOW.timestamp() <= WINDOW_SECONDS
    assert "ratelimit-limit" not in get(api, PROFILE, actor=account.platform_account_id).headers


def test_empty_index_answers_zeros(api: Simulator, account: SimAccount) -> None:
    api.set_faults({"kind": "all_zeros"})
    body = get(api, PROFILE, actor=account.platform_account_id).json()
    assert (body["followersCount"], body["followsCount"], body["postsCount"]) == (0, 0, 0)
    feed = get(api, FEED, actor=account.platform_account_id).json()["feed"]
    assert {item["post"][name] for item in feed for name in COUNTS} == {0}


def test_handle_changes_and_breaks(api: Simulator, account: SimAccount) -> None:
    did, old = account.platform_account_id, f"{account.handle.replace('.', '-')}.bsky.social"
    api.set_faults({"kind": "rename", "account": did, "value": "new.name"})
    assert get(api, PROFILE, actor="new-name.bsky.social").json()["did"] == did
    assert get(api, PROFILE, actor=old).json()["message"] == "Profile not found"
    api.set_faults({"kind": "rename", "account": did, "value": "handle.invalid"})
    assert get(api, PROFILE, actor=did).json()["handle"] == "handle.invalid"
