"""Tests that run for every platform: a first reading, deleted posts, and the mapping of failures to errors."""

import pytest

from metrics.documents import PLATFORMS, Platform
from pipelines.platforms.errors import AccountUnreachable, BadAnswer, NeedsReauth, PlatformError, RateLimited
from pipelines.platforms.http import retries
from simulator.world import SimPost
from tests.pipelines.platforms.fetching import Fetching, known
from tests.platform_fields import followers_field
from tests.simulator_fixture import Simulator

EXCUSED: dict[Platform, tuple[str, ...]] = {
    "twitter": ("not_supported", "not_recoverable"),
    "tiktok": ("not_recoverable",),
    "youtube": ("not_supported", "permission_missing"),
}
"""Reasons for missing metrics of posts that are normal for a platform."""

TROUBLE: list[tuple[Platform, str, type[PlatformError]]] = [
    *((platform, "expired_token", NeedsReauth) for platform in PLATFORMS),
    *((platform, "html", BadAnswer) for platform in PLATFORMS),
    *((platform, "account_limit", RateLimited) for platform in PLATFORMS if platform != "linkedin"),
    *((platform, "app_limit", RateLimited) for platform in PLATFORMS if platform != "twitter"),
    ("linkedin", "permission", AccountUnreachable),
    ("youtube", "permission", AccountUnreachable),
    ("youtube", "suspended", AccountUnreachable),
    ("youtube", "deleted", AccountUnreachable),
    ("twitter", "monthly_cap", RateLimited),
]


@pytest.fixture(params=PLATFORMS)
def fetching(request: pytest.FixtureRequest, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Fetching:
    monkeypatch.setattr(retries, "FIRST_WAIT_SECONDS", 0.001)
    return Fetching(simulator, request.param)


def names(posts: list[SimPost]) -> set[str]:
    return {post.platform_post_id for post in posts}


def test_first_reading_brings_every_living_post_of_ninety_days(fetching: Fetching) -> None:
    platform = fetching.platform
    reading = fetching.read()
    assert {post.platform_post_id for post, _ in reading.posts} == names(fetching.here())
    assert fetching.check(reading, *EXCUSED.get(platform, ())) > 2 * len(fetching.here())
    assert reading.account.metrics["followers"] == fetching.level(followers_field(platform))


def test_deleted_post_is_gone_and_the_rest_is_read(fetching: Fetching) -> None:
    deleted = next(
        post for post in fetching.posts(300) if post.deleted_at is not None and not post.visible(fetching.now)
    )
    here = fetching.here()
    reading = fetching.read([known(deleted), *map(known, here)])
    assert reading.gone == [deleted.platform_post_id]
    assert {post.platform_post_id for post, _ in reading.posts} == names(here)


def test_passing_trouble_is_tried_again(fetching: Fetching) -> None:
    fetching.simulator.set_faults({"kind": "error", "times": 2}, {"kind": "broken_json", "times": 1})
    assert fetching.read().posts
    assert fetching.tally.retries >= 2


@pytest.mark.parametrize(("fetching", "fault", "leaf"), TROUBLE, indirect=["fetching"])
def test_trouble_is_raised_as_what_it_is(fetching: Fetching, fault: str, leaf: type[PlatformError]) -> None:
    fetching.simulator.set_faults({"kind": fault, "account": fetching.account.platform_account_id})
    with pytest.raises(leaf):
        fetching.read()
