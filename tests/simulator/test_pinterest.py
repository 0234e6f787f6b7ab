"""The simulated API of Pinterest: forms of recorded answers, strict parameters, days, lists, tokens and limits."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator import truth
from simulator.pinterest.account_analytics import reported
from simulator.pinterest.tokens import REFRESH_SECONDS, TOKEN_SECONDS, first_refresh_token
from simulator.pinterest.world import BUSINESS_SINCE, SAVED, SECRET
from simulator.world import SimAccount, SimPost
from tests.recorded import recorded, recordings
from tests.simulator.conftest import NOW
from tests.simulator.test_recorded import shape
from tests.simulator_fixture import Simulator

ANALYTICS, TOP = "user_account/analytics", "user_account/analytics/top_pins"
TODAY = NOW.date()
WEEK = {"start_date": f"{TODAY - timedelta(days=7)}", "end_date": f"{TODAY - timedelta(days=1)}"}
SETTLED = {"start_date": f"{TODAY - timedelta(days=9)}", "end_date": f"{TODAY - timedelta(days=4)}"}


@pytest.fixture
def account(api: Simulator) -> SimAccount:
    return api.world.account("pinterest", 3)


def get(api: Simulator, account: SimAccount | str, path: str, **params: Any) -> httpx.Response:
    token = account if isinstance(account, str) else account.token
    return api.client.get(f"/v5/{path}", params=params, headers={"Authorization": f"Bearer {token}"})


def living(api: Simulator, account: SimAccount, days: int = 60) -> list[SimPost]:
    """The pins that the account created, the newest first."""
    posts = api.world.posts(account, NOW - timedelta(days=days), NOW)
    return sorted((p for p in posts if p.visible(NOW)), key=lambda p: p.published_at, reverse=True)


def newest(api: Simulator, account: SimAccount, days: int = 60, **wanted: Any) -> str:
    posts = living(api, account, days)
    return next(p.platform_post_id for p in posts if all(getattr(p, n) == v for n, v in wanted.items()))


def pages(api: Simulator, account: SimAccount, **params: Any) -> Iterator[dict[str, Any]]:
    bookmark: dict[str, str] = {}
    while True:
        body = get(api, account, "pins", **params, **bookmark).json()
        yield body
        if body["bookmark"] is None:
            return
        bookmark = {"bookmark": body["bookmark"]}


def renew(api: Simulator, refresh_token: str, app: str = "1500000", **form: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **form}
    return api.client.post("/v5/oauth/token", data=form, auth=(app, "secret"))


OWN_FIELDS = {
    "is_removable", "note", "product_tags", "pin_metrics.90d.save", "pin_metrics.lifetime_metrics.save",
}  # fmt: skip
"""Fields of a pin in the description of the API that its example leaves out."""


def test_account_and_pins_have_the_documented_form(fixtures: Path, api: Simulator, account: SimAccount) -> None:
    theirs = recorded(fixtures, "pinterest/openapi_user_account_200_schema")
    assert shape(get(api, account, "user_account").json()) == shape(theirs)
    (pin,) = recorded(fixtures, "pinterest/openapi_pins_list_200_schema")["items"]
    ours = get(api, account, f"pins/{newest(api, account, content_type='image')}", pin_metrics="true").json()
    assert {path for path, _ in shape(ours)} ^ {path for path, _ in shape(pin)} == OWN_FIELDS
    assert get(api, account, "pins", page_size=1).json().keys() == {"items", "bookmark"}


def test_analytics_have_the_documented_form(fixtures: Path, api: Simulator, account: SimAccount) -> None:
    theirs = recorded(fixtures, "pinterest/openapi_user_account_analytics_200_schema")
    assert shape(get(api, account, ANALYTICS, **SETTLED).json()) == shape(theirs)
    video = newest(api, account, content_type="video")
    of_pin = recorded(fixtures, "pinterest/openapi_pin_analytics_200_schema")
    asked = {**WEEK, "metric_types": ",".join([*of_pin["all"]["daily_metrics"][0]["metrics"], "TOTAL_COMMENTS",
                                               "TOTAL_REACTIONS"])}  # fmt: skip
    ours = get(api, account, f"pins/{video}/analytics", **asked).json()
    assert {path for path, _ in shape(of_pin)} <= {path for path, _ in shape(ours)}
    many = recorded(fixtures, "pinterest/openapi_pins_analytics_multi_200_schema")["<pin_id>"]
    of_many = get(api, account, "pins/analytics", pin_ids=video, **asked).json()[video]
    assert {path for path, _ in shape(many)} <= {path for path, _ in shape(of_many)}
    top = recorded(fixtures, "pinterest/openapi_top_pins_200_schema")
    found = get(api, account, TOP, **WEEK, sort_by="IMPRESSION", num_of_pins=1).json()
    assert found.keys() == top.keys()
    assert found["date_availability"].keys() == top["date_availability"].keys()
    assert found["pins"][0].keys() == top["pins"][0].keys()


def test_new_account_has_unknown_monthly_views(fixtures: Path, api: Simulator) -> None:
    new = api.world.account("pinterest", 10)
    theirs = recorded(fixtures, "pinterest/user_account_new_account")
    ours = get(api, new, "user_account").json()
    assert (shape(ours), ours["monthly_views"]) == (shape(theirs), -1)


ERRORS = [
    ("authentication_failed", "error_authentication_failed", 401),
    ("pin_not_found", "error_pin_not_found", 404),
    ("rate_limit", "error_rate_limit", 429),
    ("rate_limit", "openapi_pins_analytics_multi_429_example", 429),
    ("pin_analytics_403", "openapi_pin_analytics_403_example", 403),
    ("pin_analytics_404", "openapi_pin_analytics_404_example", 404),
    ("multi_400", "openapi_pins_analytics_multi_400_example", 400),
    ("multi_401", "openapi_pins_analytics_multi_401_example", 401),
    ("multi_404", "openapi_pins_analytics_multi_404_example", 404),
    ("user_account_403", "openapi_user_account_403_example", 403),
    ("user_account_analytics_403", "openapi_user_account_analytics_403_example", 403),
    ("top_pins_403", "openapi_top_pins_403_example", 403),
    ("last_90_days", "error_400_last_90_days", 400),
]
"""Names of errors, the recorded answers, and their status."""

FORMS = {
    "openapi_user_account_200_schema", "openapi_pins_list_200_schema", "openapi_user_account_analytics_200_schema",
    "openapi_pin_analytics_200_schema", "openapi_pins_analytics_multi_200_schema", "openapi_top_pins_200_schema",
    "user_account_new_account", "openapi_oauth_token_refresh_200_schema",
}  # fmt: skip
"""Recorded answers whose form is compared."""


def refused(api: Simulator, account: SimAccount, name: str) -> httpx.Response:
    """Provoke a recorded error."""
    secret = SECRET + newest(api, account)[1:]
    other = api.world.account("pinterest", 4)
    late = {"start_date": "2024-07-14", "end_date": "2024-07-15"}
    kinds = {"metric_types": "IMPRESSION", **WEEK}
    denied = {
        "user_account_403": "user_account",
        "user_account_analytics_403": ANALYTICS,
        "top_pins_403": TOP,
    }  # fmt: skip
    if name in denied:
        api.set_faults({"kind": "permission"})
        return get(api, account, denied[name], **WEEK, sort_by="SAVE")
    if name == "rate_limit":
        api.set_faults({"kind": "app_limit"})
    return {
        "authentication_failed": lambda: get(api, "nobody", "user_account"),
        "pin_not_found": lambda: get(api, account, f"pins/{newest(api, other)}"),
        "rate_limit": lambda: get(api, account, "user_account"),
        "pin_analytics_403": lambda: get(api, account, f"pins/{secret}/analytics", **kinds),
        "pin_analytics_404": lambda: get(api, account, "pins/1/analytics", **kinds),
        "multi_400": lambda: get(api, account, "pins/analytics", pin_ids="1", **WEEK),
        "multi_401": lambda: get(api, account, "pins/analytics", pin_ids=secret, **kinds),
        "multi_404": lambda: get(api, account, "pins/analytics", pin_ids="1", **kinds),
        "last_90_days": lambda: get(api, account, ANALYTICS, **late),
    }[name]()


@pytest.mark.parametrize(("name", "file", "status"), ERRORS)
def test_error_is_the_recorded_one(
    fixtures: Path, api: Simulator, account: SimAccount, name: str, file: str, status: int
) -> None:
    answer = refused(api, account, name)
    theirs = recorded(fixtures, f"pinterest/{file}")
    assert (answer.status_code, answer.json()) == (status, theirs)


NOT_PROVOKED = {
    "openapi_boards_list_200_schema": "boards are not simulated: nothing of them is read",
    "openapi_error_401_scope": "every token of the simulator has all scopes",
    "openapi_error_404_user_not_found": "no other user can be named",
    "openapi_top_video_pins_403_example": "the list of the top videos is not simulated",
    "openapi_user_account_analytics_400_example": "test_wrong_parameter_is_refused",
}


def test_every_recorded_answer_is_compared_or_excused(fixtures: Path) -> None:
    stems = {file.stem for file in recordings(fixtures, "pinterest")}
    assert stems == FORMS | {file for _, file, _ in ERRORS} | NOT_PROVOKED.keys()


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("pins", {"page_size": "251"}),
        ("pins", {"page_size": "0"}),
        ("pins", {"pin_filter": "exclude_all"}),
        ("pins", {"pin_metrics": "yes"}),
        ("pins", {"creative_types": "PHOTO"}),
        ("pins", {"bookmark": "abc"}),
        ("pins", {"fields": "id"}),
        (ANALYTICS, {"start_date": WEEK["start_date"]}),
        (ANALYTICS, {**WEEK, "metric_types": "VIEWS"}),
        (ANALYTICS, {**WEEK, "content_type": "organic"}),
        (ANALYTICS, {**WEEK, "start_date": "2026-11-1"}),
        (ANALYTICS, {"start_date": WEEK["end_date"], "end_date": WEEK["start_date"]}),
        (ANALYTICS, {**WEEK, "end_date": f"{TODAY + timedelta(days=1)}"}),
        (TOP, WEEK),
        (TOP, {**WEEK, "sort_by": "IMPRESSION", "num_of_pins": "51"}),
        (TOP, {**WEEK, "sort_by": "IMPRESSION", "num_of_pins": "0"}),
        (TOP, {**WEEK, "sort_by": "VIEWS"}),
        (TOP, {**WEEK, "sort_by": "SAVE", "created_in_last_n_days": "7"}),
        ("pins/1/analytics", WEEK),
        ("pins/analytics", {**WEEK, "metric_types": "SAVE", "pin_ids": ",".join(map(str, range(101)))}),
    ],
)  # fmt: skip
def test_wrong_parameter_is_refused(
    fixtures: Path, api: Simulator, account: SimAccount, path: str, params: dict[str, str]
) -> None:
    answer = get(api, account, path, **params)
    assert answer.status_code == 400
    assert answer.json().keys() == {"code", "message"}
    if path == ANALYTICS:
        theirs = recorded(fixtures, "pinterest/openapi_user_account_analytics_400_example")
        assert answer.json()["message"] == theirs["message"]


@pytest.mark.parametrize("text", ["true", "True", "TRUE"])
def test_boolean_is_accepted_in_any_case(api: Simulator, account: SimAccount, text: str) -> None:
    name = newest(api, account)
    metrics = get(api, account, f"pins/{name}", pin_metrics=text).json()["pin_metrics"]
    post = api.world.post("pinterest", name)
    assert post is not None
    now = [NOW + timedelta(seconds=n) for n in range(20)]
    assert metrics["lifetime_metrics"]["impression"] in {
        truth.post_value(api.world, post, "impression", at) for at in now
    }
    assert get(api, account, f"pins/{name}").json()["pin_metrics"] is None


@pytest.mark.parametrize(("days", "status"), [(90, 200), (91, 400)])
def test_analytics_reach_back_ninety_days(api: Simulator, account: SimAccount, days: int, status: int) -> None:
    asked = {"start_date": f"{TODAY - timedelta(days=days)}", "end_date": f"{TODAY}"}
    assert get(api, account, ANALYTICS, **asked).status_code == status


def test_days_are_processed_estimated_and_then_final(api: Simulator, account: SimAccount) -> None:
    asked = {**WEEK, "end_date": f"{TODAY}", "content_type": "ORGANIC", "metric_types": "IMPRESSION,SAVE"}
    rows = get(api, account, ANALYTICS, **asked).json()["all"]["daily_metrics"]
    assert [row["data_status"] for row in rows[-4:]] == ["READY", "ESTIMATE", "PROCESSING", "PROCESSING"]
    assert [row["metrics"] for row in rows[-2:]] == [{}, {}]
    for row, back in ((rows[-4], 3), (rows[-3], 2)):
        day = TODAY - timedelta(days=back)
        true = {name: reported(api.world, account, name, day, NOW) for name in ("IMPRESSION", "SAVE")}
        assert row == {"date": f"{day}", "data_status": row["data_status"], "metrics": true}
    final = truth.day_value(api.world, account, "IMPRESSION", TODAY - timedelta(days=2))
    assert rows[-3]["metrics"]["IMPRESSION"] < final, "an estimate is too low"


def test_days_before_the_business_account_are_empty(api: Simulator) -> None:
    late = api.world.account("pinterest", 6)
    api.set_clock(NOW.replace(year=BUSINESS_SINCE.year, month=BUSINESS_SINCE.month, day=BUSINESS_SINCE.day + 5))
    asked = {"start_date": f"{BUSINESS_SINCE - timedelta(days=1)}", "end_date": f"{BUSINESS_SINCE}"}
    before, first = get(api, late, ANALYTICS, **asked).json()["all"]["daily_metrics"]
    assert (before["data_status"], before["metrics"]) == ("BEFORE_BUSINESS_CREATED", {})
    assert first["data_status"] == "READY"


def test_advertised_amounts_are_apart(api: Simulator, account: SimAccount) -> None:
    def impressions(**asked: str) -> int:
        found = get(api, account, ANALYTICS, **SETTLED, metric_types="IMPRESSION", **asked).json()["all"]
        return int(found["summary_metrics"]["IMPRESSION"])

    organic, paid, both = (impressions(content_type=one) for one in ("ORGANIC", "PAID", "ALL"))
    assert 0 < paid < organic < both == impressions()
    split = get(api, account, ANALYTICS, **SETTLED, split_field="APP_TYPE").json()
    assert split.keys() == {"MOBILE", "TABLET", "WEB"}


def test_pages_have_every_pin_once_and_end_with_null(api: Simulator, account: SimAccount) -> None:
    found = [page["items"] for page in pages(api, account, page_size=50, pin_filter="exclude_repins")]
    ids = [item["id"] for items in found for item in items]
    assert ids == [post.platform_post_id for post in living(api, account, 400)]
    assert {len(items) for items in found[:-1]} == {50}


def test_full_last_page_is_followed_by_an_empty_one(api: Simulator, account: SimAccount) -> None:
    number = len(living(api, account, 400))
    size = next(size for size in range(1, 251) if number % size == 0 and number // size < 60)
    found = [page["items"] for page in pages(api, account, page_size=size, pin_filter="exclude_repins")]
    assert [len(items) for items in found] == [size] * (number // size) + [0]


def test_list_has_saved_and_secret_pins_unless_they_are_left_out(api: Simulator, account: SimAccount) -> None:
    def ids(**params: str) -> list[str]:
        return [item["id"] for item in get(api, account, "pins", page_size=250, **params).json()["items"]]

    def firsts(**params: str) -> set[str]:
        return {name[0] for name in ids(**params)}

    assert firsts() == {"6", SAVED}
    assert firsts(pin_filter="exclude_repins") == {"6"}
    assert firsts(pin_filter="exclude_native") == {SAVED}
    assert firsts(include_protected_pins="true") == {"6", SAVED, SECRET}
    saved = get(api, account, f"pins/{next(name for name in ids() if name[0] == SAVED)}").json()
    assert saved["parent_pin_id"] is not None


def test_bookmark_is_valid_for_its_account_alone(api: Simulator, account: SimAccount) -> None:
    bookmark = get(api, account, "pins", page_size=5).json()["bookmark"]
    other = api.world.account("pinterest", 4)
    assert get(api, other, "pins", page_size=5, bookmark=bookmark).status_code == 400


def test_top_pins_are_sorted_and_complete(api: Simulator, account: SimAccount) -> None:
    found = get(api, account, TOP, **WEEK, sort_by="SAVE", num_of_pins=50).json()
    saves = [pin["metrics"]["SAVE"] for pin in found["pins"]]
    assert (found["sort_by"], saves, len(saves)) == ("SAVE", sorted(saves, reverse=True), 50)
    assert len(get(api, account, TOP, **WEEK, sort_by="SAVE").json()["pins"]) == 10
    young = get(api, account, TOP, **WEEK, sort_by="SAVE", num_of_pins=50, created_in_last_n_days=30).json()["pins"]
    assert {pin["pin_id"] for pin in young} <= {post.platform_post_id for post in living(api, account, 30)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"sort_by": ""},
        {"sort_by": "REACTION"},
        {"num_of_pins": 51},
        {"created_in_last_n_days": 7},
        {"source": "MINE"},
        {"pin_format": "IDEA"},
        {"content_type": "EARNED"},
        {"app_types": "PHONE"},
        {"from_claimed_content": "true"},
        {"metric_types": "REACTION"},
        {"start_date": f"{TODAY - timedelta(days=91)}"},
        {"limit": 5},
    ],
    ids=str,
)
def test_top_pins_are_strict(api: Simulator, account: SimAccount, wrong: dict[str, Any]) -> None:
    assert get(api, account, TOP, **{**WEEK, "sort_by": "SAVE", **wrong}).status_code == 400


def test_days_of_a_pin_begin_with_its_creation(api: Simulator, account: SimAccount) -> None:
    name = newest(api, account)
    post = api.world.post("pinterest", name)
    assert post is not None
    asked = {"start_date": f"{post.published_at.date() - timedelta(days=1)}", "end_date": f"{TODAY}"}
    found = get(api, account, f"pins/{name}/analytics", metric_types="IMPRESSION", **asked).json()["all"]
    assert found["daily_metrics"][0]["data_status"] == "BEFORE_PIN_CREATED"


def test_each_renewal_brings_a_new_refresh_token(fixtures: Path, api: Simulator, account: SimAccount) -> None:
    theirs = recorded(fixtures, "pinterest/openapi_oauth_token_refresh_200_schema")
    first = renew(api, first_refresh_token(account), continuous_refresh="true").json()
    assert shape(first) == shape(theirs)
    assert (first["expires_in"], first["refresh_token_expires_in"]) == (TOKEN_SECONDS, REFRESH_SECONDS)
    api.set_clock(NOW + timedelta(seconds=TOKEN_SECONDS - 60))
    assert get(api, first["access_token"], "user_account").status_code == 200
    second = renew(api, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    api.set_clock(NOW + timedelta(seconds=TOKEN_SECONDS + 60))
    assert get(api, first["access_token"], "user_account").status_code == 401
    assert get(api, second["access_token"], "user_account").status_code == 200
    api.set_clock(NOW + timedelta(seconds=REFRESH_SECONDS + 60))
    assert renew(api, first["refresh_token"]).status_code == 401


@pytest.mark.parametrize(
    ("form", "status"),
    [({"grant_type": "password"}, 400), ({"refresh_token": "x"}, 401), ({"client_id": "1"}, 400)],
)
def test_renewal_is_strict(api: Simulator, account: SimAccount, form: dict[str, str], status: int) -> None:
    wanted = {"grant_type": "refresh_token", "refresh_token": first_refresh_token(account), **form}
    assert api.client.post("/v5/oauth/token", data=wanted, auth=("1", "secret")).status_code == status
    assert api.client.post("/v5/oauth/token", data=wanted).status_code == 401, "without the app"
    assert api.client.get("/v5/oauth/token", auth=("1", "secret")).status_code == 405


def test_app_with_trial_access_has_a_thousand_calls_a_day(api: Simulator, account: SimAccount) -> None:
    api.set_clock(NOW.replace(hour=23, minute=58))
    tokens = [renew(api, first_refresh_token(api.world.account("pinterest", n)), "trial-1").json()["access_token"]
              for n in (3, 4, 5)]  # fmt: skip
    statuses = [get(api, tokens[number % 3], "user_account").status_code for number in range(1_001)]
    assert statuses == [200] * 1_000 + [429]
    assert get(api, account, "user_account").status_code == 200, "another app"
    api.set_clock(NOW.replace(hour=0, minute=0) + timedelta(days=1))
    assert get(api, tokens[0], "user_account").status_code == 200


def test_user_has_three_hundred_calls_of_analytics_a_minute(api: Simulator, account: SimAccount) -> None:
    api.set_clock(NOW.replace(second=0))
    statuses = [get(api, account, ANALYTICS, **WEEK).status_code for _ in range(301)]
    assert statuses.index(429) == 300
    assert get(api, account, "user_account").status_code == 200, "another category"
    api.set_clock(NOW + timedelta(minutes=2))
    assert get(api, account, ANALYTICS, **WEEK).status_code == 200


def test_range_that_is_taken_for_an_old_one_is_right_later(api: Simulator, account: SimAccount) -> None:
    api.set_faults({"kind": "early_days", "times": 1})
    assert [get(api, account, ANALYTICS, **WEEK).status_code for _ in range(2)] == [400, 200]
