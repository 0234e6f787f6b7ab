"""Tests of the simulated YouTube: it is as strict as the real one, and its numbers are the truth."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from simulator import truth
from simulator.world import SimPost
from simulator.youtube import quota
from simulator.youtube.analytics import CORRECTED_AFTER, day_end, reported
from simulator.youtube.ids import channel_id, channel_index, video_id, video_place
from simulator.youtube.tokens import first_refresh_token
from tests.simulator.conftest import NOW
from tests.simulator_fixture import Simulator

KEY = "AIza" + "0" * 35


def ask(api: Simulator, path: str, query: str = "", token: str | None = None, **headers: str) -> httpx.Response:
    account = api.world.account("youtube", 0)
    sent = {"Authorization": f"Bearer {token or account.token}", **headers}
    if token == "":
        del sent["Authorization"]
    named = {"{id}": account.platform_account_id, "{uploads}": f"UU{account.platform_account_id[2:]}"}
    for name, value in named.items():
        query = query.replace(name, value)
    prefix = "v2/" if path == "reports" else "youtube/v3/"
    return api.client.get(f"/{prefix}{path}?{query}", headers=sent)


def reason(answer: httpx.Response) -> str:
    found: str = answer.json()["error"]["errors"][0]["reason"]
    return found


def videos(api: Simulator, days: int = 60, index: int = 0) -> list[SimPost]:
    account = api.world.account("youtube", index)
    return [p for p in api.world.posts(account, NOW - timedelta(days=days), NOW) if p.visible(NOW)]


def ids(posts: list[SimPost]) -> str:
    return ",".join(post.platform_post_id for post in posts)


@pytest.mark.parametrize("index", [0, 1, 63, 64, 999_999])
def test_ids_have_the_forms_of_real_ones_and_can_be_read_back(index: int) -> None:
    channel, video = channel_id(index), video_id(index, 327, 1)
    assert (len(channel), channel[:2], len(video)) == (24, "UC", 11)
    assert (channel_index(channel), video_place(video)) == (index, (index, 327, 1))
    assert channel_index("UC_x5XG1OV2P6uZZ5FSM9Ttw") is None
    assert video_place("D-lhorsDlUQ") is None


def test_numbers_are_texts_and_the_truth(api: Simulator) -> None:
    (item,) = ask(api, "channels", "part=statistics&id={id}").json()["items"]
    account = api.world.account("youtube", 0)
    found = {name: int(value) for name, value in item["statistics"].items() if isinstance(value, str)}
    assert found == {n: truth.account_value(api.world, account, n, NOW) for n in found}
    posts = videos(api)[:50]
    answer = ask(api, "videos:batchGetStats", f"part=id,snippet,contentDetails,statistics&id={ids(posts)}").json()
    assert answer["kind"] == "youtube#batchGetStatsResponse"
    assert "pageInfo" not in answer
    for post, one in zip(posts, answer["items"], strict=True):
        assert one["snippet"]["publishTime"]
        assert one["contentDetails"]["duration"].endswith("s")
        for name, value in one["statistics"].items():
            assert int(value) == truth.post_value(api.world, post, name, NOW)


def test_subscribers_are_rounded_down_to_three_digits(api: Simulator) -> None:
    for index in range(20):
        account = api.world.account("youtube", index)
        shown = truth.account_value(api.world, account, "subscriberCount", NOW)
        exact = truth.followers(api.world, account, NOW)
        assert 0 <= exact - shown < 10 ** max(len(str(exact)) - 3, 0)
        assert set(str(shown)[3:]) <= {"0"}


def test_hidden_likes_and_closed_comments_are_absent(api: Simulator) -> None:
    posts = [post for index in range(4) for post in videos(api, index=index)]
    found = [
        one["statistics"]
        for start in range(0, len(posts), 50)
        for one in ask(api, "videos", f"part=statistics&id={ids(posts[start : start + 50])}").json()["items"]
    ]
    assert 0 < sum("likeCount" not in one for one in found) < len(found) / 5
    assert 0 < sum("commentCount" not in one for one in found) < len(found) / 4
    assert {one["favoriteCount"] for one in found} == {"0"}
    withheld = api.world.platforms["youtube"].withholds
    hidden = [withheld(api.world, post, "likeCount", NOW) for post in posts]
    assert ["likeCount" not in one for one in found] == [why is not None for why in hidden]


def test_lists_come_joined_repeated_or_both(api: Simulator) -> None:
    first, second, third = (post.platform_post_id for post in videos(api)[:3])
    for query in (
        f"id={first},{second},{third}",
        f"id={first}&id={second}&id={third}",
        f"id={first},{second}&id={third}",
    ):
        answer = ask(api, "videos", f"part=id&part=snippet,statistics&{query}").json()
        assert [item["id"] for item in answer["items"]] == [first, second, third]
        assert {"snippet", "statistics"} <= answer["items"][0].keys()


@pytest.mark.parametrize(
    ("path", "query", "status", "expected"),
    [
        ("channels", "id={id}", 400, "missingRequiredParameter"),
        ("channels", "part=snippet", 400, "missingRequiredParameter"),
        ("channels", "part=nonsense&id={id}", 400, "unknownPart"),
        ("channels", "part=id&id={id}&mine=true", 400, "incompatibleParameters"),
        ("channels", "part=id&id={id}&maxResults=51", 400, "invalidParameter"),
        ("channels", "part=id&id={id}&nonsense=1", 400, "badRequest"),
        ("videos", "part=id&id=0123456789a&maxResults=5", 400, "invalidParameter"),
        ("videos:batchGetStats", "part=status&id=0123456789a", 400, "unknownPart"),
        ("playlistItems", "part=id&playlistId={uploads}&pageToken=CAUQAA", 400, "invalidPageToken"),
        ("playlistItems", "part=id&playlistId=UU0000000000000000000000", 404, "playlistNotFound"),
        ("nonsense", "part=id", 404, "notFound"),
    ],
)
def test_wrong_parameters_are_refused(api: Simulator, path: str, query: str, status: int, expected: str) -> None:
    answer = ask(api, path, query)
    assert (answer.status_code, reason(answer)) == (status, expected)


@pytest.mark.parametrize("path", ["channels", "videos", "videos:batchGetStats"])
def test_fifty_ids_are_the_most(api: Simulator, path: str) -> None:
    fifty = ",".join(video_id(n, 1, 0) if "videos" in path else channel_id(n) for n in range(50))
    assert ask(api, path, f"part=id&id={fifty}").status_code == 200
    assert ask(api, path, f"part=id&id={fifty},more").status_code == 400


def test_unknown_ids_are_left_out_and_with_them_the_items(api: Simulator) -> None:
    known, other = videos(api)[0].platform_post_id, "UC_x5XG1OV2P6uZZ5FSM9Ttw"
    assert [one["id"] for one in ask(api, "videos", f"part=id&id=D-lhorsDlUQ,{known}").json()["items"]] == [known]
    answer = ask(api, "channels", f"part=id&id={other}").json()
    assert "items" not in answer
    assert answer["pageInfo"]["totalResults"] == 0


def test_five_items_are_usual(api: Simulator) -> None:
    many = ",".join(channel_id(n) for n in range(9))
    assert len(ask(api, "channels", f"part=id&id={many}").json()["items"]) == 5
    assert len(ask(api, "channels", f"part=id&id={many}&maxResults=50").json()["items"]) == 9
    assert len(ask(api, "playlistItems", "part=id&playlistId={uploads}").json()["items"]) == 5


def test_uploads_have_private_and_deleted_entries_and_pages(api: Simulator) -> None:
    entries, query = [], "part=contentDetails,status&playlistId={uploads}&maxResults=50"
    answer = ask(api, "playlistItems", query).json()
    while True:
        entries += answer["items"]
        if "nextPageToken" not in answer:
            break
        answer = ask(api, "playlistItems", f"{query}&pageToken={answer['nextPageToken']}").json()
    states = {one["status"]["privacyStatus"] for one in entries}
    assert {"public", "private"} <= states
    public = [one["contentDetails"] for one in entries if one["status"]["privacyStatus"] == "public"]
    others = [one["contentDetails"] for one in entries if one["status"]["privacyStatus"] != "public"]
    assert all("videoPublishedAt" in one for one in public)
    assert not any("videoPublishedAt" in one for one in others)
    assert {one["videoId"] for one in public} >= {post.platform_post_id for post in videos(api, 300)}
    assert len({one["id"] for one in entries}) == len(entries)
    stranger = ask(api, "playlistItems", query, api.world.account("youtube", 1).token).json()
    assert "private" not in {one["status"]["privacyStatus"] for one in stranger["items"]}


def test_token_of_another_list_is_invalid(api: Simulator) -> None:
    token = ask(api, "playlistItems", "part=id&playlistId={uploads}").json()["nextPageToken"]
    other = f"UU{channel_id(1)[2:]}"
    answer = ask(api, "playlistItems", f"part=id&playlistId={other}&pageToken={token}")
    assert reason(answer) == "invalidPageToken"


def test_unchanged_answer_is_304(api: Simulator) -> None:
    query = "part=snippet&id={id}"
    etag = ask(api, "channels", query).json()["etag"]
    answer = ask(api, "channels", query, **{"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert ask(api, "channels", query, **{"If-None-Match": "other"}).status_code == 200


def test_three_quotas_begin_anew_at_midnight_in_california(api: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "UNITS", {"general": 3, "stats": 1, "search": 1})
    summer = datetime(2026, 7, 15, 6, 59, 50, tzinfo=UTC)
    api.set_clock(summer)
    statuses = [
        ask(api, "channels", query).status_code for query in ("part=id&mine=true", "nonsense=1", "part=id&mine=true")
    ]
    # An invalid request costs a unit, too.
    assert statuses == [200, 400, 200]
    full = ask(api, "channels", "part=id&mine=true")
    assert (full.status_code, reason(full)) == (403, "quotaExceeded")
    for path, query in (("videos:batchGetStats", "part=id&id=x"), ("search", "part=snippet&channelId={id}")):
        assert [ask(api, path, query).status_code for _ in range(2)] == [200, 403]
    api.set_clock(summer + timedelta(seconds=30))
    assert ask(api, "channels", "part=id&mine=true").status_code == 200
    api.set_clock(datetime(2026, 12, 15, 7, 59, tzinfo=UTC))
    for _ in range(3):
        ask(api, "channels", "part=id&mine=true")
    assert ask(api, "channels", "part=id&mine=true").status_code == 403
    api.set_clock(datetime(2026, 12, 15, 8, 0, tzinfo=UTC))
    assert ask(api, "channels", "part=id&mine=true").status_code == 200


def refresh(api: Simulator, **changed: str) -> httpx.Response:
    form = {
        "grant_type": "refresh_token", "client_id": "c", "client_secret": "s",
        "refresh_token": first_refresh_token(api.world.account("youtube", 0)),
    }  # fmt: skip
    return api.client.post("/token", data=form | changed)


def test_access_token_lives_an_hour_and_the_refresh_token_works_again(api: Simulator) -> None:
    first = refresh(api).json()
    assert first["expires_in"] == 3599
    assert "refresh_token" not in first
    assert ask(api, "channels", "part=id&mine=true", first["access_token"]).status_code == 200
    api.set_clock(NOW + timedelta(hours=1))
    ended = ask(api, "channels", "part=id&mine=true", first["access_token"])
    assert (ended.status_code, reason(ended)) == (401, "authError")
    assert ask(api, "channels", "part=id&mine=true", refresh(api).json()["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"refresh_token": "1//other"}, 400, "invalid_grant"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_token_endpoint_answers_errors_as_text(
    api: Simulator, changed: dict[str, str], status: int, error: str
) -> None:
    answer = refresh(api, **changed)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_api_key_reads_public_numbers_alone(api: Simulator) -> None:
    assert ask(api, "channels", f"part=id&id={{id}}&key={KEY}", "").status_code == 200
    assert ask(api, "channels", "part=id&id={id}", "", **{"X-Goog-Api-Key": KEY}).status_code == 200
    assert ask(api, "channels", f"part=id&mine=true&key={KEY}", "").status_code == 401
    wrong = ask(api, "channels", "part=id&id={id}&key=wrong", "")
    assert (wrong.status_code, reason(wrong)) == (400, "keyInvalid")
    assert ask(api, "channels", "part=id&id={id}", "").status_code == 401


def report(api: Simulator, query: str, token: str | None = None) -> httpx.Response:
    return ask(api, "reports", f"ids=channel==MINE&startDate=2026-11-01&endDate=2026-11-20&{query}", token)


def rows(answer: httpx.Response) -> list[list[Any]]:
    found: list[list[Any]] = answer.json()["rows"]
    return found


def test_report_ends_with_the_slowest_metric(api: Simulator) -> None:
    fast = [row[0] for row in rows(report(api, "metrics=views&dimensions=day&sort=day"))]
    slow = [row[0] for row in rows(report(api, "metrics=views,subscribersGained&dimensions=day&sort=day"))]
    assert slow == fast[: len(slow)]
    assert len(slow) < len(fast)
    last = date.fromisoformat(fast[-1])
    assert day_end(last) + timedelta(hours=48) <= NOW < day_end(last) + timedelta(hours=72)


def test_report_without_rows_lacks_the_field(api: Simulator) -> None:
    answer = ask(
        api, "reports", "ids=channel==MINE&startDate=2026-11-19&endDate=2026-11-20&metrics=views&dimensions=day"
    )
    assert answer.status_code == 200
    assert "rows" not in answer.json()


def test_days_are_corrected_later(api: Simulator) -> None:
    account, day = api.world.account("youtube", 0), date(2026, 11, 10)
    final = truth.day_value(api.world, account, "views", day)
    early, late = (day_end(day) + after for after in (timedelta(hours=49), CORRECTED_AFTER))
    assert reported(api.world, account, "views", day, early) < reported(api.world, account, "views", day, late) == final


@pytest.mark.parametrize(
    ("query", "status", "expected"),
    [
        ("metrics=views,nonsense&dimensions=day", 400, "badRequest"),
        ("metrics=videoThumbnailImpressions&dimensions=video&sort=-views&maxResults=10", 400, "badRequest"),
        ("metrics=videoThumbnailImpressions&dimensions=day", 400, "badRequest"),
        ("metrics=views&dimensions=video", 400, "badRequest"),
        ("metrics=views&dimensions=video&sort=-views&maxResults=201", 400, "badRequest"),
        ("metrics=views&dimensions=nonsense", 400, "badRequest"),
        ("metrics=estimatedRevenue&dimensions=day", 403, "forbidden"),
        ("dimensions=day", 400, "required"),
    ],
)
def test_report_is_refused_as_a_whole(api: Simulator, query: str, status: int, expected: str) -> None:
    answer = report(api, query)
    assert (answer.status_code, reason(answer)) == (status, expected)


def test_report_of_another_channel_is_forbidden(api: Simulator) -> None:
    query = f"ids=channel=={channel_id(1)}&startDate=2026-11-01&endDate=2026-11-10&metrics=views"
    assert ask(api, "reports", query).status_code == 403


def test_reports_by_video_and_by_kind_of_content(api: Simulator) -> None:
    top = rows(report(api, "metrics=views,likes&dimensions=video&sort=-views&maxResults=10"))
    assert 0 < len(top) <= 10
    assert [row[1] for row in top] == sorted((row[1] for row in top), reverse=True)
    some = ",".join(row[0] for row in top[:2])
    daily = rows(report(api, f"metrics=views&dimensions=video,day&filters=video=={some}"))
    assert {row[0] for row in daily} == set(some.split(","))
    kinds = rows(report(api, "metrics=views&dimensions=creatorContentType"))
    assert {row[0] for row in kinds} >= {"SHORTS", "VIDEO_ON_DEMAND"}


def test_search_has_a_quota_of_its_own_and_an_estimated_total(api: Simulator) -> None:
    answer = ask(api, "search", "part=snippet&channelId={id}&type=video&maxResults=5").json()
    assert len(answer["items"]) == 5
    assert answer["items"][0]["id"]["kind"] == "youtube#video"
    assert answer["pageInfo"]["totalResults"] > len(videos(api, 400))


@pytest.mark.parametrize(("fault", "why"), [("suspended", "channelSuspended"), ("deleted", "channelClosed")])
def test_channel_that_is_gone_is_left_out(api: Simulator, fault: str, why: str) -> None:
    account = api.world.account("youtube", 0)
    api.set_faults({"kind": fault, "account": account.platform_account_id})
    assert "items" not in ask(api, "channels", "part=id&id={id}").json()
    assert reason(ask(api, "channels", "part=id&mine=true")) == why
    assert ask(api, "videos", f"part=id&id={ids(videos(api)[:3])}").json()["items"] == []
    assert ask(api, "playlistItems", "part=id&playlistId={uploads}").status_code == 404
