"""Groups of watched accounts with daily public readings, for tests of what benchmarks answer.

A `Rival` is written down as its truth: the followers and the posts as they were read on each day of the range. `store`
writes accounts, posts and observations into `Store.public`, and rolls up the days, weeks and months.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from metrics.documents import ContentType, MetricType, Observation, Platform
from metrics.ids import post_id
from metrics.periods import DAY, HOUR
from metrics.store import Store
from metrics.watching.lists import NewWatch, watch
from pipelines.rollup import roll
from pipelines.rollup.roll import Announce
from tests.pipelines.rollup.reference import period_of


@dataclass
class Published:
    """A post: the day of its publication, counted from the first day, and its counters by day of reading."""

    day: int
    readings: Mapping[int, Mapping[str, int]]
    content_type: ContentType = "image"
    metric_type: MetricType = "post"


@dataclass
class Rival:
    """An account with its readings: followers by day, counted from the first day; day -1 is the day before."""

    name: str
    followers: Mapping[int, int]
    posts: Sequence[Published] = ()
    group: str | None = "coffee"
    own: str | None = None
    platform: Platform = "instagram"
    since: int = -1
    more: dict[str, Any] = field(default_factory=dict)


def store_rivals(
    store: Store,
    workspace_id: str,
    rivals: Iterable[Rival],
    first: datetime,
    *,
    roll_until: datetime | None = None,
    announce: Announce | None = None,
) -> dict[str, str]:
    """Store rivals whose readings begin at `first`, midnight in UTC, and roll them up; return their ids by name."""
    ids, days = {}, set[datetime]()
    for rival in rivals:
        new = NewWatch(rival.platform, rival.name, group=rival.group, own=rival.own)
        watched = watch(store, workspace_id, new, first + rival.since * DAY, 1000).document
        ids[rival.name] = watched["_id"]
        store.watch_lists.change(watched, {"state": "active", **rival.more})
        days |= _store_account(store, workspace_id, watched["_id"], rival, first)
    until = roll_until or max(days, default=first) + 60 * DAY
    for period in ("daily", "weekly", "monthly"):
        starts = sorted({period_of(period, day)[0] for day in days})
        roll(store.public, period, starts, run_id="r", workspace_ids=[workspace_id], now=until, announce=announce)
    return ids


def _store_account(store: Store, workspace_id: str, watched: str, rival: Rival, first: datetime) -> set[datetime]:
    of_account: dict[str, Any] = {"source": rival.more.get("source", "public")}
    observations = [
        Observation(
            workspace_id, watched, rival.platform, "account", at := first + day * DAY + 6 * HOUR, at + HOUR,
            {"followers": value}, "r", "v", **of_account,
        )
        for day, value in rival.followers.items()
    ]  # fmt: skip
    for number, post in enumerate(rival.posts):
        key, platform_id = post_id(watched, f"{rival.name}{number}"), f"{rival.name}{number}"
        of_post: dict[str, Any] = {
            "post_id": key, "platform_post_id": platform_id, "content_type": post.content_type, "source": "public",
        }  # fmt: skip
        store.public.posts.put(
            [{"_id": key, "workspaceId": workspace_id, "accountId": watched, "platform": rival.platform,
              "platformPostId": platform_id, "metricType": post.metric_type, "contentType": post.content_type,
              "publishedAt": first + post.day * DAY + timedelta(hours=1)}]
        )  # fmt: skip
        observations += [
            Observation(
                workspace_id, watched, rival.platform, post.metric_type, at := first + day * DAY + 6 * HOUR,
                at + HOUR, values, "r", "v", **of_post,
            )
            for day, values in post.readings.items()
        ]  # fmt: skip
    store.public.observations.append(observations)
    return {one.slot.replace(hour=0) for one in observations}
