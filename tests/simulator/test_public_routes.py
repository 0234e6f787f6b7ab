"""Public routes of the simulator: what others see of accounts and posts, and what the control routes tell of it."""

from typing import Any

import pytest

from metrics.documents import Platform
from simulator.facebook.public import WITH_ACCESS, WITHOUT_ACCESS
from simulator.standing import standing
from simulator.twitter.tokens import token_of_app
from tests.simulator_fixture import Simulator

INDEX = 104
"""An account that others do not see, on platforms that have such accounts."""


def control(api: Simulator, path: str, **params: str) -> Any:
    return api.client.get(f"/_control/{path}", params=params).json()


@pytest.mark.parametrize(
    ("platform", "kinds"),
    [
        ("instagram", {"personal", "private", "age_gated", "public"}),
        ("facebook", {"age_gated", "public"}),
        ("twitter", {"private", "public"}),
        ("threads", {"private", "age_gated", "public"}),
        ("youtube", {"public"}),
    ],
)
def test_one_account_in_seven_is_not_shown_and_none_of_the_first_hundred(
    api: Simulator, platform: Platform, kinds: set[str]
) -> None:
    accounts = [api.world.account(platform, index) for index in range(300)]
    assert {standing(api.world, one) for one in accounts} == kinds
    assert {standing(api.world, one) for one in accounts[:100]} == {"public"}
    account = accounts[INDEX]
    assert control(api, "public", object=account.platform_account_id) == {"standing": standing(api.world, account)}


def test_unknown_object_is_refused(api: Simulator) -> None:
    assert api.client.get("/_control/public", params={"object": "nobody"}).status_code == 400


def test_protected_posts_are_shown_to_their_author_alone(api: Simulator) -> None:
    account = api.world.account("twitter", INDEX)
    path = f"/2/users/{account.platform_account_id}/tweets"
    own, others = (
        api.client.get(path, headers={"Authorization": f"Bearer {token}"}).json()
        for token in (account.token, token_of_app("key"))
    )
    assert "data" in own
    assert "data" not in others
    assert others["errors"][0]["type"].endswith("not-authorized-for-resource")


def test_bill_counts_each_object_once_a_day(api: Simulator) -> None:
    headers = {"Authorization": f"Bearer {token_of_app('key')}"}
    ids = ",".join(api.world.account("twitter", index).platform_account_id for index in (1, 2))
    assert control(api, "bill") == {}
    for _ in range(2):
        api.client.get("/2/users", params={"ids": ids}, headers=headers).raise_for_status()
    assert control(api, "bill") == {"twitter": {"user": 2, "usd": 0.02}}


def page(api: Simulator, path: str, ending: str, **params: str) -> Any:
    token = api.world.account("facebook", 0).token + ending
    return api.client.get(f"/v25.0/{path}", params={"access_token": token, **params}).json()


def test_pages_of_others_need_the_feature_and_show_no_insights(api: Simulator) -> None:
    other = api.world.account("facebook", 150)
    for name in (other.platform_account_id, other.handle):
        found = page(api, name, WITH_ACCESS, fields="id,username,followers_count,fan_count")
        assert found["id"] == other.platform_account_id
        assert page(api, name, WITHOUT_ACCESS)["error"]["code"] == 10
    name = other.platform_account_id
    assert page(api, f"{name}/insights", WITH_ACCESS)["error"]["code"] == 190
    assert page(api, f"{name}/video_reels", WITH_ACCESS)["error"]["code"] == 100
    assert page(api, f"{name}/feed", WITH_ACCESS, limit="101")["error"]["code"] == 100
    assert page(api, f"{name}/feed", WITH_ACCESS, fields="id,insights.metric(post_clicks)")["error"]["code"] == 100
    assert page(api, name, WITH_ACCESS, fields="id,access_token")["error"]["code"] == 100
