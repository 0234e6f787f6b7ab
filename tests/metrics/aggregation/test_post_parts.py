"""Totals of parts of the posts equal a brute-force reference, and together are the workspace's totals."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from metrics.aggregation import custom_rollups
from metrics.aggregation.post_parts import (
    PostCounts,
    PostPart,
    Sums,
    Trait,
    merged_sums,
    of_part,
    parts_of,
    published_counts,
    stored_sums,
)
from metrics.aggregation.totals import PeriodRollups, workspace_totals
from metrics.documents import AggregatedDocument
from metrics.expected import Connection
from metrics.store import Store
from tests.examples import tried
from tests.metrics.aggregation.test_totals import rollup
from tests.pipelines.rollup.reference import DAY, HOUR, OVER_LEVELS, RATE_BASIS, Reference, period_of
from tests.pipelines.rollup.worlds import PERIODS, World, worlds

few = settings(tried(4, nightly=200), phases=(Phase.explicit, Phase.generate))
NETS = {
    "totalLikes": "likes", "totalComments": "comments", "totalShares": "shares", "totalSaves": "saves",
    "totalImpressions": "impressions", "totalViews": "views", "totalVideoViews": "videoViews", "totalClicks": "clicks",
}  # fmt: skip
ADDED = (*NETS, "totalEngagement", "postCount", "postsMeasured")
PARTS: dict[str, dict[str, tuple[str, ...]]] = {
    "instagram": {
        "post": ("likes", "comments", "shares", "saves"), "reel": ("likes", "comments", "shares", "saves"),
        "story": ("shares",), "post video": ("likes", "comments", "saves"),
    },
    "facebook": {"post": ("likes", "comments", "shares"), "reel": ("likes", "comments"), "story": ()},
    "twitter": dict.fromkeys(("post", "reel", "story"), ("likes", "comments", "shares", "saves")),
    "linkedin": dict.fromkeys(("post", "reel", "story"), ("likes", "comments", "shares")),
    "tiktok": dict.fromkeys(("post", "reel", "story"), ("likes", "comments", "shares")),
    "youtube": dict.fromkeys(("post", "reel", "story"), ("likes", "comments")),
    "pinterest": dict.fromkeys(("post", "reel", "story"), ("likes", "comments", "saves")),
    "threads": dict.fromkeys(("post", "reel", "story"), ("likes", "comments", "shares")),
    "bluesky": dict.fromkeys(("post", "reel", "story"), ("likes", "comments", "shares", "saves")),
}  # fmt: skip
"""The parts of engagement, copied by hand from docs/metrics.md and docs/platform-facts.md."""


def engagement_parts_of(post: Any) -> tuple[str, ...]:
    kinds = PARTS[post["platform"]]
    return kinds.get(f"{post['metricType']} {post['contentType']}") or kinds[post["metricType"]]


def expected_accounts(reference: Reference, start: datetime, end: datetime) -> list[str]:
    hours = [start + n * HOUR for n in range((end - start) // HOUR)]
    return [a["_id"] for a in reference.accounts if any(reference.connected(a["_id"], hour + HOUR) for hour in hours)]


def is_in(part: PostPart, post: Any) -> bool:
    wanted_types = {"contentType": part.content_type, "metricType": part.metric_type}
    return all(value is None or post[field] == value for field, value in wanted_types.items())


def wanted(reference: Reference, part: PostPart, start: datetime, end: datetime, period: str) -> dict[str, Any]:
    """Return the metrics of one part of the posts, by brute force over the entries of every post."""
    observed = {}
    for account_id in expected_accounts(reference, start, end):
        if subjects := reference.subjects(account_id, start, end, period):
            observed[account_id] = subjects
    posts = [post for post in reference.posts if post["accountId"] in observed and is_in(part, post)]
    entries = [observed[post["accountId"]].get(post["_id"], {}) for post in posts]
    found: dict[str, Any] = {}
    for total, name in NETS.items():
        if nets := [of_post[name]["net"] for of_post in entries if name in of_post]:
            found[total] = sum(nets)
    engaged = [(post, of_post) for post, of_post in zip(posts, entries, strict=True) if knows_engagement(post, of_post)]
    if engaged:
        found["totalEngagement"] = sum(engagement(*one) for one in engaged)
    rated = []
    for post, of_post in engaged:
        basis, under = RATE_BASIS[post["platform"]], 0
        if post["platform"] in OVER_LEVELS:
            under = observed[post["accountId"]].get(post["accountId"], {}).get(basis, {}).get("close", 0)
        elif basis in of_post:
            under = of_post[basis]["net"]
        if under > 0:
            rated.append((engagement(post, of_post), under, basis, post))
    if rated:
        # Rates over levels of accounts are pooled only if there are no others, with each account's level once.
        pooled = [one for one in rated if one[3]["platform"] not in OVER_LEVELS]
        levels = {post["accountId"]: under for _, under, _, post in rated}
        under = sum(one[1] for one in pooled) if pooled else sum(levels.values())
        pooled = pooled or rated
        found["engagementRateParts"] = {"engagement": sum(one[0] for one in pooled), "basis": under}
        found["engagementRate"] = 100 * sum(one[0] for one in pooled) / under
        found["engagementRateBasis"] = "+".join(sorted({one[2] for one in pooled}))
    if observed:
        found["postCount"] = sum(1 for post in posts if start <= post["publishedAt"] < end)
        found["postsMeasured"] = len(rated)
    return found


def knows_engagement(post: Any, entries: dict[str, Any]) -> bool:
    return bool(engagement_parts_of(post)) and all(part in entries for part in engagement_parts_of(post))


def engagement(post: Any, entries: dict[str, Any]) -> int:
    return sum(entries[part]["net"] for part in engagement_parts_of(post))


def totals_by_part(
    documents: dict[str, AggregatedDocument],
    sums: Sums,
    counts: PostCounts | None,
    accounts: list[Connection],
    start: datetime,
    end: datetime,
    now: datetime,
) -> dict[PostPart, Any]:
    return {
        part: workspace_totals(
            PeriodRollups(start, end, {key: of_part(row, part, sums, counts) for key, row in documents.items()}),
            accounts, now, part,
        )
        for part in parts_of(documents.values(), sums, counts)
    }  # fmt: skip


def check(
    world: World,
    documents: dict[str, AggregatedDocument],
    sums: Sums,
    counts: PostCounts | None,
    accounts: list[Connection],
    span: Any,
    period: str,
) -> None:
    start, end = span
    whole = workspace_totals(PeriodRollups(start, end, documents), accounts, world.now)
    by_part = totals_by_part(documents, sums, counts, accounts, start, end, world.now)
    if whole is None:
        assert set(by_part.values()) <= {None}
        return
    for name, total in by_part.items():
        reference = wanted(world.reference, name, start, end, period)
        assert total["metrics"] == {
            key: pytest.approx(value, rel=1e-9) if isinstance(value, float) else value
            for key, value in reference.items()
        }
        assert set(ADDED) <= total["metrics"].keys() | total["unavailable"].keys()
        assert not total["metrics"].keys() & total["unavailable"].keys()
        assert (total["coverage"], total["accounts"]) == (whole["coverage"], whole["accounts"])
    for added in ADDED:
        values = [total["metrics"][added] for total in by_part.values() if added in total["metrics"]]
        if by_part:
            assert sum(values) == whole["metrics"].get(added, 0), "the parts together are the workspace's total"
        assert bool(values) or not whole["metrics"].get(added), added


BY: tuple[tuple[Trait, ...], ...] = (("contentType",), ("metricType",), ("contentType", "metricType"))


@given(worlds())
@few
def test_totals_of_parts_equal_the_reference(store: Store, world: World) -> None:
    world.write(store)
    world.roll_all(store)
    accounts = store.accounts.connections([world.workspace_id])
    scope = {"workspaceId": world.workspace_id}
    for by in BY:
        for period in PERIODS:
            spans = sorted({period_of(period, start) for start in world.starts(period)})
            rows = store.rollups.aggregated(world.workspace_id, period, spans[0][0], spans[-1][1])
            sums = stored_sums(store, period, spans[0][0], spans[-1][1], scope, by)
            counts = published_counts(store, spans, scope, by) if "metricType" in by else {}
            for span in spans:
                documents = {row["accountId"]: row for row in rows if row["periodStart"] == span[0]}
                check(world, documents, sums.get(span[0], {}), counts.get(span), accounts, span, period)
        for days in (1, 3, 25):
            span = (world.base, world.base + days * DAY)
            merged = custom_rollups(store, world.workspace_id, *span, connections=accounts, now=world.now)
            documents = {row["accountId"]: row for row in merged}
            counts = published_counts(store, [span], scope, by) if "metricType" in by else {}
            check(world, documents, merged_sums(store, span, scope, by), counts.get(span), accounts, span, "custom")


def test_total_that_the_type_has_on_no_platform_is_not_supported() -> None:
    start, end = datetime.fromisoformat("2026-03-02T00:00Z"), datetime.fromisoformat("2026-03-03T00:00Z")
    always = ((start - DAY, end + DAY),)
    accounts = [Connection("a", "facebook", always), Connection("b", "instagram", always)]
    documents = {"a": rollup("a", "facebook", postCountByType={"link": 1})}
    total = totals_by_part(documents, {}, None, accounts, start, end, end + DAY)[PostPart("link")]
    assert total["metrics"] == {"postCount": 1, "postsMeasured": 0}
    assert (total["unavailable"]["totalLikes"], total["unavailable"]["totalSaves"]) == (
        "no_observation",
        "not_supported",
    )
    assert total["missing"] == {}, "Instagram has no posts of the type link, so nothing of `b` is missing"
    assert (total["status"], total["accounts"], total["expectedAccounts"]) == ("partial", 1, 2)
    assert "followers" not in total["unavailable"]
