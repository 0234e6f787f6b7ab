"""Campaigns over HTTP: set, list and delete; their rollups and series; the label `campaign`; and what is refused."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from redis import Redis

from metrics.documents import PostDocument
from metrics.periods import DAY, midnight
from metrics.settings import Settings
from metrics.store import Store
from metrics.upkeep.erase import left_of
from serving.__main__ import Server
from tests.serving.conftest import NOW, account, post, reading, running

PATH = "/analytics/workspace/w1/campaigns"
AGGREGATED = "/analytics/workspace/w1/aggregated"
SERIES = "/analytics/workspace/w1/series"
TODAY = NOW.date()
FIRST = TODAY - timedelta(days=9)
SPRING = {"title": "Spring", "startDate": str(TODAY - timedelta(days=5)), "endDate": str(TODAY - timedelta(days=3))}


def captioned(post_id: str, account_id: str, caption: str, day: date) -> PostDocument:
    found = post(post_id, account_id, "w1") | {"publishedAt": midnight(day) + timedelta(hours=5)}
    content = {"captionExcerpt": caption, "captionFolded": caption.casefold(), "seenAt": NOW}
    return found | {"content": content}  # type: ignore[return-value]


@pytest.fixture
def days(seeded: Store) -> Store:
    """Ten days of two accounts; on day n each post gains n likes times its number, of 100 views."""
    connected = {"connectedAt": midnight(FIRST) - 30 * DAY}
    seeded.accounts.put([account(name, "w1") | connected for name in ("a1", "b1")])  # type: ignore[misc]
    seeded.posts.put([
        captioned("p1", "a1", "New in: #Spring, at last", TODAY - timedelta(days=4)),
        captioned("p2", "a1", "#springfield is a town", TODAY - timedelta(days=4)),
        captioned("q1", "b1", "#spring", FIRST - timedelta(days=20)),
    ])  # fmt: skip
    for number, (post_id, account_id) in enumerate((("p1", "a1"), ("p2", "a1"), ("q1", "b1")), start=1):
        for n in range(10):
            start = midnight(FIRST + timedelta(days=n))
            common = {"workspaceId": "w1", "accountId": account_id, "platform": "instagram", "period": "daily",
                      "periodStart": start, "periodEnd": start + DAY, "observedSlots": 24,
                      "calendarVersion": 0}  # fmt: skip
            entries = {name: {"open": 0, "close": net, "net": net, "samples": 1}
                       for name, net in (("likes", number * n), ("views", 100))}  # fmt: skip
            seeded.rollups.subjects.insert_one(
                {**common, "_id": f"{post_id}{n}", "subjectId": post_id, "postId": post_id, "metricType": "post",
                 "contentType": "image", "metrics": entries}
            )  # fmt: skip
            level = {"open": 99, "close": 100 + n, "net": n, "min": 99, "max": 120, "sum": 2400, "samples": 24}
            seeded.rollups.subjects.replace_one(
                {"_id": f"{account_id}{n}"},
                {**common, "subjectId": account_id, "metricType": "account", "metrics": {"followers": level}},
                upsert=True,
            )
    return seeded


@pytest.fixture
def all_scopes(live: tuple[str, Server], days: Store) -> Iterator[httpx.Client]:
    with reading(live[0], days, "admin") as opened:
        yield opened


def put(client: httpx.Client, name: str = "spring", **changed: Any) -> httpx.Response:
    return client.put(f"{PATH}/{name}", json=SPRING | changed)


def test_campaign_is_set_listed_changed_and_deleted(all_scopes: httpx.Client, days: Store) -> None:
    made = put(all_scopes, tag="#SPRING").json()["data"]
    assert (made["name"], made["tag"], made["startDate"]) == ("spring", "spring", SPRING["startDate"])
    assert put(all_scopes, title="New").json()["data"]["createdAt"] == made["createdAt"]
    (listed,) = all_scopes.get(PATH).json()["data"]
    assert (listed["title"], "tag" in listed, listed) == ("New", False, all_scopes.get(f"{PATH}/spring").json()["data"])
    assert left_of(days, "workspace", "w1")["campaigns"] == 1
    formula = {"title": "Likes", "expression": "likes{campaign=spring}"}
    definitions = "/analytics/workspace/w1/definitions"
    assert all_scopes.put(f"{definitions}/spring_likes", json=formula).status_code == 200
    refused = all_scopes.delete(f"{PATH}/spring")
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        "spring is named by spring_likes: change or retire that first.",
    )
    assert all_scopes.delete(f"{definitions}/spring_likes").status_code == 200
    assert all_scopes.delete(f"{PATH}/spring").status_code == 200
    assert all_scopes.delete(f"{PATH}/spring").status_code == all_scopes.get(f"{PATH}/spring").status_code == 404


@pytest.mark.parametrize(("changed", "message"), [
    ({"endDate": str(TODAY - timedelta(days=6))}, "endDate: must not be before startDate"),
    ({"startDate": "2001-01-01"}, "endDate: a campaign may have at most 400 days"),
    ({"startDate": "1990-01-01"}, "startDate: must be a date from 2000 to 2199"),
    ({"accountIds": ["a1", "a2"]}, "accountIds: the workspace has no account a2"),
    ({"postIds": ["p1", "p9", "nope"]}, "postIds: the workspace has no post p9, nope"),
    ({"postIds": ["q1"], "accountIds": ["a1"]}, "postIds: q1 is of an account that accountIds leaves out"),
    ({"tag": "two words"}, "tag: a tag has 1 to 100 letters"),
])  # fmt: skip
def test_wrong_campaign_changes_nothing(
    all_scopes: httpx.Client, days: Store, changed: dict[str, Any], message: str
) -> None:
    answer = put(all_scopes, **changed)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == message.partition(":")[0]
    assert message in answer.json()["detail"]
    assert days.campaigns.all("w1") == []


def test_wrong_names_rights_and_unknown_campaigns_are_refused(
    all_scopes: httpx.Client, days: Store, live: tuple[str, Server], settings: Settings
) -> None:
    assert put(all_scopes, "-spring").json()["errors"][0]["parameter"] == "name"
    assert put(all_scopes, accountIds=[]).status_code == 400
    assert put(all_scopes).status_code == 200
    for path, parameters in ((AGGREGATED, {"period": "campaign:sprung"}),
                             (SERIES, {"metrics": "followers", "interval": "campaign:sprung"})):  # fmt: skip
        answer = all_scopes.get(path, params=parameters)
        assert answer.status_code == 400
        assert "there is no campaign sprung: did you mean spring?" in answer.json()["detail"]
    dated = all_scopes.get(AGGREGATED, params={"period": "campaign:spring", "startDate": "2026-01-01",
                                               "endDate": "2026-01-02"})  # fmt: skip
    assert "startDate: a campaign has its own dates" in dated.json()["detail"]
    assert all_scopes.get(AGGREGATED, params={"period": "campaign:"}).status_code == 400
    with reading(live[0], days) as reader:
        assert put(reader).status_code == 403
        assert reader.get(PATH).status_code == 200
    with running(settings.model_copy(update={"store_post_content": False})) as (address, _):  # noqa: SIM117
        with reading(address, days, "admin") as without:
            assert "captions are not stored" in put(without, tag="spring").json()["detail"]


def test_rollup_of_a_campaign_is_that_of_its_range_and_subjects(all_scopes: httpx.Client) -> None:
    put(all_scopes)
    put(all_scopes, "of-a1", accountIds=["a1"])
    put(all_scopes, "of-posts", postIds=["p2", "q1"])
    put(all_scopes, "tagged", tag="spring")

    def total(name: str) -> dict[str, Any]:
        answer = all_scopes.get(AGGREGATED, params={"period": f"campaign:{name}", "compare": "previous"}).json()
        found: dict[str, Any]
        (found,) = answer["totals"]
        assert {one["period"] for one in answer["data"]} == {f"campaign:{name}"}
        assert (answer["meta"]["startDate"], answer["meta"]["endDate"]) == (SPRING["startDate"], SPRING["endDate"])
        assert found["periodLabel"] == f"campaign:{name}"
        return found

    # The campaign has the days 4, 5 and 6, and the range before it the days 1, 2 and 3.
    whole, of_account, of_posts, tagged = map(total, ("spring", "of-a1", "of-posts", "tagged"))
    assert (whole["metrics"]["totalLikes"], whole["metrics"]["followers"]) == (15 * 6, 212)
    assert whole["comparison"]["changes"]["totalLikes"]["previous"] == 6 * 6
    assert (of_account["metrics"]["totalLikes"], of_account["metrics"]["followers"]) == (15 * 3, 106)
    assert (of_posts["metrics"]["totalLikes"], of_posts["metrics"]["postCount"]) == (15 * 5, 1)
    assert of_posts["comparison"]["changes"]["totalLikes"]["previous"] == 6 * 5
    assert "followers" not in of_posts["metrics"]
    assert (tagged["metrics"]["totalLikes"], tagged["metrics"]["totalViews"], tagged["accounts"]) == (15, 300, 1)

    found = all_scopes.get(SERIES, params={"interval": "campaign:of-posts", "metrics": "totalLikes,followers",
                                           "groupBy": "account,contentType", "compare": "yoy"}).json()  # fmt: skip
    assert [(one["group"]["account"], one["values"]) for one in found["data"]["series"]
            if one["metric"] == "totalLikes"] == [("a1", [30]), ("b1", [45])]  # fmt: skip
    assert {one["values"][0] for one in found["data"]["series"] if one["metric"] == "followers"} == {None}
    assert [one["label"] for one in found["data"]["periods"]] == ["campaign:of-posts"]
    narrowed = all_scopes.get(SERIES, params={"interval": "campaign:of-posts", "metrics": "totalLikes",
                                              "accountId": "b1"}).json()  # fmt: skip
    assert narrowed["data"]["series"][0]["total"] == 45


def test_label_selects_posts_within_the_range(all_scopes: httpx.Client, redis_client: Redis) -> None:
    put(all_scopes, "of-posts", postIds=["p2", "q1"])

    def preview(expression: str) -> httpx.Response:
        return all_scopes.post("/analytics/workspace/w1/definitions/preview", json={"expression": expression})

    assert preview("likes{campaign=of-posts}").json()["data"]["total"]["value"] == 15 * 5
    share = preview("percent(views{campaign=of-posts}, views)").json()["data"]["total"]
    assert (share["parts"]["over"], share["parts"]["under"]) == (600, 3000)
    assert preview("postCount{campaign=of-posts}").json()["data"]["total"]["value"] == 1
    assert "of-posts is a campaign of posts" in preview("followers{campaign=of-posts}").json()["detail"]
    assert "did you mean of-posts?" in preview("likes{campaign=of-post}").json()["detail"]
    put(all_scopes, "of-posts", accountIds=["b1"])
    assert preview("close(followers{campaign=of-posts})").json()["data"]["total"]["value"] == 106


def test_own_metrics_of_a_campaign_are_those_of_its_posts(all_scopes: httpx.Client) -> None:
    put(all_scopes, "of-posts", postIds=["p2", "q1"])
    definition = {"title": "Rate", "expression": "percent(likes, views)"}
    assert all_scopes.put("/analytics/workspace/w1/definitions/rate", json=definition).status_code == 200
    answer = all_scopes.get(
        AGGREGATED, params={"period": "campaign:of-posts", "include": "rate", "groupBy": "platform"}
    )
    found = answer.json()
    for row in (found["totals"][0], found["groups"][0]):
        assert row["parts"]["rate"] == {"over": 75, "under": 600, "measured": 2}
    assert {one["accountId"]: one["aggregatedMetrics"]["rate"] for one in found["data"]} == {"a1": 10, "b1": 15}
    chart = all_scopes.get(SERIES, params={"interval": "campaign:of-posts", "metrics": "rate", "groupBy": "account"})
    assert [one["values"] for one in chart.json()["data"]["series"]] == [[10], [15]]
