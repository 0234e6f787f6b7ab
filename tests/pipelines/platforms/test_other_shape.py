"""Tests that a 200 with JSON of an unexpected shape is an error: it yields no numbers, and no other missing reasons."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from metrics.documents import Platform
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.errors import AccountUnreachable, BadAnswer, NeedsReauth, Transient
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED, api_facts
from tests.pipelines.platforms.fetching import Fetching, known
from tests.simulator_fixture import Simulator

CALLS: Mapping[Platform, tuple[str, ...]] = {
    "instagram": ("", "media", "stories", "insights"),
    "facebook": ("", "published_posts", "video_reels", "insights"),
    "twitter": ("users/me", "users/", "tweets", "analytics"),
    "linkedin": ("networkSizes", "posts", "Statistics", "organizations"),
    "tiktok": ("user/info", "v2/video/list", "business/video/list", "business/get"),
    "youtube": ("channels", "playlistItems", "batchGetStats", "videos", "reports"),
    "pinterest": ("user_account", "/pins", "analytics"),
    "threads": ("me", "/threads", "threads_insights", "/insights"),
    "bluesky": ("getProfile", "getAuthorFeed"),
}
"""Parts of the paths of each platform's calls; the empty text stands for all of them."""

every_call = pytest.mark.parametrize(
    ("platform", "path"), [(name, path) for name, paths in CALLS.items() for path in paths]
)
every_shape = pytest.mark.parametrize("value", [{}, {"status": "ok"}], ids=["empty", "status"])
PARTS: tuple[tuple[Platform, str], ...] = (
    ("facebook", "insights"),
    ("instagram", "insights"),
    ("twitter", "data.*.public_metrics"),
    ("linkedin", "elements.*.totalShareStatistics"),
    ("linkedin", "elements.*.totalPageStatistics"),
    ("linkedin", "elements.*.followerGains"),
    ("linkedin", "elements.*.timeRange"),
    ("threads", "data.*.values"),
    ("threads", "data.*.total_value"),
    ("threads", "data.*.link_total_values"),
    ("twitter", "data.*.timestamped_metrics"),
    ("twitter", "data.public_metrics"),
    ("tiktok", "data.videos.*.reach"),
    ("tiktok", "data.metrics"),
    ("tiktok", "data.metrics.*.likes"),
    ("tiktok", "data.user.follower_count"),
    ("tiktok", "data.videos"),
    ("tiktok", "data.videos.*"),
    ("tiktok", "data.videos.*.view_count"),
    ("youtube", "items.*.statistics"),
    ("youtube", "items.*.contentDetails"),
    ("youtube", "columnHeaders"),
    ("youtube", "rows"),
    ("youtube", "rows.*"),
    ("pinterest", "items.*.pin_metrics"),
    ("pinterest", "items.*.pin_metrics.lifetime_metrics"),
    ("pinterest", "items.*.pin_metrics.lifetime_metrics.save"),
    ("pinterest", "all.daily_metrics.*"),
    ("pinterest", "all.daily_metrics.*.metrics"),
    ("pinterest", "all.daily_metrics.*.data_status"),
    ("pinterest", "follower_count"),
    ("bluesky", "feed.*.post.likeCount"),
    ("bluesky", "feed.*.post"),
    ("bluesky", "followersCount"),
)


def test_every_platform_takes_part() -> None:
    assert CALLS.keys() == set(PLATFORMS_IMPLEMENTED)


def due(fetching: Fetching) -> list[Post]:
    """Return an existing post of each kind."""
    return list({post.kind: post for post in map(known, fetching.here(25))}.values())


def check(fetching: Fetching, well: AccountReading, bad: AccountReading) -> None:
    """Check that nothing counts as gone or has a wrong value, and that missing metrics have the reason of an error."""
    assert bad.gone == []
    fetching.check(bad, "provider_error", "not_supported", "not_recoverable", "permission_missing")
    compare(well.account, bad.account)
    before = {post.platform_post_id: reading for post, reading in well.posts}
    for post, reading in bad.posts:
        compare(before[post.platform_post_id], reading)


def compare(well: Reading, bad: Reading) -> None:
    for name in well.metrics.keys() - bad.metrics.keys():
        assert bad.unavailable[name] == "provider_error", name


@every_call
@every_shape
def test_reading_takes_no_other_shape_for_data(simulator: Simulator, platform: Platform, path: str, value: Any) -> None:
    fetching = Fetching(simulator, platform)
    posts = due(fetching)
    well = fetching.read(posts)
    simulator.set_faults({"kind": "patch", "path": path, "at": "", "value": value})
    try:
        bad = fetching.read(posts)
    except (BadAnswer, Transient):
        return
    check(fetching, well, bad)
    if path not in ("organizations", "analytics", "insights", "reports", "business/get"):
        assert bad.failures


@pytest.mark.parametrize(("platform", "at"), PARTS)
def test_part_of_another_shape_is_no_lack_of_numbers(simulator: Simulator, platform: Platform, at: str) -> None:
    fetching = Fetching(simulator, platform)
    posts = due(fetching)
    well = fetching.read(posts)
    simulator.set_faults({"kind": "patch", "at": at, "value": {"status": "ok"}})
    check(fetching, well, fetching.read(posts))


@pytest.mark.parametrize(
    ("platform", "path"), [(name, path) for name, paths in CALLS.items() if api_facts(name).days for path in paths]
)
@every_shape
def test_days_take_no_other_shape_for_data(simulator: Simulator, platform: Platform, path: str, value: Any) -> None:
    check_days(Fetching(simulator, platform), {"kind": "patch", "path": path, "at": "", "value": value})


@pytest.mark.parametrize(
    ("platform", "at"),
    [
        *(part for part in PARTS if api_facts(part[0]).days),
        ("facebook", "data"),
        ("instagram", "data.0"),
        ("twitter", "data"),
    ],
)
def test_part_of_days_of_another_shape_is_no_lack_of_numbers(simulator: Simulator, platform: Platform, at: str) -> None:
    check_days(Fetching(simulator, platform), {"kind": "patch", "at": at, "value": {"status": "ok"}})


def check_days(fetching: Fetching, fault: Mapping[str, Any]) -> None:
    policy = api_facts(fetching.platform).days
    assert policy is not None
    days = [policy.newest(fetching.now) - timedelta(days=back) for back in range(3)]
    well = fetching.api.read_days(fetching.access, days, fetching.tally).days
    fetching.simulator.set_faults(dict(fault))
    try:
        bad = fetching.api.read_days(fetching.access, days, fetching.tally).days
    except (BadAnswer, Transient):
        return
    for day in days:
        assert bad[day].metrics.items() <= well[day].metrics.items()
        compare(well[day], bad[day])


@pytest.fixture(params=PLATFORMS_IMPLEMENTED)
def fetching(simulator: Simulator, request: pytest.FixtureRequest) -> Fetching:
    return Fetching(simulator, request.param)


@every_shape
def test_identity_is_not_taken_from_another_shape(fetching: Fetching, value: Any) -> None:
    fetching.simulator.set_faults({"kind": "patch", "at": "", "value": value})
    with pytest.raises((BadAnswer, Transient)) as caught:
        fetching.api.identify(fetching.access, fetching.tally)
    assert not isinstance(caught.value, NeedsReauth | AccountUnreachable)
