"""Tests of the YouTube client: common calls, and whole readings against the simulator."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from metrics.clock import utcnow
from metrics.settings import load_settings
from pipelines.platforms.base import App, PlatformApi
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import (
    AccountUnreachable,
    BadAnswer,
    NeedsReauth,
    PlatformError,
    QuotaUsed,
    WrongIdentity,
)
from pipelines.platforms.http import retries
from pipelines.platforms.http.client import Http
from pipelines.platforms.limits import UncountedQuotas
from pipelines.platforms.memory import ListMemory, Memory
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.registry import open_platform
from pipelines.platforms.youtube.api import YouTube
from pipelines.platforms.youtube.uploads import EVERY_HOURS, is_due, note_read
from simulator.youtube.tokens import first_refresh_token
from tests.clock import INSTANT
from tests.pipelines.platforms.conftest import Answering
from tests.pipelines.platforms.fetching import Fetching, known, wanted
from tests.pipelines.platforms.test_youtube_answers import error
from tests.simulator_fixture import Simulator

NOW = INSTANT
CHANNEL_ID = "UC_x5XG1OV2P6uZZ5FSM9Ttw"
CHANNELS = "youtube#channelListResponse"
KEY = "AIza" + "x" * 35


@pytest.fixture
def fetching(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Fetching:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    return Fetching(simulator, "youtube")


NOT_OFFERED = {"error": {"code": 404, "message": "Method not found.", "errors": [{"reason": "notFound"}]}}


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
    fetching.simulator.set_faults({"kind": "patch", "path": "batchGetStats", "at": "", "value": NOT_OFFERED})
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


@pytest.mark.parametrize("statistics", ["denied", "not offered", "not asked"])
@pytest.mark.parametrize(("times", "is_gone"), [(1, False), (2, True)])
def test_video_without_statistics_is_gone_only_if_two_answers_lack_it(
    fetching: Fetching, statistics: str, times: int, is_gone: bool
) -> None:
    post = known(fetching.here()[-1])
    if statistics == "not offered":
        fetching.simulator.set_faults({"kind": "patch", "path": "batchGetStats", "at": "", "value": NOT_OFFERED})
        read_due(fetching, post)
    fetching.simulator.set_faults(
        *([{"kind": "permission", "path": "batchGetStats"}] if statistics == "denied" else []),
        {"kind": "partial", "path": "youtube/v3/videos", "object": post.platform_post_id, "times": times},
    )
    announced = [post.platform_post_id] if statistics == "not asked" else []
    want = replace(wanted(post, known=[known(one) for one in fetching.here()]), announced=announced)
    reading = fetching.api.read(fetching.access, want, fetching.tally)
    assert reading.gone == ([post.platform_post_id] if is_gone else [])
    assert (post.platform_post_id in {one.platform_post_id for one, _ in reading.posts}) == (not is_gone)


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
