"""The catalog: the metrics of each platform, and engagement that is derived from them."""

from typing import Any
from zoneinfo import available_timezones

import pytest

from metrics.catalog import CATALOG, DAY_BASIS, GAUGES, LEVEL_BASIS, RATE_BASIS, engagement, engagement_parts, offered
from metrics.documents import PLATFORMS, ContentType, MetricType, Platform
from metrics.platforms.registry import FACTS


def test_people_never_add_up_over_subjects_unless_they_follow() -> None:
    for (_, name), metric in CATALOG.items():
        if metric.unit == "people" and "ollower" not in name:
            assert not metric.adds_over_subjects, name


def test_every_platform_offers_the_basis_of_its_rate() -> None:
    for platform in PLATFORMS:
        assert RATE_BASIS[platform] in offered(platform, "account" if platform in LEVEL_BASIS else "post")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_platforms_name_only_metrics_that_the_catalog_defines(platform: Platform) -> None:
    facts = FACTS[platform]
    assert {("account", name) for name in facts.accounts} | {("post", name) for name in facts.posts} <= CATALOG.keys()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_platforms_with_numbers_of_days_have_a_zone_in_which_the_days_begin(platform: Platform) -> None:
    of_days = [m for m in CATALOG.values() if m.kind in ("period_sum", "period_unique") and platform in m.offers]
    assert (platform in DAY_BASIS) == bool(of_days)
    assert DAY_BASIS.get(platform, "UTC") in available_timezones()


def test_facts_have_a_line_for_each_platform() -> None:
    assert tuple(FACTS) == PLATFORMS
    assert all(next(iter(facts.apis)) == name for name, facts in FACTS.items())


@pytest.mark.parametrize(
    ("platform", "metric_type", "content_type", "parts"),
    [
        ("instagram", "post", "image", ("likes", "comments", "shares", "saves")),
        ("instagram", "post", "video", ("likes", "comments", "saves")),
        ("instagram", "reel", "video", ("likes", "comments", "shares", "saves")),
        ("instagram", "story", "image", ("shares",)),
        ("facebook", "post", "link", ("likes", "comments", "shares")),
        ("twitter", "post", "text", ("likes", "comments", "shares", "saves")),
        ("linkedin", "post", "text", ("likes", "comments", "shares")),
        ("tiktok", "post", "video", ("likes", "comments", "shares")),
        ("youtube", "post", "video", ("likes", "comments")),
        ("pinterest", "post", "image", ("likes", "comments", "saves")),
        ("threads", "post", "text", ("likes", "comments", "shares")),
    ],
)
def test_parts_of_engagement(
    platform: Platform, metric_type: MetricType, content_type: ContentType, parts: tuple[str, ...]
) -> None:
    assert engagement_parts(platform, metric_type, content_type) == parts


def test_metric_that_only_some_accounts_have_is_no_part_of_engagement() -> None:
    assert "saves" in offered("tiktok", "post", "video")
    assert engagement({"likes": 5, "comments": 1, "shares": 2}, "tiktok", "post", "video") == 8
    assert engagement({"likes": 5, "comments": 1, "shares": 2, "saves": 9}, "tiktok", "post", "video") == 8


def test_engagement_is_unknown_if_an_offered_part_is() -> None:
    values = {"likes": 5, "comments": 1, "shares": 2}
    assert engagement(values, "instagram", "post", "image") is None
    assert engagement({**values, "saves": 0}, "instagram", "post", "image") == 8
    assert engagement(values, "linkedin", "post", "text") == 8


def test_clicks_never_count_as_engagement() -> None:
    assert engagement({"likes": 1, "comments": 1, "shares": 1, "clicks": 99}, "facebook", "post") == 3


def test_basis_of_an_account_is_a_level() -> None:
    """A level is not added up over time, so a rate over it is taken at the end of a period."""
    assert LEVEL_BASIS == {"bluesky": "followers"}
    assert set(LEVEL_BASIS.values()) <= set(GAUGES)


def test_engagement_is_unknown_where_a_part_is_no_number() -> None:
    known: dict[str, Any] = {"likes": 2, "comments": 3, "shares": 0, "saves": 1}
    assert engagement(known, "instagram", "post", "image") == 6
    known["comments"] = "many"
    assert engagement(known, "instagram", "post", "image") is None
