"""Business Discovery of the simulated Instagram: the public fields of other accounts, and refusals of the others."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from simulator import truth
from simulator.world import SimAccount
from tests.simulator.conftest import NOW
from tests.simulator.instagram import shape
from tests.simulator_fixture import Simulator


def other(api: Simulator) -> SimAccount:
    return api.world.account("instagram", 123)


def discover(api: Simulator, fields: str, username: str | None = None) -> Any:
    own = api.world.account("instagram", 0)
    asked = f"business_discovery.username({username or other(api).handle}){{{fields}}}"
    headers = {"Authorization": f"Bearer {own.token}"}
    return api.client.get(f"/v25.0/{own.platform_account_id}", params={"fields": asked}, headers=headers).json()


def test_public_fields_are_the_truth_in_the_recorded_shape(api: Simulator, fixtures: Path) -> None:
    found = discover(api, "id,biography,name,username,profile_picture_url,followers_count,media_count")
    recorded = fixtures.parent / "fixtures-more" / "discovery" / "pyfacebook_business_discovery_user.json"
    if recorded.is_file():
        assert shape(found) == shape(json.loads(recorded.read_text()))
    about = found["business_discovery"]
    assert (about["id"], about["username"]) == (other(api).platform_account_id, other(api).handle)
    assert abs(about["followers_count"] - truth.account_value(api.world, other(api), "followers_count", NOW)) <= 1
    assert found["id"] == api.world.account("instagram", 0).platform_account_id


def test_media_are_read_page_by_page(api: Simulator) -> None:
    seen, cursor = list[Any](), ""
    while True:
        below = "{id,timestamp,media_product_type,like_count,view_count}"
        page = discover(api, f"media.limit(9){cursor}{below}")["business_discovery"]["media"]
        assert "next" not in page["paging"]
        seen += page["data"]
        if "after" not in page["paging"]["cursors"]:
            break
        cursor = f".after({page['paging']['cursors']['after']})"
    posts = api.world.posts(other(api), NOW - timedelta(days=400), NOW)
    shown = [p for p in reversed(posts) if p.visible(NOW) and p.metric_type != "story"]
    assert [one["id"] for one in seen] == [post.platform_post_id for post in shown]
    assert all(("view_count" in one) == (one["media_product_type"] == "REELS") for one in seen)
    for post, one in zip(shown, seen, strict=True):
        if "view_count" in one:
            assert abs(one["view_count"] - truth.post_value(api.world, post, "total_views", NOW)) <= 1


@pytest.mark.parametrize(
    "fields", ["favourite_colour", "media{insights.metric(reach)}", "media{saved_count}", "stories"]
)
def test_what_is_not_public_is_refused(api: Simulator, fields: str) -> None:
    assert discover(api, fields)["error"]["code"] == 100


def test_account_that_is_not_there_has_a_code_of_its_own(api: Simulator) -> None:
    for name in ("nobody", "north.bakery.999999", "north.bakery.0", "north"):
        error = discover(api, "id", username=name)["error"]
        assert (error["code"], error["error_subcode"]) == (110, 2207013)
    own = api.world.account("instagram", 0)
    params = {"fields": "business_discovery{id}", "access_token": own.token}
    assert api.client.get(f"/v25.0/{own.platform_account_id}", params=params).json()["error"]["code"] == 100


def test_media_of_others_are_not_read_by_their_id(api: Simulator) -> None:
    (media,) = discover(api, "media.limit(1){id}")["business_discovery"]["media"]["data"]
    token = api.world.account("instagram", 0).token
    answer = api.client.get(f"/v25.0/{media['id']}", params={"access_token": token}).json()
    assert answer["error"]["error_subcode"] == 33
