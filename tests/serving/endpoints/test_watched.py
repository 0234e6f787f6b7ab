"""Watch lists over HTTP: set, list, read and remove accounts of others, enter their numbers; and what is refused."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from metrics.clock import utcnow
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.namespaces import PUBLIC
from metrics.watching.lists import switch_platform
from serving.__main__ import Server
from tests.serving.conftest import reading
from tests.watched import connect, left_of_watched, store_public_day

PATH = "/analytics/workspace/w1/watched"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"watch_limit": 3})


@pytest.fixture
def admin(live: tuple[str, Server], seeded: Store) -> Iterator[httpx.Client]:
    with reading(live[0], seeded, "admin") as opened:
        yield opened


def put(client: httpx.Client, account: str, **body: Any) -> httpx.Response:
    platform, _, name = account.partition("/")
    return client.put(f"{PATH}/{platform}/{quote(name, safe='')}", json=body)


def test_account_is_watched_listed_changed_and_removed(admin: httpx.Client, seeded: Store) -> None:
    made = put(admin, "instagram/@Rival.Coffee", label="Rival", group="coffee").json()["data"]
    assert (made["key"], made["handle"], made["state"]) == ("@rival.coffee", "rival.coffee", "pending")
    assert put(admin, "instagram/rival.coffee", label="Rival", group="coffee").json()["data"] == made
    changed = put(admin, "instagram/rival.coffee", label="New").json()["data"]
    assert (changed["label"], "group" in changed) == ("New", False)
    listed = admin.get(PATH)
    assert (listed.json()["data"], listed.headers["cache-control"]) == ([changed], "no-store")
    assert listed.json()["meta"] == {"others": 1, "limit": 3, "platformsOff": []}
    assert admin.get(f"{PATH}/instagram/rival.coffee").json()["data"] == changed
    watched = seeded.watch_lists.all("w1")[0]["_id"]
    store_public_day(seeded, "w1", watched, "instagram", utcnow())
    assert admin.delete(f"{PATH}/instagram/rival.coffee").json()["data"] == changed
    assert left_of_watched(seeded, watched) == {}
    for again in (admin.delete, admin.get):
        assert again(f"{PATH}/instagram/rival.coffee").status_code == 404
    assert admin.get(PATH).json()["data"] == []


@pytest.mark.parametrize(("account", "body", "status", "parameter", "message"), [
    ("twitter/www.x.com", {}, 400, "handle", "it is a web address; give the username, as acme_official"),
    ("bluesky/acme", {}, 400, "handle", "acme is not a handle; give the handle, as acme.bsky.social, or the DID"),
    ("instagram/acme", {"label": ""}, 400, "label", "at least 1 character"),
    ("instagram/acme", {"name": "x"}, 400, "name", ""),
    ("instagram/acme", {"own": "acc_9"}, 422, "own", "the workspace has no Instagram account acc_9"),
    ("youtube/acme", {}, 422, "platform", "the workspace switched YouTube off for watching"),
    ("myspace/acme", {}, 404, None, ""),
])  # fmt: skip
def test_wrong_account_changes_nothing(
    admin: httpx.Client, seeded: Store, account: str, body: dict[str, Any], status: int, parameter: str, message: str
) -> None:
    switch_platform(seeded, "w1", "youtube", utcnow(), on=False)
    answer = put(admin, account, **body)
    assert answer.status_code == status
    if parameter:
        assert answer.json()["errors"][0]["parameter"] == parameter
    assert message in answer.json()["detail"]
    found = admin.get(PATH).json()
    assert (found["data"], found["meta"]["platformsOff"]) == ([], ["youtube"])


def test_one_account_too_many_is_refused_and_an_own_one_is_not(admin: httpx.Client, seeded: Store) -> None:
    connect(seeded, "acc_mine", "w1")
    assert [put(admin, f"instagram/a{n}").status_code for n in range(3)] == [200, 200, 200]
    refused = put(admin, "instagram/a3")
    assert refused.status_code == 422
    assert refused.json()["detail"] == (
        "the workspace watches 3 accounts of others, which is the most that TIDEMARK_WATCH_LIMIT allows: remove one "
        "first."
    )
    assert put(admin, "instagram/a3", own="acc_mine").status_code == 200
    assert admin.get(PATH).json()["meta"]["others"] == 3


def test_watching_needs_rights_and_what_others_watch_is_unknown(
    admin: httpx.Client, seeded: Store, live: tuple[str, Server]
) -> None:
    assert put(admin, "instagram/rival").status_code == 200
    with reading(live[0], seeded) as reader:
        assert reader.get(f"{PATH}/instagram/rival").status_code == 200
        assert {put(reader, "instagram/rival").status_code, reader.delete(f"{PATH}/instagram/rival").status_code} == {
            403
        }
    secret, _ = seeded.keys.create("other", ["w2"], ["read", "admin"])
    with httpx.Client(base_url=live[0], headers={"Authorization": f"Bearer {secret}"}) as other:
        theirs = "/analytics/workspace/w2/watched"
        assert other.get(theirs).json()["data"] == []
        unknown = [other.get(path) for path in (f"{theirs}/instagram/rival", f"{PATH}/instagram/rival", f"{PATH}")]
        unknown += [other.get(f"{theirs}/instagram/no name"), other.delete(f"{theirs}/instagram/rival")]
        assert {one.status_code for one in unknown} == {404}
        assert len({one.json()["detail"] for one in unknown}) == 1


def test_numbers_are_entered_with_the_name_of_the_key(admin: httpx.Client, seeded: Store) -> None:
    assert put(admin, "tiktok/rival").json()["data"]["state"] == "unsupported"
    path, today = f"{PATH}/tiktok/rival/numbers", utcnow().date()
    entered = admin.put(path, json={"numbers": {"followers": 18250}}).json()["data"]
    assert (entered["numbers"], entered["source"], entered["date"]) == ({"followers": 18250}, "manual", str(today))
    assert entered["enteredBy"] == next(key.name for key in seeded.keys.find_all())
    (row,) = seeded.db[PUBLIC.log].find()
    assert (row["enteredBy"], row["metadata"]["source"]) == (entered["enteredBy"], "manual")
    assert admin.get(f"{PATH}/tiktok/rival").json()["data"]["enteredBy"] == entered["enteredBy"]


@pytest.mark.parametrize(("body", "parameter", "message"), [
    ({}, "numbers", ""),
    ({"numbers": {}}, "numbers", ""),
    ({"numbers": {"reach": 1}}, "numbers", "reach is none of the numbers that TikTok shows of an account: followers"),
    ({"numbers": {"followers": -1}}, "numbers", "followers is a whole number from 0"),
    ({"numbers": {"followers": "12"}}, "numbers.followers", ""),
    ({"date": "2999-01-01", "numbers": {"followers": 1}}, "date", "2999-01-01 has not begun"),
    ({"date": "1960-01-01", "numbers": {"followers": 1}}, "date", "numbers of 1960-01-01 are no longer kept"),
    ({"date": "yesterday", "numbers": {"followers": 1}}, "date", ""),
])  # fmt: skip
def test_wrong_numbers_change_nothing(
    admin: httpx.Client, seeded: Store, body: dict[str, Any], parameter: str, message: str
) -> None:
    put(admin, "tiktok/rival")
    answer = admin.put(f"{PATH}/tiktok/rival/numbers", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, parameter)
    assert message in answer.json()["detail"]
    assert seeded.db[PUBLIC.log].count_documents({}) == 0


def test_numbers_that_the_platform_shows_are_not_entered(admin: httpx.Client, seeded: Store) -> None:
    put(admin, "instagram/rival")
    store_public_day(seeded, "w1", seeded.watch_lists.all("w1")[0]["_id"], "instagram", utcnow())
    answer = admin.put(f"{PATH}/instagram/rival/numbers", json={"numbers": {"followers": 1}})
    assert answer.status_code == 422
    assert "none are mixed with these by hand" in answer.json()["detail"]
    assert admin.put(f"{PATH}/instagram/nobody/numbers", json={"numbers": {"followers": 1}}).status_code == 404
