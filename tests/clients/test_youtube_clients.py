"""google-api-python-client and python-youtube, unchanged, read the simulated YouTube and get the truth."""

from datetime import timedelta
from typing import Any

import pytest

from simulator.youtube.analytics import reported
from simulator.youtube.files import REACH
from simulator.youtube.tokens import first_refresh_token
from tests.clients.living import NOW, living, near
from tests.simulator_fixture import Simulator

pytestmark = [
    pytest.mark.clients,
    # Google's client does not close its connections.
    pytest.mark.filterwarnings("ignore:Exception ignored in.*socket:pytest.PytestUnraisableExceptionWarning"),
]

discovery = pytest.importorskip("googleapiclient.discovery")
pyyoutube = pytest.importorskip("pyyoutube")

from google.oauth2.credentials import Credentials  # noqa: E402
from googleapiclient.errors import HttpError  # noqa: E402

KEY = "AIza" + "0" * 35


@pytest.fixture
def here(simulator: Simulator) -> Simulator:
    simulator.set_clock(NOW)
    return simulator


def service(here: Simulator, name: str, version: str, **credentials: Any) -> Any:
    """Build a client of one of Google's APIs from the description within its package."""
    options = {"api_endpoint": here.url}
    return discovery.build(name, version, static_discovery=True, client_options=options, **credentials)


def token(here: Simulator, index: int = 0) -> Any:
    return Credentials(here.world.account("youtube", index).token)


def test_googles_client_reads_a_channel_and_all_its_videos(here: Simulator) -> None:
    account = here.world.account("youtube", 0)
    youtube = service(here, "youtube", "v3", credentials=token(here))
    (channel,) = youtube.channels().list(part=["id", "statistics", "contentDetails"], mine=True).execute()["items"]
    assert channel["id"] == account.platform_account_id
    assert near(here, account, "subscriberCount", int(channel["statistics"]["subscriberCount"]))
    uploads = channel["contentDetails"]["relatedPlaylists"]["uploads"]
    # Its `list_next` refuses an address with a repeated parameter, so that the parts are joined here.
    request = youtube.playlistItems().list(part="contentDetails,status", playlistId=uploads, maxResults=50)
    found = []
    while request is not None:
        answer = request.execute()
        found += [
            one["contentDetails"]["videoId"] for one in answer["items"] if one["status"]["privacyStatus"] == "public"
        ]
        request = youtube.playlistItems().list_next(request, answer)
    posts = living(here, "youtube", "post")
    assert found == [post.platform_post_id for post in posts]
    # Google's client repeats the parameter of a list.
    some = {post.platform_post_id: post for post in posts[:50]}
    for item in youtube.videos().list(part=["id", "statistics"], id=list(some)).execute()["items"]:
        assert near(here, some[item["id"]], "viewCount", int(item["statistics"]["viewCount"]))


def test_googles_client_reads_statistics_in_batches(here: Simulator) -> None:
    youtube = service(here, "youtube", "v3", credentials=token(here))
    some = {post.platform_post_id: post for post in living(here, "youtube", "post")[:50]}
    answer = youtube.videos().batchGetStats(part=["id", "statistics"], id=list(some)).execute()
    assert [item["id"] for item in answer["items"]] == list(some)
    for item in answer["items"]:
        assert near(here, some[item["id"]], "viewCount", int(item["statistics"]["viewCount"]))


def test_googles_client_reads_with_an_api_key(here: Simulator) -> None:
    account = here.world.account("youtube", 0)
    youtube = service(here, "youtube", "v3", developerKey=KEY)
    answer = youtube.channels().list(part="snippet", id=account.platform_account_id).execute()
    assert answer["items"][0]["snippet"]["customUrl"] == f"@{account.handle}"


def test_googles_client_renews_its_token(here: Simulator) -> None:
    import google.auth.transport.requests

    account = here.world.account("youtube", 0)
    credentials = Credentials(
        None,
        refresh_token=first_refresh_token(account),
        token_uri=f"{here.url}/token",
        client_id="c",
        client_secret="s",
    )
    credentials.refresh(google.auth.transport.requests.Request())
    youtube = service(here, "youtube", "v3", credentials=credentials)
    assert youtube.channels().list(part="id", mine=True).execute()["items"][0]["id"] == account.platform_account_id


