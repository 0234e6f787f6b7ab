"""Quirks of the lists of the simulated Graph API as faults: cursors, pages, items."""

from typing import Any

import pytest

from metrics.documents import Platform
from tests.simulator.graph_api import LISTS, META, account, ask, batch, ids, posts
from tests.simulator_fixture import Simulator


@pytest.mark.parametrize("platform", META)
def test_cursor_that_does_not_advance(api: Simulator, platform: Platform) -> None:
    path = f"{{me}}/{LISTS[platform]}"
    first = ids(ask(api, platform, path, limit=3))
    api.set_faults({"kind": "repeated_cursor", "path": LISTS[platform]})
    after, seen = "", list[Any]()
    for _ in range(4):
        (body,) = batch(api, platform, f"{path}?limit=3&after={after}")
        after = body["paging"]["cursors"]["after"]
        assert "next" in body["paging"]
        seen.append((ids(body), after))
    assert [one for _, one in seen] == ["3"] * 4
    assert (seen[0][0], seen[1], seen[1][0] == first) == (first, seen[2], False)
    # A list of one page repeats that page.
    whole = ask(api, platform, path, limit=100, since="2026-11-10")
    again = ask(api, platform, path, limit=100, since="2026-11-10", after=whole["paging"]["cursors"]["after"])
    assert (ids(again), again["paging"]["cursors"]["after"]) == (ids(whole), "100")


@pytest.mark.parametrize("platform", META)
@pytest.mark.parametrize("kind", ["null_element", "error", "account_limit", "app_limit", "permission", "patch"])
def test_list_fails_on_its_second_page_alone(api: Simulator, platform: Platform, kind: str) -> None:
    path = LISTS[platform]
    more = {"at": "data", "value": "no list"} if kind == "patch" else {}
    api.set_faults({"kind": kind, "path": path, "page": 2, "times": 1, **more})
    pages = [f"{{me}}/{path}?limit=3&after={start}" for start in ("0", "3", "6")]
    first, second, third, node = batch(api, platform, *pages, "{me}?fields=id")
    assert len(ids(first)) == len(ids(third)) == 3
    assert node["id"] == account(api, platform).platform_account_id
    wrong = second is None if kind == "null_element" else "error" in second or second["data"] == "no list"
    assert wrong
    assert len(ids(batch(api, platform, pages[1])[0])) == 3


@pytest.mark.parametrize("platform", META)
def test_what_is_no_list_has_no_first_page(api: Simulator, platform: Platform) -> None:
    post = posts(api, platform)[0].platform_post_id
    api.set_faults({"kind": "error", "page": 1})
    node, insights, listed = batch(
        api, platform, f"{post}?fields=id", "{me}/insights", f"{{me}}/{LISTS[platform]}?limit=3"
    )
    assert (node["id"], insights["error"]["code"], listed["error"]["code"]) == (post, 3001, 2)
    many = api.client.get("/v25.0/", params={"ids": post, "access_token": account(api, platform).token})
    assert many.status_code == 200
    by_ids = {"ids": account(api, platform).platform_account_id, "access_token": account(api, platform).token}
    assert api.client.get(f"/v25.0/{LISTS[platform]}", params=by_ids).status_code == 500
    assert "error" in ask(api, platform, "me/accounts")


@pytest.mark.parametrize("platform", META)
def test_empty_page_names_another_cursor_each_time(api: Simulator, platform: Platform) -> None:
    path, seen, after = f"{{me}}/{LISTS[platform]}", list[str](), ""
    whole = ids(ask(api, platform, path, limit=3))
    api.set_faults({"kind": "empty_page", "times": 3})
    for _ in range(3):
        body = ask(api, platform, path, limit=3, after=after)
        after = body["paging"]["cursors"]["after"]
        assert (body["data"], "next" in body["paging"]) == ([], True)
        seen.append(after)
    assert len(set(seen)) == 3
    assert ids(ask(api, platform, path, limit=3, after=after)) == whole


