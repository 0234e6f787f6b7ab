"""Which posts of an account are read in a slot: those on the ladder, within the budget, and those that may be back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from metrics.documents import AccountDocument, PostDocument
from metrics.store import Store
from pipelines.collect import observe
from pipelines.collect.budget import PostBudget
from pipelines.collect.ladder import FOLLOWED_UNTIL, LAST_HOUR, due
from pipelines.platforms.base import Post, Reserved, Wanted
from pipelines.platforms.memory import Memory

LOOKED_FOR_AGAIN = timedelta(days=7)
"""For that long a post that is gone is asked for once a day: the platforms tell of posts that are there as if not."""

LOOKED_FOR_HOURLY = timedelta(hours=6)
"""For that long it is asked for every hour."""

_STORY_LIVES = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Choice:
    """The posts to ask for, beside the documents of the account's posts by the platform's id; `held_back` counts posts.

    `reserved` was taken out of the budget for the posts that are due: the caller settles it when they were read.
    """

    wanted: Wanted
    stored: Mapping[str, PostDocument]
    held_back: int
    reserved: Reserved


def choose(
    store: Store, account: AccountDocument, slot: datetime, now: datetime, memory: Memory, budget: PostBudget
) -> Choice:
    """Return what is asked of an account in a slot.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    since = now - FOLLOWED_UNTIL
    stored = {post["platformPostId"]: post for post in store.posts.of_account(account["_id"], since=since, alive=False)}
    today = f"{now:%Y-%m-%d}"
    known = {name: observe.post_of(post, today) for name, post in stored.items()}
    chosen = [*_on_the_ladder(store, stored, slot, now), *_perhaps_back(stored, slot, now)]
    allowed, reserved = chosen, Reserved(0)
    if budget.limited:
        newest_first = sorted(chosen, key=lambda post: post["publishedAt"], reverse=True)
        within, reserved = budget.within([post["platformPostId"] for post in newest_first])
        allowed = [post for post in chosen if post["platformPostId"] in within]
    posts: list[Post] = [known[post["platformPostId"]] for post in allowed]
    announced = {name for name, post in stored.items() if post.get("announced")}
    deleted = {name for name, post in stored.items() if "deletedAt" in post}
    same = {name for name, post in stored.items() if "sameAs" in post}
    wanted = Wanted(since, posts, known, announced, deleted, memory=memory, budget=budget.bound, same=same)
    return Choice(wanted, stored, len(chosen) - len(allowed), reserved)


def _on_the_ladder(
    store: Store, stored: Mapping[str, PostDocument], slot: datetime, now: datetime
) -> list[PostDocument]:
    """Return the living posts that are due, and those that were never observed: announced or found late, or failed."""
    followed = [
        (post, due(post["publishedAt"], slot))
        for post in stored.values()
        if "deletedAt" not in post and "sameAs" not in post and _lives(post, now)
    ]
    resting = [post["_id"] for post, is_due in followed if not is_due]
    seen = store.observations.ever_observed(resting) if resting else set()
    return [post for post, is_due in followed if is_due or post["_id"] not in seen]


def _perhaps_back(stored: Mapping[str, PostDocument], slot: datetime, now: datetime) -> list[PostDocument]:
    """Return posts that are gone since a few hours, or days in the last slot of a day: what is there lives again."""
    since = now - (LOOKED_FOR_AGAIN if slot.hour == LAST_HOUR else LOOKED_FOR_HOURLY)
    gone = [post for post in stored.values() if "deletedAt" in post and "sameAs" not in post]
    return [post for post in gone if post["deletedAt"] > since and _lives(post, now)]


def _lives(post: PostDocument, now: datetime) -> bool:
    """Tell whether a post can still be read: a story lives for 24 hours."""
    return post["metricType"] != "story" or now < post["publishedAt"] + _STORY_LIVES
