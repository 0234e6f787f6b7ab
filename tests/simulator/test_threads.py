"""The simulated Threads API over HTTP: parameters, shapes of insights, lists, public profiles, tokens, budget."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator import truth
from simulator.clock import Clock
from simulator.faults import Faults, Target
from simulator.graph.errors import GraphError
from simulator.graph.pacific import day_end
from simulator.registry import new_world
from simulator.standing import standing
from simulator.state import State
from simulator.threads.budget import CALLS_PER_IMPRESSION, Budget
from simulator.threads.discovery import CALLS_PER_DAY
from simulator.threads.insights import FIRST_SECOND
from simulator.threads.world import REPOST, extras
from simulator.world import SimPost
from tests.recorded import recorded
from tests.simulator.conftest import NOW
from tests.simulator.test_recorded import shape
from tests.simulator_fixture import Simulator

DAY = date(2026, 11, 18)
METRICS = "views,likes,replies,reposts,quotes,shares"
ACCOUNT_METRICS = "views,likes,replies,reposts,quotes,clicks,followers_count"


def ask(api: Simulator, path: str, index: int = 0, /, **params: Any) -> httpx.Response:
    account = api.world.account("threads", index)
    where = path.replace("{me}", account.platform_account_id)
    return api.client.get(f"/v1.0/{where}", params=params, headers={"Authorization": f"Bearer {account.token}"})


def posts(api: Simulator, index: int = 0, days: int = 60) -> list[SimPost]:
    found = api.world.posts(api.world.account("threads", index), NOW - timedelta(days=days), NOW)
    return [post for post in found if post.visible(NOW)]


def refusal(answer: httpx.Response) -> tuple[int, int | None, str]:
    error = answer.json()["error"]
    assert error["type"] == "THApiException"
    return error["code"], error.get("error_subcode"), error["message"]


def seconds(day: date) -> tuple[int, int]:
    """Return the first and the last instant of a Pacific day."""
    return int((day_end(day - timedelta(days=1))).timestamp()), int(day_end(day).timestamp())


def more(fixtures: Path) -> Path:
    """Return the folder with the recorded answers of the platforms that were added later."""
    return fixtures.parent / "fixtures-more"


def test_answers_have_the_recorded_shapes(fixtures: Path, api: Simulator) -> None:
    since, until = seconds(DAY)[0], seconds(DAY + timedelta(days=1))[1]
    profile = "id,username,name,threads_profile_picture_url,threads_biography"
    replies = "id,text,timestamp,media_product_type,media_type,shortcode,has_replies,root_post,replied_to,is_reply,"
    post = posts(api)[0].platform_post_id
    for name, answer in {
        "media_insights_200": ask(api, f"{post}/insights", metric=METRICS),
        "restfb_profile": ask(api, "me", fields=profile),
        "restfb_replies_list": ask(api, f"{post}/replies", fields=f"{replies}hide_status"),
        "user_insights_200": ask(api, "me/threads_insights", metric=ACCOUNT_METRICS, since=since, until=until),
        "profile_lookup_200": ask(api, "profile_lookup", username=api.world.account("threads", 1).handle),
    }.items():
        assert answer.status_code == 200, name
        assert shape(answer.json()) == shape(recorded(more(fixtures), f"threads/{name}")), name


def test_unknown_metric_or_field_fails_the_whole_request(api: Simulator) -> None:
    post = posts(api)[0].platform_post_id
    for path, params in {
        f"{post}/insights": {"metric": "views,impressions"},
        "me/threads_insights": {"metric": "views,reach"},
        "me": {"fields": "id,followers_count"},
        "me/threads": {"fields": "id,like_count"},
        "me/stories": {},
        f"{post}/insights ": {},
    }.items():
        assert refusal(ask(api, path.strip(), **params))[:2] == (100, None), path


def test_insights_of_an_account_have_three_shapes(api: Simulator) -> None:
    since, until = seconds(DAY)
    body = ask(api, "{me}/threads_insights", metric=ACCOUNT_METRICS, since=since, until=until).json()
    rows, account = {row["name"]: row for row in body["data"]}, api.world.account("threads", 0)
    (views,) = rows["views"]["values"]
    assert views == {
        "value": truth.day_value(api.world, account, "views", DAY),
        "end_time": "2026-11-19T08:00:00+0000",
    }
    for name in ("likes", "replies", "reposts", "quotes"):
        assert rows[name]["total_value"]["value"] == truth.day_value(api.world, account, name, DAY)
    links = rows["clicks"]["link_total_values"]
    assert sum(link["value"] for link in links) == truth.day_value(api.world, account, "clicks", DAY)
    assert all(link["link_url"].startswith("https://") for link in links)


def test_totals_cover_the_range_and_followers_ignore_it(api: Simulator) -> None:
    account, days = api.world.account("threads", 0), [DAY - timedelta(days=back) for back in range(3)]
    params = {"metric": ACCOUNT_METRICS, "since": seconds(days[-1])[0], "until": seconds(days[0])[1]}
    rows = {row["name"]: row for row in ask(api, "me/threads_insights", **params).json()["data"]}
    assert len(rows["views"]["values"]) == 3
    assert rows["likes"]["total_value"]["value"] == sum(
        truth.day_value(api.world, account, "likes", day) for day in days
    )
    near = {truth.account_value(api.world, account, "followers_count", NOW + timedelta(seconds=n)) for n in range(20)}
    assert rows["followers_count"]["total_value"]["value"] in near


def test_views_of_the_profile_are_not_views_of_posts(api: Simulator) -> None:
    since, until = seconds(DAY)
    body = ask(api, "me/threads_insights", metric="views", since=since, until=until).json()
    start, end = (datetime.fromtimestamp(at, UTC) for at in (since, until))
    gained = sum(
        truth.post_value(api.world, post, "views", end) - truth.post_value(api.world, post, "views", start)
        for post in posts(api)
    )
    assert body["data"][0]["values"][0]["value"] != gained


@pytest.mark.parametrize("name", ["since", "until"])
def test_days_before_the_first_are_refused(api: Simulator, name: str) -> None:
    span = {"since": FIRST_SECOND, "until": FIRST_SECOND + 86_400}
    assert ask(api, "me/threads_insights", metric="likes", **span).status_code == 200
    code, _, message = refusal(ask(api, "me/threads_insights", metric="likes", **{**span, name: FIRST_SECOND - 1}))
    assert (code, str(FIRST_SECOND) in message) == (100, True)


def test_repost_is_listed_and_has_no_insights(api: Simulator) -> None:
    account = api.world.account("threads", 0)
    repost = next(extras(api.world, account, REPOST, NOW - timedelta(days=60), NOW))
    listed = ask(api, "me/threads", fields="id,media_type,reposted_post", limit=100).json()["data"]
    (found,) = [item for item in listed if item["id"] == repost.item_id]
    assert found["media_type"] == "REPOST_FACADE"
    assert found["reposted_post"]["id"] != repost.item_id
    assert ask(api, f"{repost.item_id}/insights", metric=METRICS).json() == {"data": []}
    assert all("reposted_post" not in item for item in listed if item["media_type"] != "REPOST_FACADE")


def test_list_has_cursors_without_next_and_ends_empty(api: Simulator) -> None:
    found: list[str] = []
    params: dict[str, Any] = {"limit": 40, "fields": "id,timestamp"}
    times = []
    while True:
        body = ask(api, "me/threads", **params).json()
        found += [item["id"] for item in body["data"]]
        times += [item["timestamp"] for item in body["data"]]
        if not body["data"]:
            break
        assert "next" not in body["paging"]
        params["after"] = body["paging"]["cursors"]["after"]
    assert body == {"data": []}
    assert times == sorted(times, reverse=True)
    account = api.world.account("threads", 0)
    reposts = [one.item_id for one in extras(api.world, account, REPOST, NOW - timedelta(days=400), NOW)]
    own = [post.platform_post_id for post in posts(api, days=400)]
    assert sorted(found) == sorted([*own, *reposts])


def test_replies_are_in_a_list_of_their_own(api: Simulator) -> None:
    replies = ask(api, "me/replies", fields="id,is_reply,root_post", limit=100).json()["data"]
    assert replies
    assert all(item["is_reply"] and item["root_post"]["id"] for item in replies)
    listed = ask(api, "me/threads", limit=100).json()["data"]
    assert not {item["id"] for item in replies} & {item["id"] for item in listed}


def test_foreign_and_deleted_posts_look_alike(api: Simulator) -> None:
    account = api.world.account("threads", 0)
    gone = next(
        post for post in api.world.posts(account, NOW - timedelta(days=300), NOW)
        if post.deleted_at is not None and not post.visible(NOW)
    )  # fmt: skip
    foreign = posts(api, 1)[0].platform_post_id
    answers = [refusal(ask(api, f"{name}/insights", metric="likes")) for name in (gone.platform_post_id, foreign)]
    assert [(code, subcode) for code, subcode, _ in answers] == [(100, 33)] * 2
    assert refusal(ask(api, api.world.account("threads", 1).platform_account_id))[:2] == (100, 33)


def test_other_version_and_other_token_are_refused(api: Simulator) -> None:
    account = api.world.account("threads", 0)
    headers = {"Authorization": f"Bearer {account.token}"}
    assert refusal(api.client.get("/graph.threads.net/v2.0/me", headers=headers))[0] == 2500
    assert api.client.get("/graph.threads.com/v1.0/me", params={"access_token": account.token}).status_code == 200
    assert refusal(api.client.get("/v1.0/me"))[0] == 104
    other = {"access_token": api.world.account("instagram", 0).token}
    assert refusal(api.client.get("/v1.0/me", params=other))[0] == 190
    api.set_faults({"kind": "expired_token", "account": account.platform_account_id})
    assert refusal(api.client.get("/v1.0/me", headers=headers))[:2] == (190, 463)


@pytest.mark.parametrize("host", ["", "/graph.threads.net"])
def test_tokens_are_exchanged_and_renewed_once_a_day(fixtures: Path, api: Simulator, host: str) -> None:
    token = api.world.account("threads", 0).token
    renewal = {"grant_type": "th_refresh_token", "access_token": token}
    renewed = api.client.get(f"{host}/refresh_access_token", params=renewal).json()
    assert shape(renewed) == shape(recorded(more(fixtures), "threads/pyfacebook_token_long_lived"))
    assert renewed["expires_in"] == 60 * 86_400
    assert refusal(api.client.get(f"{host}/refresh_access_token", params=renewal))[0] == 100
    api.set_clock(NOW + timedelta(hours=25))
    assert api.client.get(f"{host}/refresh_access_token", params=renewal).status_code == 200
    exchange = {"grant_type": "th_exchange_token", "access_token": token}
    assert refusal(api.client.get(f"{host}/access_token", params=exchange))[0] == 101
    assert api.client.get(f"{host}/access_token", params={**exchange, "client_secret": "s"}).status_code == 200


def test_tokens_of_instagram_login_are_renewed_at_the_same_path_as_before(api: Simulator) -> None:
    account = api.world.account("instagram", 0)
    api.set_faults({"kind": "instagram_login", "account": account.platform_account_id})
    params = {"grant_type": "ig_refresh_token", "access_token": account.token}
    answer = api.client.get("/refresh_access_token", params=params, headers={"Host": "graph.instagram.com"})
    assert answer.json()["expires_in"] == 60 * 86_400


def test_public_profile_has_the_counts_of_seven_days(api: Simulator) -> None:
    other = api.world.account("threads", 1)
    found = ask(api, "profile_lookup", username=f"@{other.handle}").json()
    there = api.world.posts(other, NOW - timedelta(days=60), NOW)
    week = NOW - timedelta(days=7)
    gained = [
        sum(truth.post_value(api.world, post, "views", at + shift) for post in there)
        for at in (week, NOW) for shift in (timedelta(), timedelta(seconds=20))
    ]  # fmt: skip
    assert gained[2] - gained[1] <= found["views_count"] <= gained[3] - gained[0]
    assert found["follower_count"] == pytest.approx(
        truth.account_value(api.world, other, "followers_count", NOW), rel=0.01
    )
    listed = ask(api, "profile_posts", username=other.handle, fields="id", limit=5).json()["data"]
    assert len(listed) == 5


def test_profile_that_is_not_public_is_refused(api: Simulator) -> None:
    private = api.world.account("threads", 104)
    assert standing(api.world, private) == "private"
    for name in (private.handle, "nobody"):
        assert refusal(ask(api, "profile_lookup", username=name))[:2] == (100, None)
    api.set_faults({"kind": "permission", "path": "profile_"})
    assert refusal(ask(api, "profile_lookup", username=api.world.account("threads", 1).handle))[0] == 10
    assert ask(api, "profile_lookup", username="instagram").status_code == 200


def test_only_a_thousand_profiles_a_day_are_answered(api: Simulator) -> None:
    # The refused look-ups count as well, and are quicker.
    for _ in range(CALLS_PER_DAY):
        ask(api, "profile_lookup", username="nobody")
    assert refusal(ask(api, "profile_lookup", username="meta"))[0] == 4
    assert ask(api, "profile_lookup", 1, username="meta").status_code == 200
    api.set_clock(NOW + timedelta(days=1, minutes=5))
    assert ask(api, "profile_lookup", username="meta").status_code == 200


def test_demographics_take_one_breakdown_and_no_range(api: Simulator) -> None:
    metric = {"metric": "follower_demographics"}
    (row,) = ask(api, "me/threads_insights", **metric, breakdown="country").json()["data"]
    (part,) = row["total_value"]["breakdowns"]
    assert part["dimension_keys"] == ["country"]
    assert refusal(ask(api, "me/threads_insights", **metric))[0] == 100
    assert refusal(ask(api, "me/threads_insights", **metric, breakdown="age", since=FIRST_SECOND))[0] == 100


def test_budget_grows_with_the_impressions_and_is_never_below_ten_of_them() -> None:
    world, clock = new_world(), Clock()
    clock.set(NOW)
    state = State(world, clock, Faults(1))
    budget, aim = Budget(state), Target(state.faults, None, frozenset(), "", None)
    account = world.account("threads", 0)
    state.memory["threads:impressions"] = {account.platform_account_id: (int(NOW.timestamp()) // 3600, 3)}
    hours = state.memory.setdefault("threads:hours", {}).setdefault(account.platform_account_id, {})
    hours[int(NOW.timestamp()) // 3600] = 47_999
    budget.check(account, aim)
    budget.take(account, NOW)
    with pytest.raises(GraphError) as caught:
        budget.check(account, aim)
    assert caught.value.body["code"] == 17
    assert '"call_count": 100' in budget.headers(account)["x-business-use-case-usage"]
    state.memory["threads:impressions"] = {}
    seen = budget._limit(account) // CALLS_PER_IMPRESSION
    assert seen > 10
    budget.check(account, aim)
    clock.set(NOW + timedelta(hours=24))
    assert budget._calls(account) == 0


def test_faults_select_calls_of_threads(api: Simulator) -> None:
    account_id = api.world.account("threads", 0).platform_account_id
    for kind, code in {"app_limit": 4, "account_limit": 17, "permission": 10, "error": 2}.items():
        api.set_faults({"kind": kind, "account": account_id})
        assert refusal(ask(api, "me"))[0] == code, kind
    api.set_faults({"kind": "account_limit", "account": account_id, "seconds": 1800})
    usage = ask(api, "me").headers["x-business-use-case-usage"]
    assert '"estimated_time_to_regain_access": 30' in usage
    api.set_faults({"kind": "retired_metric", "metric": "views"})
    assert refusal(ask(api, "me/threads_insights", metric="views"))[0] == 100
    api.set_faults({"kind": "rename", "account": account_id, "value": "new.name"})
    assert ask(api, "me", fields="username").json()["username"] == "new.name"
    api.set_faults({"kind": "localised", "value": "de"}, {"kind": "permission", "account": account_id})
    assert ask(api, "me").json()["error"]["error_user_msg"]
