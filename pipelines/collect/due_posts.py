"""Choose the posts of an account to read in a slot: those due by age, and deleted ones that may be back.

The budget of distinct posts limits both.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from metrics.documents import AccountDocument, PostDocument
from metrics.store import Store
from pipelines.collect import observe
from pipelines.collect.budgets.posts import PostBudget
from pipelines.collect.ladder import FOLLOWED_UNTIL, LAST_HOUR, due
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.limits import Reserved
from pipelines.platforms.memory import Memory

RECHECKED_DAILY_FOR = timedelta(days=7)
"""How long a deleted post is still requested once a day: platforms sometimes deny posts that exist."""

RECHECKED_HOURLY_FOR = timedelta(hours=6)
"""How long a deleted post is still requested every hour."""

_STORY_LIVES = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Choice:
    """The posts to request.

    `stored` has the documents of the account's posts by the platform's id. `held_back` counts posts that the budget
    does not allow. `reserved` is the reservation for the posts that are due: the caller settles it after reading them.
    """

    wanted: Wanted
    stored: Mapping[str, PostDocument]
    held_back: int
    reserved: Reserved


def choose_posts(
    store: Store,
    ever_observed: Callable[[Collection[str]], Collection[str]],
    account: AccountDocument,
    slot: datetime,
    now: datetime,
    memory: Memory,
    budget: PostBudget,
    *,
    every_post: bool = False,
) -> Choice:
    """Return what to request of an account in a slot; with `every_post`, also living posts that are not due.

    `ever_observed` returns which of some posts have any observation.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    since = now - FOLLOWED_UNTIL
    stored = {post["platformPostId"]: post for post in store.posts.of_account(account["_id"], since=since, alive=False)}
    today = f"{now:%Y-%m-%d}"
    known = {name: observe.post_of(post, today) for name, post in stored.items()}
    living = [p for p in stored.values() if "deletedAt" not in p and "sameAs" not in p and _lives(p, now)]
    chosen = [
        *(living if every_post else _on_the_ladder(ever_observed, living, slot)),
        *_perhaps_back(stored, slot, now),
    ]
    allowed, reserved = chosen, Reserved(0)
    if budget.limited:
        newest_first = sorted(chosen, key=lambda post: post["publishedAt"], reverse=True)
        within, reserved = budget.reserve_ids([post["platformPostId"] for post in newest_first])
        allowed = [post for post in chosen if post["platformPostId"] in within]
    posts: list[Post] = [known[post["platformPostId"]] for post in allowed]
    announced = {name for name, post in stored.items() if post.get("announced")}
    deleted = {name for name, post in stored.items() if "deletedAt" in post}
    same = {name for name, post in stored.items() if "sameAs" in post}
    wanted = Wanted(since, posts, known, announced, deleted, memory=memory, budget=budget.bound, same=same)
    return Choice(wanted, stored, len(chosen) - len(allowed), reserved)


def _on_the_ladder(
    ever_observed: Callable[[Collection[str]], Collection[str]], living: Sequence[PostDocument], slot: datetime
) -> list[PostDocument]:
    """Return posts that are due, or never observed (they were announced or found late, or reading failed)."""
    followed = [(post, due(post["publishedAt"], slot)) for post in living]
    resting = [post["_id"] for post, is_due in followed if not is_due]
    seen = ever_observed(resting) if resting else set()
    return [post for post, is_due in followed if is_due or post["_id"] not in seen]


def _perhaps_back(stored: Mapping[str, PostDocument], slot: datetime, now: datetime) -> list[PostDocument]:
    """Return posts that were deleted a short while ago; one that can be read again is revived.

    In most slots these are the posts of the last hours, in the last slot of a day those of the last days.
    """
    since = now - (RECHECKED_DAILY_FOR if slot.hour == LAST_HOUR else RECHECKED_HOURLY_FOR)
    gone = [post for post in stored.values() if "deletedAt" in post and "sameAs" not in post]
    return [post for post in gone if post["deletedAt"] > since and _lives(post, now)]


def _lives(post: PostDocument, now: datetime) -> bool:
    """Tell whether a post can still be read: a story lives for 24 hours."""
    return post["metricType"] != "story" or now < post["publishedAt"] + _STORY_LIVES
