"""Seeded history of watched accounts: what daily readings would have stored of some of the simulator's accounts.

The demo can show benchmarks at once that way. Every number is the simulator's truth at the hour of the reading, and
limited to what the platform shows of accounts of others.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

from metrics.catalog import shown_of_others
from metrics.documents import AccountDocument, Observation, Platform, Reason, WatchedDocument
from metrics.identity import normal_account_id
from metrics.ids import account_id, post_id
from metrics.periods import midnight, starts_between
from metrics.platforms.registry import FACTS
from metrics.store import Store
from metrics.watching.lists import NewWatch, watch
from metrics.watching.looks import note_resolved
from pipelines.collect import observe
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import Reading
from pipelines.platforms.registry import api_facts
from pipelines.watching.ladder import FOLLOWED, due
from pipelines.watching.read import slot_at
from simulator import truth
from simulator.bluesky.world import handle_of
from simulator.world import SimAccount, SimPost, World
from tidemark.seed import RUN_ID, Plan

GROUP = "bakeries"
PLATFORMS: tuple[Platform, ...] = ("bluesky", "instagram")
"""Platforms whose daily readings need no token of an app, so that they go on under `tidemark up`."""

OTHERS = range(3, 9)
"""Indexes of the watched accounts, bakeries as the own one is: enough for a median, which takes five."""

WATCHED_FOR = timedelta(days=21)
"""The last part of the seeded history, which was read daily: weeks side by side, and little to write and to roll up."""

_NO_LIMIT = 1_000_000
_READ_AT = timedelta(hours=6, minutes=10)
_FIELDS = {"view_count": "total_views"}
"""The simulator's fields of what the public route has by another name: views with those that were paid for."""


def seed_watched(store: Store, world: World, what: Plan) -> int:
    """Watch accounts in the first workspace of a plan, with daily readings that wait to be rolled up.

    Returns the number of observations written.

    The group has accounts of others and the own account on each platform. Repeating it writes the same values.

    Raises:
        MongoUnavailable: MongoDB does not answer; call this again.
    """
    workspace_id, written = what.workspaces[0], 0
    own = {sim.platform: sim for name, sim in what.of(world) if name == workspace_id}
    start = max(what.start, midnight((what.end - WATCHED_FOR).date()))
    read_at = [day + _READ_AT for day in starts_between("daily", start, what.end) if day + _READ_AT <= what.end]
    if not read_at:
        return 0
    for platform in PLATFORMS:
        for sim in (own[platform], *(world.account(platform, index) for index in OTHERS)):
            watched = _watch(store, workspace_id, sim, start, is_own=sim is own[platform])
            note_resolved(store, watched, sim.platform_account_id, _handle(sim), read_at[-1])
            account = cast("AccountDocument", watched)
            posts = [
                post
                for post in world.posts(sim, read_at[0] - FOLLOWED, read_at[-1])
                if post.metric_type != "story" and world.platforms[platform].lists(world, post)
            ]
            _put_posts(store, account, posts, read_at)
            written += store.public.observations.append(_observations(world, account, sim, posts, read_at))
    # The sensor of late data rolls these up as soon as the stack is ready, so that its start need not wait for them.
    store.public.marks.touch((workspace_id, "daily", day) for day in starts_between("daily", start, what.end))
    return written


def _watch(store: Store, workspace_id: str, sim: SimAccount, now: datetime, *, is_own: bool) -> WatchedDocument:
    """Watch an account from the first seeded day on, under the name by which readings find it."""
    own = account_id(workspace_id, sim.platform, normal_account_id(sim.platform, sim.platform_account_id))
    by_id = is_own and FACTS[sim.platform].public.by_id
    name = sim.platform_account_id if by_id else f"@{_handle(sim)}"
    new = NewWatch(sim.platform, name, group=GROUP, own=own if is_own else None)
    return watch(store, workspace_id, new, now, _NO_LIMIT).document


def _handle(sim: SimAccount) -> str:
    return handle_of(sim.handle) if sim.platform == "bluesky" else sim.handle


def _put_posts(store: Store, account: AccountDocument, posts: list[SimPost], read_at: list[datetime]) -> None:
    """Store the posts that a reading found, without content, as readings of others do."""
    seen = [post for post in posts if any(post.visible(now) for now in read_at)]
    listed = (Post(one.platform_post_id, one.metric_type, one.content_type, one.published_at) for one in seen)
    store.public.posts.put(observe.post_document(account, post, None, read_at[-1]) for post in listed)
    for post in seen:
        noticed = next((now for now in read_at if post.deleted_at is not None and post.deleted_at <= now), None)
        if noticed is not None:
            store.public.posts.mark_deleted([post_id(account["_id"], post.platform_post_id)], noticed)


def _observations(
    world: World, account: AccountDocument, sim: SimAccount, posts: list[SimPost], read_at: list[datetime]
) -> Iterator[Observation]:
    levels = shown_of_others(sim.platform, "account")
    for now in read_at:
        values = {name: truth.account_value(world, sim, offer.field, now) for name, offer in levels.items()}
        yield _observation(account, now, values, {})
        for post in posts:
            if post.visible(now) and due(sim.platform, post.published_at, now.date()):
                yield _observation(account, now, *_shown(world, post, now), post)


def _shown(world: World, post: SimPost, now: datetime) -> tuple[dict[str, int], dict[str, Reason]]:
    """Return what others see of a post at an instant, and why they do not see the rest."""
    hidden = world.platforms[post.platform].hides(world, post)
    values: dict[str, int] = {}
    unavailable: dict[str, Reason] = {}
    for name, offer in shown_of_others(post.platform, post.metric_type, post.content_type).items():
        if any(part in hidden for part in offer.parts):
            unavailable[name] = "permission_missing"
        else:
            values[name] = sum(truth.post_value(world, post, _FIELDS.get(part, part), now) for part in offer.parts)
    return values, unavailable


def _observation(
    account: AccountDocument,
    now: datetime,
    values: dict[str, int],
    unavailable: dict[str, Reason],
    post: SimPost | None = None,
) -> Observation:
    reading, slot = Reading(now, values, unavailable), slot_at(now)
    version = api_facts(account["platform"]).api_version
    return replace(observe.observation(account, reading, slot, RUN_ID, version, post), source="public")
