"""The simulated X over HTTP: shapes of the recorded answers, strictness, paging, windows, partial errors, tokens."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator import truth
from simulator.twitter.tokens import first_refresh_token
from simulator.world import EPOCH, SimPost
from tests.recorded import recorded
from tests.simulator.conftest import NOW
from tests.simulator_fixture import Simulator


def ask(api: Simulator, path: str, token: str | None = None, **params: Any) -> httpx.Response:
    account = api.world.account("twitter", 0)
    sent = {name.replace("__", "."): value for name, value in params.items()}
    headers = {"Authorization": f"Bearer {token or account.token}"}
    return api.client.get(f"/2/{path.replace('{me}', account.platform_account_id)}", params=sent, headers=headers)


def posts(api: Simulator, days: int = 20) -> list[SimPost]:
    account = api.world.account("twitter", 0)
    return [p for p in api.world.posts(account, NOW - timedelta(days=days), NOW) if p.visible(NOW)]


def test_media_have_the_recorded_shape(fixtures: Path, api: Simulator) -> None:
    video = next(post for post in posts(api, 60) if post.content_type == "video")
    wanted = recorded(fixtures, "x/pytwitter_media_object_public_metrics")
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


PRIVATE = ("non_public_metrics", "organic_metrics", "promoted_metrics")


def refused_fields(body: dict[str, Any], post_id: str) -> set[str]:
    """Return the fields of a post that an answer reports as refused."""
    errors = [one for one in body.get("errors", ()) if one["resource_id"] == post_id]
    assert {one["type"].rpartition("/")[2] for one in errors} <= {"not-authorized-for-field"}
    assert all(f"'{one['field']}' on the Tweet" in one["detail"] for one in errors)
    return {one["field"] for one in errors}


def test_private_metrics_are_refused_after_thirty_days(api: Simulator) -> None:
    account = api.world.account("twitter", 0)
    old = api.world.posts(account, NOW - timedelta(days=60), NOW - timedelta(days=31))[-1].platform_post_id
    young = posts(api)[-1].platform_post_id
    body = ask(api, "tweets", ids=f"{old},{young}", tweet__fields="public_metrics,non_public_metrics").json()
    # As recorded, the post is left out, and an error names each field.
    assert [tweet["id"] for tweet in body["data"]] == [young]
    assert "non_public_metrics.impression_count" in refused_fields(body, old)
    assert ask(api, f"tweets/{old}", tweet__fields="organic_metrics").json().keys() == {"errors"}
    assert "public_metrics" in ask(api, f"tweets/{old}", tweet__fields="public_metrics").json()["data"]
    listed = ask(api, "users/{me}/tweets", max_results=100, tweet__fields="non_public_metrics").json()
    assert refused_fields(listed, old)


def test_private_metrics_are_told_to_the_author_alone(api: Simulator) -> None:
    post = next(post for post in reversed(posts(api)) if "urls" in post.kind.native)
    asked = {"tweet__fields": ",".join(("public_metrics", *PRIVATE))}
    mine = ask(api, f"tweets/{post.platform_post_id}", **asked).json()
    assert "errors" not in mine
    public, organic = mine["data"]["public_metrics"], mine["data"]["organic_metrics"]
    assert all(abs(organic[name] - public[name]) <= 1 for name in ("impression_count", "like_count", "reply_count"))
    assert set(organic) == set(mine["data"]["promoted_metrics"])
    assert set(mine["data"]["promoted_metrics"].values()) == {0}
    assert {"url_link_clicks", "user_profile_clicks"} <= set(organic) & set(mine["data"]["non_public_metrics"])
    other = ask(api, f"tweets/{post.platform_post_id}", api.world.account("twitter", 1).token, **asked).json()
    assert other.keys() == {"errors"}
    assert {field.partition(".")[0] for field in refused_fields(other, post.platform_post_id)} == set(PRIVATE)
    without = next(post for post in reversed(posts(api)) if "urls" not in post.kind.native)
    found = ask(api, f"tweets/{without.platform_post_id}", **asked).json()["data"]
    assert "url_link_clicks" not in {name for group in PRIVATE for name in found[group]}


def test_a_video_tells_its_author_how_far_it_was_watched(api: Simulator) -> None:
    video = next(post for post in posts(api, 25) if post.content_type == "video").platform_post_id
    asked = {"expansions": "attachments.media_keys", "media__fields": ",".join(("public_metrics", *PRIVATE))}
    (media,) = ask(api, f"tweets/{video}", **asked).json()["includes"]["media"]
    views, played = media["public_metrics"]["view_count"], media["non_public_metrics"]
    counts = [played[f"playback_{share}_count"] for share in (0, 25, 50, 75, 100)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == media["organic_metrics"]["view_count"] == views
    (seen,) = ask(api, f"tweets/{video}", api.world.account("twitter", 1).token, **asked).json()["includes"]["media"]
    assert not set(PRIVATE) & set(seen)


def app_token(api: Simulator, **form: str) -> httpx.Response:
    sent = {"grant_type": "client_credentials", **form}
    return api.client.post("/oauth2/token", data=sent, auth=("key", "secret"))


def test_an_app_logs_in_and_sees_what_is_public(api: Simulator) -> None:
    body = app_token(api).json()
    assert body["token_type"] == "bearer"
    assert body.keys() == {"token_type", "access_token"}
    token, me = body["access_token"], api.world.account("twitter", 0)
    user = ask(api, "users/{me}", token, user__fields="public_metrics")
    assert user.json()["data"]["public_metrics"]["followers_count"] == truth.account_value(
        api.world, me, "followers_count", NOW
    )
    assert user.headers["x-rate-limit-limit"] == "300"
    listed = ask(api, "users/{me}/tweets", token, max_results=5, tweet__fields="public_metrics").json()
    assert "public_metrics" in listed["data"][0]
    post = posts(api)[-1].platform_post_id
    assert refused_fields(ask(api, f"tweets/{post}", token, tweet__fields="non_public_metrics").json(), post)
    for path in ("users/me", f"tweets/analytics?ids={post}"):
        refused = ask(api, path, token)
        assert (refused.status_code, refused.json()["title"]) == (403, "Unsupported Authentication")
        assert "Application-Only is forbidden" in refused.json()["detail"]
    assert api.calls()["byKind"]["timeline"] == 1


def test_an_app_without_credentials_gets_no_token(api: Simulator) -> None:
    refused = app_token(api, grant_type="password")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, 170)
    for headers in ({}, {"Authorization": "Basic nonsense"}, {"Authorization": "Basic YTo="}):
        refused = api.client.post("/oauth2/token", data={"grant_type": "client_credentials"}, headers=headers)
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, 99)
    assert ask(api, "users/{me}", f"{app_token(api).json()['access_token']}0").status_code == 401


def test_a_user_names_its_posts_and_counts(api: Simulator) -> None:
    asked = "username,name,protected,public_metrics,most_recent_tweet_id,pinned_tweet_id"
    account, newest = api.world.account("twitter", 0), posts(api)[-1].platform_post_id
    me = ask(api, "users/me", user__fields=asked).json()["data"]
    assert (me["username"], me["protected"]) == (account.handle.replace(".", "_"), False)
    assert me["most_recent_tweet_id"] == newest
    assert "data" in ask(api, f"tweets/{me['pinned_tweet_id']}").json()
    for name in ("like_count", "media_count"):
        assert me["public_metrics"][name] == truth.account_value(api.world, account, name, NOW)
    for path, params in (
        ("users/{me}", {}),
        (f"users/by/username/{me['username'].upper()}", {}),
        ("users", {"ids": me["id"]}),
        ("users/by", {"usernames": me["username"]}),
    ):
        data = ask(api, path, user__fields=asked, **params).json()["data"]
        assert data in (me, [me])
    expanded = ask(api, "users/me", expansions="most_recent_tweet_id", tweet__fields="created_at").json()
    assert [one["id"] for one in expanded["includes"]["tweets"]] == [newest]
    other = ask(api, "users/700000001", user__fields=asked).json()["data"]
    assert "pinned_tweet_id" not in other


@pytest.mark.parametrize(
    ("path", "name", "value", "wrong"),
    [
        ("tweets", "ids", "1,2,abc", "abc"),
        ("tweets", "ids", "1,,2", ""),
        ("tweets", "ids", "12345678901234567890", "12345678901234567890"),
        ("tweets", "ids", "-1", "-1"),
        ("users", "ids", "1,x", "x"),
        ("users/by", "usernames", "a,b-c", "b-c"),
    ],
)
def test_one_malformed_id_spoils_the_request(api: Simulator, path: str, name: str, value: str, wrong: str) -> None:
    answer = ask(api, path, **{name: value})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["parameters"]) == (400, {name: [value]})
    assert f"[{wrong}] does not match" in error["message"]


@pytest.mark.parametrize("path", ["tweets/abc", "users/abc", "users/abc/tweets", "users/by/username/a-b"])
def test_malformed_id_of_a_path_is_refused(api: Simulator, path: str) -> None:
    answer = ask(api, path)
    assert (answer.status_code, answer.json()["title"]) == (400, "Invalid Request")


def listed_since(api: Simulator, since: str) -> httpx.Response:
    return ask(api, "users/{me}/tweets", max_results=100, since_id=since)


def test_since_id_is_a_moment_and_no_post(api: Simulator) -> None:
    known = posts(api)
    newer = [post.platform_post_id for post in reversed(known[5:])]
    assert [tweet["id"] for tweet in listed_since(api, known[4].platform_post_id).json()["data"]] == newer
    assert listed_since(api, known[-1].platform_post_id).json()["meta"] == {"result_count": 0}
    # A deleted post's id, another user's and a number between two posts stand for instants as well.
    day = (known[4].published_at - EPOCH).days
    between = f"19{day + 1:06d}0999999900"
    wanted = [p.platform_post_id for p in reversed(known) if (p.published_at - EPOCH).days > day]
    assert [tweet["id"] for tweet in listed_since(api, between).json()["data"]] == wanted


@pytest.mark.parametrize("old", ["0", "1", "20", "190000000000000000"])
def test_since_id_older_than_all_means_the_oldest(api: Simulator, old: str) -> None:
    whole = ask(api, "users/{me}/tweets", max_results=100).json()
    assert listed_since(api, old).json()["data"] == whole["data"]


@pytest.mark.parametrize("future", ["9" * 19, "2100000000000000000", "199999999999999900"])
def test_since_id_of_the_future_is_refused(api: Simulator, future: str) -> None:
    answer = listed_since(api, future)
    assert (answer.status_code, answer.json()["errors"][0]["parameters"]) == (400, {"since_id": [future]})
    assert "data" in ask(api, "users/{me}/tweets", until_id=future).json()


@pytest.mark.parametrize("malformed", ["x", "-1", "1.5", "1e9", "12345678901234567890", ""])
def test_malformed_since_id_is_refused(api: Simulator, malformed: str) -> None:
    answer = api.client.get(
        f"/2/users/700000000/tweets?since_id={malformed}",
        headers={"Authorization": f"Bearer {api.world.account('twitter', 0).token}"},
    )
    assert answer.status_code == (400 if malformed else 200)


def usage(api: Simulator, **params: str) -> dict[str, Any]:
    body: dict[str, Any] = ask(api, "usage/tweets", app_token(api).json()["access_token"], **params).json()["data"]
    return body


def test_usage_counts_each_post_once_a_day(api: Simulator) -> None:
    assert usage(api) == {
        "cap_reset_day": 28, "project_cap": "3000000", "project_id": "1", "project_usage": "0"
    }  # fmt: skip
    for _ in range(2):
        ask(api, "users/{me}/tweets", max_results=5)
    ask(api, "tweets", ids=posts(api)[0].platform_post_id)
    assert usage(api)["project_usage"] == "6"
    api.set_clock(NOW + timedelta(days=1))
    ask(api, "users/{me}/tweets", max_results=5)
    found = usage(api, usage__fields="daily_project_usage", days="2")
    assert found["project_usage"] == "11"
    assert [one["usage"] for one in found["daily_project_usage"]["usage"]] == ["6", "5"]
    api.set_clock(datetime(2026, 11, 28, tzinfo=UTC))
    assert usage(api)["project_usage"] == "0"
    refused = ask(api, "usage/tweets")
    assert (refused.status_code, "User Context is forbidden" in refused.json()["detail"]) == (403, True)


@pytest.mark.parametrize(("value", "lifted"), [({}, 28), ({"value": 25}, 25)])
def test_monthly_cap_ends_when_the_month_of_the_project_does(
    api: Simulator, value: dict[str, int], lifted: int
) -> None:
    api.set_faults({"kind": "monthly_cap", **value})
    answer = ask(api, "users/{me}/tweets")
    assert (answer.status_code, answer.json()["title"]) == (429, "UsageCapExceeded")
    assert int(answer.headers["x-rate-limit-remaining"]) > 0
    found = usage(api)
    assert (found["cap_reset_day"], found["project_usage"]) == (lifted, found["project_cap"])
    api.set_clock(datetime(2026, 11, lifted - 1, 23, 59, 30, tzinfo=UTC))
    assert ask(api, "users/{me}/tweets").status_code == 429
    api.set_clock(datetime(2026, 11, lifted, tzinfo=UTC))
    assert ask(api, "users/{me}/tweets").status_code == 200
    assert int(usage(api)["project_usage"]) < 100


def test_credits_come_back_with_a_top_up(api: Simulator) -> None:
    api.set_faults({"kind": "no_credits"})
    assert ask(api, "users/{me}/tweets").status_code == 402
    assert usage(api)["project_usage"] == "0"
    api.set_clock(NOW + timedelta(days=40))
    assert ask(api, "users/{me}/tweets").status_code == 402
    api.set_faults()
    assert ask(api, "users/{me}/tweets").status_code == 200


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
