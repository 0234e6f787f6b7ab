"""The simulated organic API for Business: forms of recorded answers, strict parameters, tokens, limits and days."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from simulator import truth
from simulator.tiktok import grants, organic
from simulator.tiktok.business import GET, LIST, REFRESH
from simulator.world import SimAccount
from tests.recorded import recorded
from tests.simulator.conftest import NOW
from tests.simulator.test_recorded import shape
from tests.simulator_fixture import Simulator

WITHOUT = {"impression_sources", "audience_genders", "audience_countries"}
"""Distributions, which the simulator does not have."""


@pytest.fixture
def account(api: Simulator) -> SimAccount:
    return api.world.account("tiktok", 3)


def ask(api: Simulator, account: SimAccount, path: str, fields: Any, token: str = "", **params: str) -> dict[str, Any]:
    """Return the body of an answer, whose HTTP status is always 200."""
    headers = {"Access-Token": token or f"biz.{account.token}"}
    sent = {"business_id": grants.business_id(account), "fields": json.dumps(fields), **params}
    answer = api.client.get(path, params=sent, headers=headers)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def days(first: int, last: int) -> dict[str, str]:
    """Return the parameters of the days between `first` and `last` days ago."""
    return {
        "start_date": (NOW - timedelta(days=first)).date().isoformat(),
        "end_date": (NOW - timedelta(days=last)).date().isoformat(),
    }


def test_account_and_days_have_the_recorded_form(fixtures: Path, api: Simulator, account: SimAccount) -> None:
    theirs = recorded(fixtures, "tiktok/business_get_200")
    for name in WITHOUT & theirs["data"].keys():
        del theirs["data"][name]
    fields = [*(name for name in theirs["data"] if name != "metrics"), *theirs["data"]["metrics"][0]]
    fields.remove("date")
    ours = ask(api, account, GET, fields, **days(6, 5))
    assert shape(ours) == shape(theirs)
    for row in ours["data"]["metrics"]:
        day = (NOW - timedelta(days=6 if row is ours["data"]["metrics"][0] else 5)).date()
        assert row["date"] == day.isoformat()
        assert row["video_views"] == truth.day_value(api.world, account, "video_views", day)


def test_videos_have_the_recorded_form(fixtures: Path, api: Simulator, account: SimAccount) -> None:
    theirs = recorded(fixtures, "tiktok/business_video_list_200")["data"]["videos"]
    fields = [name for name in theirs[0] if name not in WITHOUT and name != "full_video_watched_rate"]
    posts = [one for one in api.world.posts(account, NOW - timedelta(days=200), NOW) if one.visible(NOW)]
    young, idle = posts[-1], next(one for one in posts if organic.is_idle(api.world, one, NOW))
    ids = [one.platform_post_id for one in (young, idle)]
    found = ask(api, account, LIST, fields, max_count="20", filters=json.dumps({"video_ids": ids}))["data"]
    first, second = found["videos"]
    assert first.keys() == set(fields)
    assert shape({name: theirs[0][name] for name in fields}) == shape(first)
    assert fields_missing(fields, second) == {"reach", "total_time_watched", "average_time_watched"}
    assert isinstance(first["create_time"], str)
    assert first["video_views"] >= truth.post_value(api.world, young, "view_count", NOW)
    assert found["has_more"] is False


def fields_missing(fields: list[str], video: dict[str, Any]) -> set[str]:
    return set(fields) - video.keys()


@pytest.mark.parametrize(
    ("name", "token", "more"),
    [
        ("business_error_40001_no_permission", "", {"business_id": "000exampleopenid"}),
        ("business_error_40105_token", "Bearer biz.{token}", {}),
        ("business_error_40105_token", "made-up", {}),
    ],
)
def test_error_has_the_recorded_code(
    fixtures: Path, api: Simulator, account: SimAccount, name: str, token: str, more: dict[str, str]
) -> None:
    body, theirs = (
        ask(api, account, LIST, ["item_id"], token.format(token=account.token), **more),
        recorded(fixtures, f"tiktok/{name}"),
    )
    assert (body["code"], shape(body)) == (theirs["code"], shape(theirs))
    if token:
        assert body["message"] == theirs["message"]


@pytest.mark.parametrize(
    ("path", "fields", "params"),
    [
        (GET, "followers_count", {}),
        (GET, [], {}),
        (GET, ["save_count"], {}),
        (GET, ["video_views"], {}),
        (GET, ["video_views"], days(61, 50)),
        (GET, ["video_views"], days(59, -1)),
        (GET, ["video_views"], days(3, 5)),
        (GET, ["video_views"], {"start_date": "yesterday", "end_date": "today"}),
        (LIST, ["video_views"], {}),
        (LIST, ["item_id"], {"max_count": "21"}),
        (LIST, ["item_id"], {"max_count": "0"}),
        (LIST, ["item_id"], {"cursor": "x"}),
        (LIST, ["item_id"], {"filters": "[]"}),
        (LIST, ["item_id"], {"filters": json.dumps({"video_ids": ["1"] * 21})}),
        (LIST, ["item_id"], {"filters": json.dumps({"video_ids": [1]})}),
    ],
    ids=str,
)
def test_wrong_parameter_is_refused(
    api: Simulator, account: SimAccount, path: str, fields: Any, params: dict[str, str]
) -> None:
    body = ask(api, account, path, fields, **params)
    assert (body["code"], "data" in body) == (40002, False)


def test_days_come_24_to_48_hours_after_their_end(api: Simulator, account: SimAccount) -> None:
    rows = ask(api, account, GET, ["likes"], **days(10, 0))["data"]["metrics"]
    newest = max(row["date"] for row in rows)
    assert newest in {(NOW - timedelta(days=back)).date().isoformat() for back in (2, 3)}
    assert len(rows) in (8, 9)


def test_video_does_not_change_a_year_after_its_publication(api: Simulator, account: SimAccount) -> None:
    post = next(one for one in api.world.posts(account, NOW - timedelta(days=300), NOW) if one.visible(NOW))
    asked = {"filters": json.dumps({"video_ids": [post.platform_post_id]})}
    found = []
    for days_later in (365, 420):
        api.set_clock(post.published_at + timedelta(days=days_later))
        found.append(ask(api, account, LIST, ["item_id", "video_views", "likes"], **asked)["data"]["videos"])
    assert found[0] == found[1]


def test_second_has_ten_calls(api: Simulator, account: SimAccount) -> None:
    codes = [ask(api, account, GET, ["followers_count"])["code"] for _ in range(60)]
    assert set(codes) == {0, 40100}


def test_refresh_token_works_once_and_tokens_end(api: Simulator, account: SimAccount) -> None:
    form = {"client_id": "c", "client_secret": "s", "grant_type": "refresh_token"}
    first = {**form, "refresh_token": grants.first_refresh_token(account)}
    tokens = api.client.post(REFRESH, json=first).json()["data"]
    assert tokens["open_id"] == grants.business_id(account)
    assert ask(api, account, GET, ["followers_count"], tokens["access_token"])["code"] == 0
    assert api.client.post(REFRESH, json=first).json()["code"] == 40105
    assert api.client.post(REFRESH, data=first).json()["code"] == 40002
    assert api.client.post(REFRESH, json={**first, "client_secret": ""}).json()["code"] == 40002
    assert api.client.post(REFRESH, json={**form, "refresh_token": tokens["refresh_token"]}).json()["code"] == 0
    api.set_clock(NOW + grants.ACCESS_LIFE + timedelta(minutes=1))
    assert ask(api, account, GET, ["followers_count"], tokens["access_token"])["code"] == 40105


def test_token_of_the_display_api_is_none_here(api: Simulator, account: SimAccount) -> None:
    assert ask(api, account, GET, ["followers_count"], account.token)["code"] == 40105
    answer = api.client.get(GET, params={"business_id": "x", "fields": "[]"})
    assert answer.json()["code"] == 40104