@pytest.mark.parametrize("platform", META)
def test_list_asks_for_less_until_it_gets_less(api: Simulator, platform: Platform) -> None:
    path = LISTS[platform]
    api.set_faults({"kind": "too_much_data", "path": path, "value": 10})
    for limit, there in ((50, False), (11, False), (10, True), (1, True)):
        (body,) = batch(api, platform, f"{{me}}/{path}?limit={limit}")
        assert ("data" in body) == there
        if not there:
            assert body["error"]["code"] == 1
            assert "reduce the amount of data" in body["error"]["message"]
    whose = account(api, platform)
    answer = api.client.get(f"/v25.0/{whose.platform_account_id}/{path}", params={"access_token": whose.token})
    assert answer.status_code == 500
    nested = ask(api, platform, "{me}", fields=f"{path}.limit(20){{id}}")
    assert nested["error"]["code"] == 1


@pytest.mark.parametrize("platform", META)
def test_old_item_is_pinned_to_the_top(api: Simulator, platform: Platform) -> None:
    path = f"{{me}}/{LISTS[platform]}"
    shown = [p for p in posts(api, platform) if platform == "instagram" or p.metric_type == "post"]
    old = next(p.platform_post_id for p in reversed(shown) if p.metric_type == "post")
    whole = ids(ask(api, platform, path, limit=100))
    api.set_faults({"kind": "pinned", "account": account(api, platform).platform_account_id, "value": old})
    first, second = (ids(ask(api, platform, path, limit=5, after=after)) for after in ("0", "5"))
    left = [one for one in whole if one != old]
    assert first + second == [old, *left[:9]]
    assert ids(ask(api, platform, path, limit=100)).count(old) == 1
    stories = {"instagram": "stories", "facebook": "video_reels"}[platform]
    assert old not in ids(ask(api, platform, f"{{me}}/{stories}"))
    other = account(api, platform, 1)
    assert old not in ids(ask(api, platform, path, 1, limit=100))
    api.set_faults({"kind": "pinned", "account": other.platform_account_id, "value": old})
    assert old not in ids(ask(api, platform, path, 1, limit=100))


@pytest.mark.parametrize(
    ("at", "more"),
    [
        ("data.1.created_time", {"delete": True}),
        ("data.1.created_time", {"value": "yesterday"}),
        ("data.1.shares", {"value": {"count": None}}),
        ("data.1.id", {"delete": True}),
        ("data.1", {"value": None}),
    ],
)
def test_one_item_of_a_list_may_be_odd(api: Simulator, at: str, more: dict[str, Any]) -> None:
    url = "{me}/published_posts?fields=id,created_time,shares&limit=3"
    (plain,) = batch(api, "facebook", url)
    api.set_faults({"kind": "patch", "path": "published_posts", "at": at, **more})
    (found,) = batch(api, "facebook", url)
    assert [one == other for one, other in zip(plain["data"], found["data"], strict=True)] == [True, False, True]


def test_reels_stand_in_both_lists(api: Simulator) -> None:
    reel = posts(api, "facebook", metric_type="reel")[0].platform_post_id
    asked = "fields=id,created_time,attachments{media_type,target{id},url}&limit=100&since=2026-10-01"
    (plain,) = batch(api, "facebook", f"{{me}}/published_posts?{asked}")
    api.set_faults({"kind": "reels_among_posts"})
    (both,) = batch(api, "facebook", f"{{me}}/published_posts?{asked}")
    bounds: dict[str, Any] = {"limit": 100, "since": "2026-10-01"}
    listed = ask(api, "facebook", "{me}/video_reels", fields="id,post_id,created_time", **bounds)["data"]
    (story,) = [one for one in listed if one["id"] == reel]
    (post,) = [one for one in both["data"] if one["id"] == story["post_id"]]
    (attached,) = post["attachments"]["data"]
    assert (attached["media_type"], attached["target"]["id"], post["created_time"]) == (
        "video", reel, story["created_time"]
    )  # fmt: skip
    assert f"/reel/{reel}/" in attached["url"]
    assert set(ids(both)) - set(ids(plain)) == {one["post_id"] for one in listed}
