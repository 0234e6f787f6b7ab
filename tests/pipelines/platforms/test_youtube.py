"""Tests of the YouTube client: recorded answers, errors, common calls, and whole readings against the simulator."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from metrics.catalog import offered
from metrics.clock import utcnow
from metrics.periods import next_midnight
from metrics.settings import load_settings
from pipelines.platforms.base import Access, AccountReading, App, PlatformApi, Post, Tally
from pipelines.platforms.errors import (
    AccountUnreachable,
    BadAnswer,
    NeedsReauth,
    PermissionMissing,
    PlatformError,
    PostGone,
    QuotaUsed,
    RateLimited,
    RequestRefused,
    Transient,
    WrongIdentity,
)
from pipelines.platforms.http import retries
from pipelines.platforms.http.client import Http
from pipelines.platforms.limits import UncountedQuotas
from pipelines.platforms.memory import ListMemory, Memory
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.registry import open_platform
from pipelines.platforms.youtube.answers import (
    CHANNEL,
    VIDEO,
    account_numbers,
    by_id,
    is_hidden,
    items_of,
    listed_post,
    post_numbers,
    raise_for,
    shown_name,
)
from pipelines.platforms.youtube.api import YouTube
from pipelines.platforms.youtube.days import Days, rows_by_day
from pipelines.platforms.youtube.reports import METRIC
from pipelines.platforms.youtube.uploads import EVERY_HOURS, UPLOADS, is_due, note_read
from simulator.youtube.analytics import reported
from simulator.youtube.tokens import first_refresh_token
from tests.clock import INSTANT
from tests.pipelines.platforms.conftest import Answering
from tests.pipelines.platforms.fetching import Fetching, known, wanted
from tests.recorded import recorded
from tests.simulator_fixture import Simulator

NOW = INSTANT
CHANNEL_ID = "UC_x5XG1OV2P6uZZ5FSM9Ttw"
KEY = "AIza" + "x" * 35


def test_recorded_channel(fixtures: Path) -> None:
    (channel,) = by_id(items_of(recorded(fixtures, "youtube/pyyoutube_channel_single"), CHANNELS), CHANNEL).values()
    assert account_numbers(channel).metrics == {"followers": 1927873, "posts": 5026}
    assert shown_name(channel) == "googledevelopers"


CHANNELS = "youtube#channelListResponse"


def test_recorded_entry_of_a_list_has_the_time_of_publication_only_in_its_details(fixtures: Path) -> None:
    body = recorded(fixtures, "youtube/pyyoutube_playlist_items_page1")
    items = items_of(body, "youtube#playlistItemListResponse")
    details = [item.get("contentDetails") for item in items]
    assert all(one is None or listed_post(item).published_at for item, one in zip(items, details, strict=True))


def test_hidden_numbers_have_a_reason_and_no_value() -> None:
    post = Post("0123456789a", "post", "video", NOW)
    found = post_numbers(post, {"statistics": {"viewCount": "17"}})
    assert found.metrics == {"views": 17}
    assert found.unavailable == {"likes": "permission_missing", "comments": "not_supported"}
    hidden = account_numbers({"statistics": {"hiddenSubscriberCount": True, "videoCount": "4"}})
    assert (hidden.metrics, hidden.unavailable) == ({"posts": 4}, {"followers": "permission_missing"})


@pytest.mark.parametrize("statistics", [None, {}, {"likeCount": "3"}, {"status": "ok"}])
def test_statistics_without_views_are_of_another_shape(statistics: Any) -> None:
    found = post_numbers(Post("0123456789a", "post", "video", NOW), {"statistics": statistics})
    assert set(found.unavailable.values()) == {"provider_error"}
    assert "views" not in found.metrics


def test_private_and_deleted_entries_are_no_videos() -> None:
    entry = {"contentDetails": {"videoId": "0123456789a"}}
    assert [is_hidden(entry | {"status": {"privacyStatus": one}}) for one in ("public", "unlisted", "private")] == [
        False, False, True,
    ]  # fmt: skip
    assert is_hidden(entry | {"status": {"privacyStatus": "privacyStatusUnspecified"}})
    assert listed_post(entry).published_at is None


def error(code: int, reason: str, message: str = "no", domain: str = "global") -> dict[str, Any]:
    return {
        "error": {
            "code": code,
            "message": message,
            "errors": [{"message": message, "domain": domain, "reason": reason}],
        }
    }


@pytest.mark.parametrize(
    ("status", "body", "leaf"),
    [
        (403, error(403, "quotaExceeded", domain="youtube.quota"), QuotaUsed),
        (403, error(403, "dailyLimitExceeded"), QuotaUsed),
        (429, error(429, "x", "limit 'FreeQuotaRequestsPerDayPerProject' is used"), QuotaUsed),
        (403, error(403, "userRateLimitExceeded"), RateLimited),
        (403, error(403, "rateLimitExceeded"), Transient),
        (429, error(429, "rateLimitExceeded"), Transient),
        (401, error(401, "authError"), NeedsReauth),
        (403, error(403, "insufficientPermissions"), PermissionMissing),
        (403, error(403, "forbidden"), PermissionMissing),
        (403, error(403, "accessNotConfigured"), BadAnswer),
        (400, error(400, "keyInvalid"), BadAnswer),
        (400, error(400, "badRequest", "API key not valid. Please pass a valid API key."), BadAnswer),
        (403, error(403, "channelSuspended"), AccountUnreachable),
        (403, error(403, "channelClosed"), AccountUnreachable),
        (404, error(404, "channelNotFound"), AccountUnreachable),
        (404, error(404, "playlistNotFound"), PostGone),
        (404, error(404, "videoNotFound"), PostGone),
        (400, error(400, "invalidPageToken"), RequestRefused),
        (400, error(400, "required"), RequestRefused),
        (500, error(500, "backendError"), Transient),
        (503, error(503, "internalError"), Transient),
        (200, error(403, "forbidden"), PermissionMissing),
        (400, {"error": "invalid_grant", "error_description": "revoked"}, NeedsReauth),
        (401, {"error": "invalid_client"}, BadAnswer),
        *((status, {"detail": "whatever answers here"}, BadAnswer) for status in (400, 401, 403, 404)),
        (502, {"detail": "whatever answers here"}, Transient),
    ],
)
def test_each_answer_is_one_decision(status: int, body: Any, leaf: type[PlatformError]) -> None:
    with pytest.raises(leaf) as caught:
        raise_for(status, body, {})
    assert type(caught.value) is leaf


def test_used_quota_waits_for_midnight_in_california_and_shows_no_markup() -> None:
    message = 'exceeded your <a href="/youtube/v3/getting-started#quota">quota</a>.'
    with pytest.raises(QuotaUsed) as caught:
        raise_for(403, error(403, "quotaExceeded", message), {})
    assert caught.value.until == next_midnight(utcnow(), "America/Los_Angeles")
    with pytest.raises(PermissionMissing) as shown:
        raise_for(403, error(403, "forbidden", message), {})
    assert str(shown.value) == "exceeded your quota."


@pytest.mark.parametrize(
    ("name", "status", "leaf"),
    [
        ("error_403_quota_exceeded", 403, QuotaUsed),
        ("error_429_rate_limit_errorinfo", 429, Transient),
        ("reporting_error_429_daily_quota", 429, QuotaUsed),
        ("error_401_auth_error", 401, NeedsReauth),
        ("oauth_error_invalid_grant", 400, NeedsReauth),
        ("pyyoutube_error_400_key_invalid", 400, BadAnswer),
        ("analytics_error_400_query_not_supported", 400, RequestRefused),
        ("analytics_error_400_required", 400, RequestRefused),
        ("analytics_error_403_not_monetized", 403, PermissionMissing),
        ("analytics_error_500_backend", 500, Transient),
    ],
)
def test_documented_error_is_one_decision(fixtures: Path, name: str, status: int, leaf: type[PlatformError]) -> None:
    with pytest.raises(leaf) as caught:
        raise_for(status, recorded(fixtures, f"youtube/{name}"), {})
    assert type(caught.value) is leaf


def test_documented_statistics_are_read_number_for_number(fixtures: Path) -> None:
    body = recorded(fixtures, "youtube/batch_get_stats_200_schema")
    (item,) = by_id(items_of(body, "youtube#batchGetStatsResponse"), VIDEO).values()
    assert post_numbers(Post("aaaaaaaaaaa", "post", "video", NOW), item).metrics == {
        "views": 1200, "likes": 34, "comments": 5,
    }  # fmt: skip
    nothing = recorded(fixtures, "youtube/analytics_no_rows")
    assert rows_by_day(nothing, ("day", "engagedViews")) == {}
    (entry,) = items_of(
        recorded(fixtures, "youtube/pyyoutube_playlist_item_filter_video"), "youtube#playlistItemListResponse"
    )
    with pytest.raises(KeyError):
        # The time in the snippet is that of adding the video to the list, and is not taken for its publication.
        listed_post(entry)


@pytest.fixture
def fetching(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Fetching:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    return Fetching(simulator, "youtube")


def read_due(fetching: Fetching, *posts: Post) -> AccountReading:
    """Read an account all of whose videos are known, with these due."""
    want = wanted(*posts, known=[known(post) for post in fetching.here()])
    return fetching.api.read(fetching.access, want, fetching.tally)


def calls(fetching: Fetching) -> dict[str, int]:
    return fetching.simulator.calls()["byKind"]


def test_an_hour_costs_two_calls(fetching: Fetching) -> None:
    memory = Memory()
    fetching.api.read(fetching.access, wanted(memory=memory), fetching.tally)
    before = calls(fetching)
    posts = [known(post) for post in fetching.here()]
    reading = fetching.api.read(fetching.access, wanted(*posts[-20:], known=posts, memory=memory), Tally())
    assert len(reading.posts) == 20
    # The owner of the token was checked before, and the list is as it was.
    assert {name: n - before.get(name, 0) for name, n in calls(fetching).items() if n != before.get(name, 0)} == {
        "channels": 1, "videos:batchGetStats": 1,
    }  # fmt: skip


def test_list_is_read_again_when_the_number_of_videos_changes_and_every_six_hours() -> None:
    memory = ListMemory(begun=True)
    assert is_due(memory, CHANNEL_ID, 10, NOW)
    note_read(memory, CHANNEL_ID, 10, NOW, news=False)
    assert not is_due(memory, CHANNEL_ID, 10, NOW)
    assert is_due(memory, CHANNEL_ID, 11, NOW)
    assert is_due(memory, CHANNEL_ID, 10, NOW + timedelta(hours=EVERY_HOURS))
    assert is_due(ListMemory(begun=True, gaps=[{"pageToken": "x"}], seen=memory.seen), CHANNEL_ID, 10, NOW)
    assert is_due(ListMemory(begun=True, odd={"x": 1}, seen=memory.seen), CHANNEL_ID, 10, NOW)
    assert not is_due(ListMemory(begun=True, odd={"x": 3}, seen=memory.seen), CHANNEL_ID, 10, NOW)


def test_list_that_lags_behind_the_number_is_read_again_within_the_six_hours() -> None:
    memory = ListMemory(begun=True)
    note_read(memory, CHANNEL_ID, 10, NOW, news=True)
    note_read(memory, CHANNEL_ID, 11, NOW, news=False)
    assert is_due(memory, CHANNEL_ID, 11, NOW)
    note_read(memory, CHANNEL_ID, 11, NOW, news=True)
    assert not is_due(memory, CHANNEL_ID, 11, NOW)
    # A number that the list never explains costs no call per hour for ever.
    later = NOW + timedelta(hours=EVERY_HOURS)
    note_read(memory, CHANNEL_ID, 12, later, news=False)
    assert not is_due(memory, CHANNEL_ID, 12, later)


def test_private_and_deleted_videos_of_the_list_are_not_read(fetching: Fetching) -> None:
    reading = fetching.read()
    entries = fetching.simulator.client.get(
        "/youtube/v3/playlistItems",
        params={"part": "status", "playlistId": f"UU{fetching.account.platform_account_id[2:]}", "maxResults": 50},
        headers={"Authorization": f"Bearer {fetching.account.token}"},
    ).json()["items"]
    assert "private" in {entry["status"]["privacyStatus"] for entry in entries}
    assert reading.listed.keys() == {post.platform_post_id for post in fetching.here()}
    assert not reading.failures


def test_token_is_checked_every_week_and_not_every_hour(fetching: Fetching) -> None:
    other = fetching.simulator.world.account("youtube", 4)
    wrong = Access(fetching.account.platform_account_id, {"access_token": other.token})
    with pytest.raises(WrongIdentity, match=r"the token belongs to another channel, @quiet\.bakery"):
        fetching.api.read(wrong, wanted(), Tally())
    yesterday, long_ago = (f"{fetching.now - timedelta(days=days):%Y-%m-%d}" for days in (1, 7))
    assert fetching.api.read(wrong, wanted(memory=Memory(named_on=yesterday)), Tally()).account.metrics
    with pytest.raises(WrongIdentity):
        fetching.api.read(wrong, wanted(memory=Memory(named_on=long_ago)), Tally())


def test_token_that_ended_is_not_hidden_by_the_common_calls(fetching: Fetching) -> None:
    credentials = {**fetching.access.credentials, "expires_at": fetching.now.timestamp() - 1}
    with pytest.raises(NeedsReauth):
        fetching.api.read(Access(fetching.account.platform_account_id, credentials), wanted(), fetching.tally)
    assert calls(fetching) == {}


def test_without_the_call_for_statistics_videos_are_read(fetching: Fetching) -> None:
    gone = {"error": {"code": 404, "message": "Method not found.", "errors": [{"reason": "notFound"}]}}
    fetching.simulator.set_faults({"kind": "patch", "path": "batchGetStats", "at": "", "value": gone})
    posts = [known(post) for post in fetching.here()]
    reading = fetching.read(posts)
    assert {post.platform_post_id for post, _ in reading.posts} == {post.platform_post_id for post in posts}
    assert fetching.check(reading, "permission_missing", "not_supported")
    before = calls(fetching)["videos:batchGetStats"]
    fetching.read(posts)
    assert calls(fetching)["videos:batchGetStats"] == before


def test_video_that_the_statistics_leave_out_is_gone_only_if_it_cannot_be_found_otherwise(fetching: Fetching) -> None:
    post = known(fetching.here()[-1])
    fetching.simulator.set_faults({"kind": "partial", "object": post.platform_post_id, "path": "batchGetStats"})
    there = read_due(fetching, post)
    assert (there.gone, [one.platform_post_id for one, _ in there.posts]) == ([], [post.platform_post_id])
    fetching.simulator.set_faults({"kind": "partial", "object": post.platform_post_id})
    assert read_due(fetching, post).gone == [post.platform_post_id]


def test_announced_video_of_another_channel_is_not_counted(fetching: Fetching) -> None:
    world = fetching.simulator.world
    other = world.posts(world.account("youtube", 4), fetching.now - timedelta(days=20), fetching.now)
    foreign = next(post for post in other if post.visible(fetching.now))
    want = wanted(known(foreign))
    reading = fetching.api.read(
        fetching.access, type(want)(want.since, want.due, want.known, list(want.known), memory=Memory()), Tally()
    )
    assert reading.failures == {foreign.platform_post_id: "it is a video of another channel"}
    assert foreign.platform_post_id not in {post.platform_post_id for post, _ in reading.posts}


def test_answer_about_other_videos_makes_none_gone(fetching: Fetching) -> None:
    post = known(fetching.here()[-1])
    other = {"kind": "youtube#videoListResponse", "items": [{"kind": "youtube#video", "id": "D-lhorsDlUQ"}]}
    fetching.simulator.set_faults(
        {"kind": "partial", "object": post.platform_post_id},
        {"kind": "patch", "path": "youtube/v3/videos", "at": "", "value": other},
    )
    reading = read_due(fetching, post)
    assert (reading.gone, list(reading.failures)) == ([], ["statistics of videos"])


def test_odd_id_never_reaches_youtube(fetching: Fetching) -> None:
    good = known(fetching.here()[-1])
    reading = read_due(fetching, Post("no id", "post", "video", fetching.now), good)
    assert reading.failures == {"no id": "it is not the id of a video on YouTube"}
    assert [post.platform_post_id for post, _ in reading.posts] == [good.platform_post_id]


def test_channel_without_uploads_has_no_posts(client: Http, server: Answering) -> None:
    reading = read_of(client, server, {"videoCount": "0", "subscriberCount": "1"})
    assert (reading.failures, reading.account.metrics) == ({}, {"followers": 1, "posts": 0})
    assert "uploads" in read_of(client, server, {"videoCount": "7", "subscriberCount": "1"}).failures


def read_of(client: Http, server: Answering, statistics: dict[str, str]) -> Any:
    """Read a channel with these statistics, whose list of uploads YouTube does not find."""
    channel = {"id": CHANNEL_ID, "statistics": statistics}
    api = YouTube(client, Quarantine())
    memory = Memory(named_on=f"{NOW:%Y-%m-%d}")
    original = api._calls.get

    def get(path: str, *rest: Any) -> Any:
        if path.endswith("playlistItems"):
            server.say(error(404, "playlistNotFound"), 404)
        else:
            server.say({"kind": CHANNELS, "items": [channel]})
        return original(path, *rest)

    setattr(api._calls, "get", get)  # noqa: B010  mypy has no name for it
    return api.read(Access(CHANNEL_ID, {"access_token": "t"}), wanted(memory=memory), Tally())


def test_api_key_is_used_for_public_numbers_and_never_shown(fetching: Fetching) -> None:
    urls = {f"youtube{part}_url": fetching.simulator.url for part in ("", "_analytics", "_token")}
    settings = load_settings(_env_file=None, youtube_api_key=KEY, **urls)
    api = open_platform("youtube", settings)
    posts = [known(post) for post in fetching.here()]
    reading = api.read(fetching.access, wanted(*posts[-5:], known=posts), Tally())
    assert len(reading.posts) == 5
    counted = fetching.simulator.calls()["byAccount"]
    assert counted["YouTube, an API key"] == 2
    assert KEY not in repr(settings)
    assert KEY not in repr(App(UncountedQuotas("UTC"), KEY))


def without_token(fetching: Fetching, key: str | None = KEY) -> tuple[PlatformApi, Access]:
    """Return the client with an API key, and a channel that was connected without a token."""
    urls = {f"youtube{part}_url": fetching.simulator.url for part in ("", "_analytics", "_token", "_reporting")}
    settings = load_settings(_env_file=None, youtube_api_key=key, **urls)
    return open_platform("youtube", settings), Access(fetching.access.platform_account_id, {})


def test_channel_without_a_token_is_read_with_the_api_key(fetching: Fetching) -> None:
    api, access = without_token(fetching)
    assert api.identify(access, Tally()).handle
    posts = [known(post) for post in fetching.here()]
    reading = api.read(access, wanted(*posts[-5:], known=posts), Tally())
    assert reading.account.metrics["followers"] == fetching.level("subscriberCount")
    assert len(reading.posts) == 5
    assert [page for page in api.read_past(access, wanted(), Tally()) if page.listed]
    day = fetching.now.date() - timedelta(days=5)
    numbers = api.read_days(access, [day], Tally()).days[day]
    assert not numbers.metrics
    assert set(numbers.unavailable.values()) == {"permission_missing"}
    assert api.refresh(access, Tally()) is None
    assert set(fetching.simulator.calls()["byAccount"]) == {"YouTube, an API key"}


def test_channel_without_a_token_or_an_api_key_is_refused(fetching: Fetching) -> None:
    api, access = without_token(fetching, None)
    for read in (lambda: api.identify(access, Tally()), lambda: api.read(access, wanted(), Tally())):
        with pytest.raises(AccountUnreachable, match="TIDEMARK_YOUTUBE_API_KEY"):
            read()


def test_channel_that_does_not_exist_is_refused_without_a_token(fetching: Fetching) -> None:
    api, _ = without_token(fetching)
    with pytest.raises(AccountUnreachable, match="no channel with this id"):
        api.identify(Access("UC0123456789abcdefghijkl", {}), Tally())


def test_invalid_api_key_is_named(fetching: Fetching) -> None:
    settings = load_settings(_env_file=None, youtube_api_key="wrong", youtube_url=fetching.simulator.url)
    memory = Memory(named_on=f"{fetching.now:%Y-%m-%d}")
    reading = open_platform("youtube", settings).read(fetching.access, wanted(memory=memory), Tally())
    # The tokens of the accounts serve as well.
    assert reading.account.metrics["followers"] == fetching.level("subscriberCount")


def test_used_quota_of_general_calls_leaves_the_statistics(fetching: Fetching) -> None:
    posts = [known(post) for post in fetching.here()[-5:]]
    fetching.simulator.set_faults({"kind": "app_limit", "path": "channels"})
    reading = fetching.read(posts)
    assert [post.platform_post_id for post, _ in reading.posts] == [post.platform_post_id for post in posts]
    assert fetching.tally.quota_used is not None
    assert fetching.tally.limited is None
    assert reading.account.unavailable == {"followers": "provider_error", "posts": "provider_error"}
    with pytest.raises(QuotaUsed):
        fetching.read()


def test_days_equal_what_youtube_reports(fetching: Fetching) -> None:
    days = [(fetching.now - timedelta(days=back)).date() for back in range(5, 25)]
    found = fetching.api.read_days(fetching.access, days, fetching.tally).days
    offers, world = offered("youtube", "account"), fetching.simulator.world
    names = [name for name in offers if name not in ("followers", "posts", METRIC)]
    assert len(names) == 8
    for day in days:
        for name in names:
            assert found[day].metrics[name] == reported(
                world, fetching.account, offers[name].field, day, fetching.now
            ), (day, name)
    assert fetching.tally.requests == 3


def test_negative_day_stays_negative(fetching: Fetching) -> None:
    world = fetching.simulator.world
    newest = (fetching.now - timedelta(days=12)).date()
    index, day = next(
        (index, newest - timedelta(days=back))
        for index in range(200)
        for back in range(30)
        if world.platforms["youtube"].days["views"](
            world, world.account("youtube", index), newest - timedelta(days=back)
        )
        < 0
    )
    fetching.be(index)
    assert fetching.api.read_days(fetching.access, [day], fetching.tally).days[day].metrics["accountViews"] < 0


def test_slow_metric_takes_no_days_from_the_others(fetching: Fetching) -> None:
    day = (fetching.now - timedelta(days=3)).date()
    found = fetching.api.read_days(fetching.access, [day], fetching.tally).days[day]
    # Views are complete 48 hours after the end of the day in California, subscribers 72 hours after it.
    assert "accountViews" in found.metrics
    assert found.unavailable["newFollowers"] == "not_yet_available"


def test_metric_that_youtube_refuses_is_dropped_and_remembered(fetching: Fetching) -> None:
    days = [(fetching.now - timedelta(days=back)).date() for back in (6, 7)]
    fetching.simulator.set_faults({"kind": "retired_metric", "metric": "engagedViews"})
    found = fetching.api.read_days(fetching.access, days, fetching.tally)
    assert {one.unavailable["accountEngagedViews"] for one in found.days.values()} == {"metric_retired"}
    assert all("accountViews" in one.metrics and "accountWatchTime" in one.metrics for one in found.days.values())
    assert not found.failures


def test_days_without_the_scope_are_missing(fetching: Fetching) -> None:
    day = (fetching.now - timedelta(days=6)).date()
    fetching.simulator.set_faults({"kind": "permission", "path": "reports"})
    found = fetching.api.read_days(fetching.access, [day], fetching.tally).days[day]
    assert set(found.unavailable.values()) == {"permission_missing"}


def test_engaged_views_go_on_where_views_changed_their_meaning(fetching: Fetching) -> None:
    world, account = fetching.simulator.world, fetching.account
    kinds = world.platforms["youtube"].days
    for change in (date(2025, 3, 31), date(2026, 8, 24)):
        days = [change + timedelta(days=n) for n in range(-10, 10)]
        ratio = [kinds["views"](world, account, day) / kinds["engagedViews"](world, account, day) for day in days]
        assert sum(ratio[10:]) > sum(ratio[:10]) * 1.1
    views = offered("youtube", "account")["accountViews"]
    assert (
        views.changed == offered("youtube", "post", "video")["views"].changed == (date(2025, 3, 31), date(2026, 8, 24))
    )
    assert not offered("youtube", "account")["accountEngagedViews"].changed


def test_recorded_report_is_read_by_the_names_of_its_columns(fixtures: Path) -> None:
    body = recorded(fixtures, "youtube/analytix_day_four_metrics")
    rows = rows_by_day(body, ("comments", "views"))
    assert rows[date(2022, 6, 23)] == {"comments": 15, "views": 5107}
    assert len(rows) == 7


def test_report_without_rows_says_that_nothing_is_complete_yet() -> None:
    body = {
        "kind": "youtubeAnalytics#resultTable",
        "columnHeaders": [{"name": name} for name in ("day", "views", "engagedViews", "estimatedMinutesWatched")],
    }
    found = {date(2026, 11, 27): Numbers()}
    reader = Days(lambda _: body, CHANNEL_ID, Quarantine(), found)
    reader._take({"accountViews": "views"})
    assert found[date(2026, 11, 27)].unavailable == {"accountViews": "not_yet_available"}


def test_refresh_gives_a_token_for_an_hour_and_keeps_the_refresh_token(fetching: Fetching) -> None:
    secret = {"client_id": "c", "client_secret": "s", "refresh_token": first_refresh_token(fetching.account)}
    access = Access(fetching.account.platform_account_id, {**fetching.access.credentials, **secret})
    renewed = fetching.api.refresh(access, fetching.tally)
    assert renewed is not None
    assert renewed["refresh_token"] == secret["refresh_token"]
    assert renewed["expires_at"] - utcnow().timestamp() == pytest.approx(3599, abs=60)
    fetching.access = Access(access.platform_account_id, renewed)
    assert fetching.read().posts
    fetching.simulator.set_clock(fetching.now + timedelta(hours=1, minutes=2))
    with pytest.raises(NeedsReauth):
        fetching.api.identify(fetching.access, fetching.tally)


@pytest.mark.parametrize(
    ("changed", "error"), [({"refresh_token": "1//revoked"}, None), ({"client_secret": ""}, BadAnswer)]
)
def test_revoked_grant_needs_a_person_and_a_wrong_app_an_operator(
    fetching: Fetching, changed: dict[str, str], error: type[PlatformError] | None
) -> None:
    secret = {"client_id": "c", "client_secret": "s", "refresh_token": first_refresh_token(fetching.account)} | changed
    access = Access(fetching.account.platform_account_id, {**fetching.access.credentials, **secret})
    if error is None:
        assert fetching.api.refresh(access, fetching.tally) is None
    else:
        with pytest.raises(error, match="invalid_client"):
            fetching.api.refresh(access, fetching.tally)


def test_video_ids_and_channel_ids_have_their_forms() -> None:
    assert CHANNEL.fullmatch(CHANNEL_ID)
    assert VIDEO.fullmatch("D-lhorsDlUQ")
    assert UPLOADS == "uploads"
