"""The clock of the terms: no public number outlives its days, and a deleted post has no content within a day."""

from datetime import timedelta

import pytest

from metrics.documents import Document, Platform
from metrics.periods import DAY, PERIODS
from metrics.platforms.kept import first_kept
from metrics.platforms.registry import FACTS
from metrics.settings import Settings
from metrics.store.setup.lifetimes import setting_differences
from metrics.store.setup.namespaces import PUBLIC
from metrics.upkeep.retention import Horizon, apply
from pipelines.platforms.public.registry import PUBLIC_PLATFORMS
from pipelines.rollup import roll
from pipelines.watching.ladder import FOLLOWED_DAYS
from simulator.world import SimPost
from tests.pipelines.watching.days import FIRST, Days, later
from tests.retained import keep

KEPT = 40
"""Days that observations and rollups of every platform are kept in this test, if the terms allow no less."""


@pytest.mark.parametrize("platform", PUBLIC_PLATFORMS)
def test_no_public_number_outlives_its_days(days: Days, platform: Platform, settings: Settings) -> None:
    there = days.having(retention_days=KEPT, rollup_retention_days=KEPT)
    keep(there.store, there.settings)
    days.connect(platform)
    days.watch(platform, FIRST)
    allowed = min(FACTS[platform].public.terms.days or KEPT, KEPT)
    public = there.store.public
    for day in (0, 1, 8, 29, 30, 31, 39, 41, 75, 120):
        now = later(day)
        if day <= FOLLOWED_DAYS:
            there.read(platform, now)
            for period in PERIODS:
                starts = [mark.start for mark in public.marks.pending(period)]
                roll(public, period, starts, run_id="run", now=now)
        apply(there.store, Horizon.of(there.store, there.settings, now))
        first, db = first_kept(allowed, now), there.store.db
        assert db[PUBLIC.collections].count_documents({"slot": {"$lt": first_kept(KEPT, now)}}) == 0
        assert db[PUBLIC.posts].count_documents({"content": {"$exists": True}}) == 0
        if FACTS[platform].public.terms.days is None:
            # The database deletes the rest by itself, in its own time (`tests/metrics/store`).
            continue
        assert db[PUBLIC.log].count_documents({"timestamp": {"$lt": first}}) == 0
        for name in PUBLIC.rollups:
            assert db[name].count_documents({"periodStart": {"$lt": first}}) == 0
        assert db[PUBLIC.posts].count_documents({"seenAt": {"$lt": first}}) == 0
        told = {"lookedAt": {"$lt": first}, "platformAccountId": {"$exists": True}}
        assert db[PUBLIC.accounts].count_documents(told) == 0
    if FACTS[platform].public.terms.days is not None:
        left = (PUBLIC.log, *PUBLIC.rollups, PUBLIC.posts, "reading_memory")
        assert [db[name].count_documents({}) for name in left] == [0] * len(left)
    else:
        assert setting_differences(there.store.db, there.settings) == [], "the database deletes them after their days"


WITH_POSTS = [one for one in PUBLIC_PLATFORMS if FACTS[one].public_numbers.posts]  # type: ignore[union-attr]


def deleted_post(days: Days, platform: Platform) -> tuple[int, SimPost]:
    """Return a post of others that its owner deletes one to five days after it was published, and its account."""
    for index in range(100):
        for post in days.simulator.world.posts(days.account(platform, index), later(-90), later(-6)):
            life = post.deleted_at and post.deleted_at - post.published_at
            if life and DAY < life < 5 * DAY and post.metric_type != "story":
                return index, post
    raise AssertionError("no account of the simulator deletes such a post")


@pytest.mark.parametrize("platform", WITH_POSTS)
def test_deleted_post_is_noted_within_a_day_and_never_had_content(days: Days, platform: Platform) -> None:
    days.connect(platform, 120)
    index, post = deleted_post(days, platform)
    assert post.deleted_at is not None
    mine = days.watch(platform, index, at=post.deleted_at - DAY)

    def stored() -> Document | None:
        return days.store.db[PUBLIC.posts].find_one({"accountId": mine, "platformPostId": post.platform_post_id})

    report = days.read(platform, post.deleted_at - timedelta(minutes=1))
    assert report.read == 1, report
    before = stored()
    if before is None:
        assert not FACTS[platform].public_numbers.lists_all  # type: ignore[union-attr]
        return
    assert "content" not in before
    days.read(platform, post.deleted_at + DAY - timedelta(minutes=1))
    after = stored()
    assert after is not None
    assert "content" not in after
    assert ("deletedAt" in after) == FACTS[platform].public_numbers.lists_all  # type: ignore[union-attr]
