"""Data of accounts that were read without their owner's token are kept for as long as the terms allow."""

from datetime import UTC, datetime, timedelta
from typing import Any

from metrics.documents import MetricType, Observation, Platform
from metrics.periods import DAY
from metrics.platforms.kept import first_kept
from metrics.platforms.registry import FACTS, KEPT_DAYS
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.namespaces import OWN
from metrics.upkeep.limited import limited_accounts
from metrics.upkeep.retention import Horizon, apply
from tests.retained import keep

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FIRST = first_kept(30, NOW)


def account(store: Store, name: str, platform: Platform = "youtube", **more: Any) -> None:
    store.db["accounts"].insert_one(
        {
            "_id": name, "workspaceId": "w", "platform": platform, "platformAccountId": name, "handle": name,
            "state": "active", "connectedAt": NOW - 100 * DAY, **more,
        }
    )  # fmt: skip


def write(store: Store, name: str, platform: Platform, at: datetime) -> None:
    """Write an observation of an account and of a post, and a rollup of each, of a day."""
    start = at.replace(hour=0, minute=0)
    post: dict[str, Any] = {"post_id": f"{name}-post", "platform_post_id": f"{name}-post", "content_type": "video"}
    kinds: dict[MetricType, dict[str, Any]] = {"account": {}, "post": post}
    for kind, more in kinds.items():
        store.observations.append([Observation("w", name, platform, kind, at, at, {"likes": 1}, "r", "v", **more)])
    owned = {"workspaceId": "w", "accountId": name, "period": "daily", "periodStart": start, "periodEnd": start + DAY}
    for collection in ("subject_rollups", "aggregated_metrics"):
        store.db[collection].insert_one({"_id": f"{name}-{at}", **owned})


def left(store: Store, name: str) -> tuple[set[datetime], set[datetime]]:
    """Return the times of the observations and of the rollups that are left of an account."""
    observed = {row["timestamp"] for row in store.db[OWN.log].find({"metadata.accountId": name})}
    return observed, {row["periodStart"] for row in store.db["aggregated_metrics"].find({"accountId": name})}


def test_only_accounts_without_a_token_lose_what_is_older(store: Store, settings: Settings) -> None:
    keep(store, settings.model_copy(update={"retention_days": 400, "rollup_retention_days": 400}))
    account(store, "public", access="public")
    account(store, "owned")
    account(store, "other", "bluesky", access="public")
    old, young = FIRST - timedelta(hours=1), FIRST
    for name, platform in (("public", "youtube"), ("owned", "youtube"), ("other", "bluesky")):
        for at in (old, young):
            write(store, name, platform, at)  # type: ignore[arg-type]
    gone = apply(store, Horizon.of(store, settings, NOW))
    days = {FIRST - DAY, FIRST}
    # MongoDB 6 deletes whole series only, so the newer observations of these go too.
    assert left(store, "public") == ({young} if store.server_version() >= (7,) else set(), {FIRST})
    assert left(store, "owned") == left(store, "other") == ({old, young}, days)
    assert (gone["subject_rollups"], gone["aggregated_metrics"]) == (1, 1)
    assert [one.account_id for one in limited_accounts(store)] == ["public"]


def test_posts_that_are_no_longer_read_are_deleted(store: Store, settings: Settings) -> None:
    account(store, "public", access="public")
    for name, days in (("followed", 119), ("left", 121)):
        store.db["posts"].insert_one(
            {
                "_id": name, "workspaceId": "w", "accountId": "public", "platformPostId": name, "metricType": "post",
                "publishedAt": NOW - days * DAY,
            }
        )  # fmt: skip
    apply(store, Horizon.of(store, settings, NOW))
    assert [one["_id"] for one in store.db["posts"].find()] == ["followed"]


def test_rule_is_one_of_the_terms() -> None:
    assert KEPT_DAYS == {("youtube", "public"): 30}
    terms = FACTS["youtube"].public.terms
    assert (terms.days, terms.source) == (30, "*Developer Policies*, III.E.4")