def test_googles_client_names_the_reason_of_an_error(here: Simulator) -> None:
    youtube = service(here, "youtube", "v3", credentials=token(here))
    with pytest.raises(HttpError) as caught:
        youtube.playlistItems().list(part="id", playlistId="UU0000000000000000000000").execute()
    assert caught.value.status_code == 404
    assert caught.value.error_details[0]["reason"] == "playlistNotFound"


def test_googles_client_reads_reports(here: Simulator) -> None:
    account = here.world.account("youtube", 0)
    analytics = service(here, "youtubeAnalytics", "v2", credentials=token(here))
    first, last = (NOW - timedelta(days=12)).date(), (NOW - timedelta(days=8)).date()
    answer = (
        analytics.reports()
        .query(
            ids="channel==MINE", startDate=str(first), endDate=str(last), metrics="views,engagedViews",
            dimensions="day", sort="day",
        )
        .execute()
    )  # fmt: skip
    assert [header["name"] for header in answer["columnHeaders"]] == ["day", "views", "engagedViews"]
    for n, (day, views, engaged) in enumerate(answer["rows"]):
        assert day == str(first + timedelta(days=n))
        found = (
            reported(here.world, account, name, first + timedelta(days=n), NOW) for name in ("views", "engagedViews")
        )
        assert (views, engaged) == tuple(found)
    with pytest.raises(HttpError):
        analytics.reports().query(
            ids="channel==MINE", startDate=str(first), endDate=str(last), metrics="estimatedRevenue"
        ).execute()


def test_googles_client_creates_a_job_and_downloads_its_files(here: Simulator) -> None:
    account = here.world.account("youtube", 0)
    reporting = service(here, "youtubereporting", "v1", credentials=token(here))
    types = reporting.reportTypes().list().execute()["reportTypes"]
    assert REACH in {one["id"] for one in types}
    assert reporting.jobs().list().execute() == {}
    job = reporting.jobs().create(body={"reportTypeId": REACH, "name": "reach"}).execute()
    assert reporting.jobs().list().execute()["jobs"] == [job]
    here.set_clock(NOW + timedelta(days=2))
    found = []
    request = reporting.jobs().reports().list(jobId=job["id"], pageSize=20)
    while request is not None:
        answer = request.execute()
        found += answer["reports"]
        request = reporting.jobs().reports().list_next(request, answer)
    assert len({one["startTime"] for one in found}) >= 28
    place = found[0]["downloadUrl"].partition("/v1/media/")[2].partition("?")[0]
    header, *rows = reporting.media().download_media(resourceName=place).execute().decode().splitlines()
    assert header.startswith("date,channel_id,video_id,")
    assert all(row.split(",")[1] == account.platform_account_id for row in rows)
    with pytest.raises(HttpError) as caught:
        reporting.jobs().create(body={"reportTypeId": REACH, "name": "again"}).execute()
    assert caught.value.status_code == 409


def test_python_youtube(here: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyyoutube.Client, "BASE_URL", f"{here.url}/youtube/v3/")
    account = here.world.account("youtube", 0)
    client = pyyoutube.Client(access_token=account.token)
    channels = client.channels.list(parts=["id", "snippet", "statistics"], mine=True)
    assert channels.items[0].id == account.platform_account_id
    assert near(here, account, "subscriberCount", int(channels.items[0].statistics.subscriberCount))
    posts = living(here, "youtube", "post")
    # This client joins the items of a list by commas.
    videos = client.videos.list(parts=["id", "statistics"], video_id=[post.platform_post_id for post in posts[:10]])
    assert [video.id for video in videos.items] == [post.platform_post_id for post in posts[:10]]
    for video, post in zip(videos.items, posts, strict=False):
        assert near(here, post, "viewCount", int(video.statistics.viewCount))
    uploads = f"UU{account.platform_account_id[2:]}"
    page = client.playlistItems.list(parts=["contentDetails"], playlist_id=uploads, max_results=50)
    following = client.playlistItems.list(
        parts=["contentDetails"], playlist_id=uploads, max_results=50, page_token=page.nextPageToken
    )
    assert not {one.id for one in page.items} & {one.id for one in following.items}
    with pytest.raises(pyyoutube.PyYouTubeException) as caught:
        client.playlistItems.list(parts=["id"], playlist_id="UU0000000000000000000000")
    assert caught.value.status_code == 404
