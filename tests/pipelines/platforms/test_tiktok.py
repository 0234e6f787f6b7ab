"""TikTok's client: recorded answers, errors, scopes, tokens that rotate, the list and videos by id."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from metrics.clock import utcnow
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import (
    AccountUnreachable,
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    RateLimited,
    RequestRefused,
    Transient,
    WrongIdentity,
)
from pipelines.platforms.http import retries
from pipelines.platforms.quarantine import Refused
from pipelines.platforms.tiktok import answers
from pipelines.platforms.tiktok.api import _STATS
from pipelines.platforms.tiktok.posts import MAX_IDS
from simulator.tiktok.tokens import first_refresh_token
from tests.pipelines.platforms.fetching import Fetching, known, wanted
from tests.recorded import recorded
from tests.simulator_fixture import Simulator

AGE = timedelta(days=100)
"""Videos of this age are on no page of the list that a reading asks for."""
ENDED = ("not_recoverable",)
"""The reason for numbers of videos that nobody has watched for a week."""
APP = {"client_id": "key", "client_secret": "a-secret-of-the-app"}


@pytest.fixture
def fetching(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Fetching:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    return Fetching(simulator, "tiktok")


def renewable(fetching: Fetching) -> Access:
    credentials = {"access_token": "act.ended", "refresh_token": first_refresh_token(fetching.account), **APP}
    return Access(fetching.account.platform_account_id, credentials)


def test_recorded_account_is_read_number_for_number(fixtures: Path) -> None:
    user = recorded(fixtures, "tiktok/display_user_info_200")["data"]["user"]
    numbers = answers.account_numbers(user, _STATS)
    assert numbers.metrics == {"followers": 1520, "following": 12, "posts": 41, "likesReceived": 48210}
    assert numbers.unavailable == {}


@pytest.mark.parametrize(
    ("name", "ids", "place"),
    [
        (
            "display_video_list_page1_200",
            {
                "7500000000000000003": (12000, 1200, 120, 60, "2025-11-28T03:20:00+00:00"),
                "7500000000000000002": (900, 90, 9, 4, "2025-11-26T23:33:20+00:00"),
            },
            {"cursor": "1764200000000"},
        ),
        ("display_video_list_last_200", {"7500000000000000001": (0, 0, 0, 0, "2025-11-25T19:46:40+00:00")}, None),
    ],
)
def test_recorded_list_is_read_number_for_number(
    fixtures: Path, name: str, ids: dict[str, tuple[Any, ...]], place: dict[str, str] | None
) -> None:
    body = recorded(fixtures, f"tiktok/{name}")
    answers.raise_for(200, body, {})
    data = answers.data_of(body)
    found = {}
    for video in data["videos"]:
        post = answers.listed_post(video)
        numbers = answers.post_numbers(post, video, ())
        assert post.published_at is not None
        assert post.content is not None
        assert (post.content.caption, post.content.thumbnail_url) == ("example description", None)
        values = tuple(numbers.metrics[one] for one in ("views", "likes", "comments", "shares"))
        found[post.platform_post_id] = (*values, post.published_at.isoformat())
    assert (found, answers.next_place(data)) == (ids, place)


def test_absent_count_is_unknown_and_not_zero() -> None:
    post = Post("7", "post", "video", None)
    numbers = answers.post_numbers(post, {"id": "7", "view_count": 5, "like_count": 0}, ())
    assert numbers.metrics == {"views": 5, "likes": 0}
    assert numbers.unavailable == {"comments": "no_observation", "shares": "no_observation"}
    assert set(answers.post_numbers(post, {"id": "7"}, ()).unavailable.values()) == {"provider_error"}


@pytest.mark.parametrize(
    ("name", "status", "leaf"),
    [
        ("display_error_400_invalid_params", 400, RequestRefused),
        ("display_error_401_access_token_invalid", 401, NeedsReauth),
        ("display_error_401_scope_not_authorized", 401, PermissionMissing),
        ("display_error_429_rate_limit_exceeded", 429, RateLimited),
    ],
)
def test_recorded_error_leads_to_one_decision(
    fixtures: Path, name: str, status: int, leaf: type[PlatformError]
) -> None:
    with pytest.raises(leaf) as caught:
        answers.raise_for(status, recorded(fixtures, f"tiktok/{name}"), {})
    assert type(caught.value) is leaf


@pytest.mark.parametrize(
    ("status", "body", "leaf"),
    [
        (401, {"error": {"code": "scope_permission_missed", "message": "x"}}, PermissionMissing),
        (200, {"error": {"code": "access_token_invalid", "message": "x"}}, NeedsReauth),
        (500, {"error": {"code": "internal_error", "message": "x"}}, Transient),
        (200, {"error": {"code": "internal_error"}}, Transient),
        (503, [], Transient),
        (400, {"error": {"code": "unheard_of"}}, BadAnswer),
        (401, {"message": "who are you?"}, BadAnswer),
        (404, None, BadAnswer),
        (200, {"data": {"videos": []}}, BadAnswer),
        (200, {"error": "ok", "data": {}}, BadAnswer),
    ],
)
def test_error_leads_to_one_decision(status: int, body: Any, leaf: type[PlatformError]) -> None:
    with pytest.raises(leaf) as caught:
        answers.raise_for(status, body, {})
    assert type(caught.value) is leaf


@pytest.mark.parametrize(("header", "seconds"), [({}, 60), ({"Retry-After": "5"}, 5), ({"Retry-After": "soon"}, 60)])
def test_limit_is_one_of_the_app_and_ends_after_a_minute(header: dict[str, str], seconds: int) -> None:
    with pytest.raises(RateLimited) as caught:
        answers.raise_for(429, {"error": {"code": "rate_limit_exceeded"}}, header)
    assert caught.value.scope == "app"
    assert abs((caught.value.until - utcnow()).total_seconds() - seconds) < 20


@pytest.mark.parametrize(
    ("body", "leaf"),
    [
        ({"error": "invalid_grant", "error_description": "d"}, NeedsReauth),
        ({"error": "access_denied", "error_description": "d"}, NeedsReauth),
        ({"error": "invalid_scope"}, NeedsReauth),
        ({"error": "invalid_client", "error_description": "d"}, BadAnswer),
        ({"error": "unauthorized_client"}, BadAnswer),
        ({"error": "invalid_request"}, BadAnswer),
        ({"error": {"code": "internal_error"}}, BadAnswer),
        ([], BadAnswer),
    ],
)
def test_error_of_a_renewal_leads_to_one_decision(body: Any, leaf: type[PlatformError]) -> None:
    with pytest.raises(leaf) as caught:
        answers.raise_for_token(400, body, {})
    assert type(caught.value) is leaf
    with pytest.raises(Transient):
        answers.raise_for_token(502, body, {})


@pytest.mark.parametrize(
    "data",
    [
        {}, {"has_more": True}, {"has_more": True, "cursor": "5"}, {"has_more": True, "cursor": 0},
        {"has_more": True, "cursor": 2**63}, {"has_more": True, "cursor": True}, {"has_more": "true", "cursor": 5},
        {"cursor": 5}, {"has_more": None, "cursor": 5},
    ],
    ids=str,
)  # fmt: skip
def test_end_of_a_list_is_not_guessed(data: dict[str, Any]) -> None:
    with pytest.raises((LookupError, TypeError, ValueError)):
        answers.next_place(data)


@pytest.mark.parametrize("time", [None, "1764300000", 1_764_300_000_000, 1_764_300, 0, True, 1764300000.5])
def test_impossible_time_of_publication_is_refused(time: Any) -> None:
    with pytest.raises((TypeError, ValueError, ArithmeticError)):
        answers.listed_post({"id": "7", "create_time": time})


def test_account_and_videos_take_two_calls_and_one_per_twenty_older_ones(fetching: Fetching) -> None:
    first = wanted()
    fetching.api.read(fetching.access, first, Tally())
    old = [known(post) for post in fetching.here(90)][:45]
    fetching.simulator.client.delete("/_control/calls")
    again = wanted(*old, known=map(known, fetching.here()), memory=first.memory)
    reading = fetching.api.read(fetching.access, again, Tally())
    below = [post for post in old if post.platform_post_id not in reading.listed]
    assert len(below) > MAX_IDS
    kinds = fetching.simulator.calls()["byKind"]
    assert kinds == {
        "user/info": 1,
        "video/list": 1,
        "video/query": -(-len(below) // MAX_IDS),
        "business/video/list": -(-len(reading.posts) // MAX_IDS),
    }
    assert {post.platform_post_id for post in old} <= {post.platform_post_id for post, _ in reading.posts}
    assert fetching.check(reading, *ENDED) > 100


@pytest.mark.parametrize(
    ("scopes", "calls", "missing", "has_username"),
    [
        (("user.info.profile",), 2, set(), False),
        (("user.info.stats",), 3, {"followers", "following", "posts", "likesReceived"}, True),
        (("user.info.stats", "user.info.profile"), 4, {"followers", "following", "posts", "likesReceived"}, False),
    ],
)
def test_fields_without_their_scope_are_left_out(
    fetching: Fetching, scopes: tuple[str, ...], calls: int, missing: set[str], has_username: bool
) -> None:
    fetching.simulator.set_faults(*({"kind": "refused_metric", "metric": scope} for scope in scopes))
    reading = fetching.read()
    assert {name for name, why in reading.account.unavailable.items() if why == "permission_missing"} == missing
    assert (reading.handle == fetching.account.handle) == has_username
    assert reading.handle
    assert fetching.check(reading, *ENDED) > 100, "videos have a scope of their own"
    assert fetching.simulator.calls()["byKind"]["user/info"] == calls


def test_scopes_that_a_renewal_tells_save_the_refused_calls(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "refused_metric", "metric": "user.info.profile"})
    credentials = {**fetching.access.credentials, "scope": "user.info.basic,user.info.stats,video.list"}
    fetching.access = Access(fetching.account.platform_account_id, credentials)
    reading = fetching.read()
    assert reading.account.metrics["followers"] == fetching.level("follower_count")
    assert fetching.simulator.calls()["byKind"]["user/info"] == 1


def test_account_without_any_scope_is_unreachable(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "permission", "path": "user/info"})
    with pytest.raises(AccountUnreachable):
        fetching.read()


def test_missing_scope_for_videos_leaves_the_account(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "permission", "path": "video/"})
    reading = fetching.read([known(post) for post in fetching.here(25)])
    assert reading.account.metrics["followers"] == fetching.level("follower_count")
    assert (reading.posts, reading.gone) == ([], [])
    assert {"videos", "videos by id"} <= reading.failures.keys()


def test_token_of_another_account_is_told(fetching: Fetching) -> None:
    other = fetching.simulator.world.account("tiktok", 4)
    fetching.access = Access(fetching.account.platform_account_id, {"access_token": other.token})
    for call in (
        lambda: fetching.api.identify(fetching.access, Tally()),
        fetching.read,
        lambda: list(fetching.api.read_past(fetching.access, wanted(), Tally())),
    ):
        with pytest.raises(WrongIdentity, match="connect the right account again"):
            call()


@pytest.mark.parametrize("field", ["share_count", "share_url"])
def test_field_that_no_longer_exists_is_found_and_left_out(fetching: Fetching, field: str) -> None:
    fetching.simulator.set_faults(
        {"kind": "retired_metric", "metric": field},
        {"kind": "patch", "at": "error.message", "value": "Something is wrong", "path": "video/"},
    )
    posts = [known(post) for post in fetching.here()]
    reading = fetching.read(posts)
    assert {post.platform_post_id for post, _ in reading.posts} == {post.platform_post_id for post in posts}
    retired = {name for _, found in reading.posts for name, why in found.unavailable.items() if why == "metric_retired"}
    assert retired == ({"shares"} if field == "share_count" else set())
    assert reading.quarantined == {str(Refused(field, "post"))}
    fetching.be(4)
    fetching.read(posts := [known(post) for post in fetching.here()])
    assert fetching.quarantine.new(whole=False) == [Refused(field, "post", "", field)]
    fetching.be(5)
    fetching.simulator.client.delete("/_control/calls")
    fetching.read([known(post) for post in fetching.here()])
    assert fetching.simulator.calls()["byKind"]["video/list"] <= 6, "it is not searched for again"


def test_request_that_is_refused_for_another_reason_is_a_failure(fetching: Fetching) -> None:
    refusal = {"data": {}, "error": {"code": "invalid_params", "message": "m", "log_id": "1"}}
    fetching.simulator.set_faults({"kind": "patch", "path": "video/", "at": "", "value": refusal})
    reading = fetching.read([known(post) for post in fetching.here(25)])
    assert (reading.posts, reading.gone, reading.quarantined) == ([], [], set())
    assert "videos" in reading.failures


@pytest.mark.parametrize("cut", [{"at": "data.videos", "value": []}, {"at": "data.videos.0", "delete": True}])
def test_answer_that_was_cut_off_takes_no_video_for_gone(fetching: Fetching, cut: dict[str, Any]) -> None:
    old = [known(post) for post in fetching.here(270) if post.published_at < fetching.now - AGE]
    fetching.simulator.set_faults({"kind": "patch", "path": "video/query", "times": 1, **cut})
    reading = fetching.read(old[:MAX_IDS])
    assert reading.gone == []
    assert {post.platform_post_id for post in old[:MAX_IDS]} <= {post.platform_post_id for post, _ in reading.posts}
    assert fetching.simulator.calls()["byKind"]["video/query"] == 2


def test_video_that_two_answers_leave_out_is_gone(fetching: Fetching) -> None:
    old = [known(post) for post in fetching.here(270) if post.published_at < fetching.now - AGE][:3]
    fetching.simulator.set_faults({"kind": "partial", "path": "video/query", "object": old[0].platform_post_id})
    assert fetching.read(old).gone == [old[0].platform_post_id]


def test_answer_with_another_video_takes_none_for_gone(fetching: Fetching) -> None:
    old = [known(post) for post in fetching.here(270) if post.published_at < fetching.now - AGE][:3]
    fetching.simulator.set_faults({"kind": "patch", "path": "video/query", "at": "data.videos.0.id", "value": "5"})
    reading = fetching.read(old)
    assert reading.gone == []
    assert old[0].platform_post_id in reading.failures


def test_announced_id_that_is_none_is_told(fetching: Fetching) -> None:
    reading = fetching.read([Post("acme", "post", "video", fetching.now)])
    assert reading.failures == {"acme": "it is not the id of a video on TikTok"}
    assert reading.gone == []


def test_renewal_gives_a_new_pair_and_the_scopes(fetching: Fetching) -> None:
    access = renewable(fetching)
    with pytest.raises(NeedsReauth):
        fetching.api.read(access, wanted(), Tally())
    found = fetching.api.refresh(access, Tally())
    assert found is not None
    assert found["refresh_token"] != access.credentials["refresh_token"]
    assert abs(found["expires_at"] - utcnow().timestamp() - 7200) < 20
    assert "video.list" in found["scope"]
    assert {name: found[name] for name in APP} == APP
    renewed = Access(access.platform_account_id, found)
    assert fetching.check(fetching.api.read(renewed, wanted(), Tally()), "permission_missing") > 100
    # The old refresh token is dead, and the new one works.
    assert fetching.api.refresh(access, Tally()) is None
    assert fetching.api.refresh(renewed, Tally()) is not None


def test_credentials_without_the_app_cannot_be_renewed(fetching: Fetching) -> None:
    assert fetching.api.refresh(fetching.access, Tally()) is None
    tally = Tally()
    assert fetching.api.refresh(Access("x", {"access_token": "a", "refresh_token": "b"}), tally) is None
    assert tally.calls == 0


def test_app_that_is_not_accepted_is_a_failure_and_no_dead_token(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "patch", "path": "oauth", "at": "", "value": {"error": "invalid_client"}})
    with pytest.raises(BadAnswer, match="does not accept the app"):
        fetching.api.refresh(renewable(fetching), Tally())


@pytest.mark.parametrize("change", [{"at": "expires_in", "delete": True}, {"at": "open_id", "value": "another"}])
def test_new_pair_is_kept_whatever_else_the_answer_says(fetching: Fetching, change: dict[str, Any]) -> None:
    fetching.simulator.set_faults({"kind": "patch", "path": "oauth", **change})
    found = fetching.api.refresh(renewable(fetching), Tally())
    assert found is not None
    assert found["access_token"].startswith("act.")


def test_secrets_are_in_no_message(fetching: Fetching) -> None:
    access = renewable(fetching)
    told = f"{access.credentials['refresh_token']} of {APP['client_secret']}"
    answer = {"error": "invalid_client", "error_description": told}
    fetching.simulator.set_faults({"kind": "patch", "path": "oauth", "at": "", "value": answer})
    with pytest.raises(BadAnswer) as caught:
        fetching.api.refresh(access, Tally())
    assert str(caught.value).startswith("TikTok does not accept the app (invalid_client): ")
    assert APP["client_secret"] not in str(caught.value)
    assert APP["client_secret"] not in repr(access)
