"""Plan the reading of watched accounts, so that one reading serves all workspaces that watch the same account.

A workspace gets from a shared reading what a reading of its own would have brought it, and nothing else: other posts,
or other times at which posts were seen, would tell that somebody else watches the account, too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from metrics.documents import Document, PostDocument, WatchedDocument
from metrics.periods import midnight
from metrics.store import Store
from pipelines.collect import observe
from pipelines.collect.due_posts import RECHECKED_DAILY_FOR
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.limits import PostBudget, Reserved
from pipelines.platforms.memory import Memory
from pipelines.platforms.public.base import PublicAccount
from pipelines.watching.ladder import FOLLOWED, due

_OF_POST = " of post "


@dataclass(frozen=True, slots=True)
class Member:
    """A watched account of one workspace: what it wants of a reading, its stored posts, and the memory of its readings.

    `stored` has the documents of posts by the platform's id.
    """

    watched: WatchedDocument
    wanted: Wanted
    stored: Mapping[str, PostDocument]
    kept: Document

    def part_of(self, reading: AccountReading) -> AccountReading:
        """Return what a reading of this workspace alone would have brought."""
        wanted = self.wanted
        asked = {post.platform_post_id for post in (*wanted.due, *wanted.posts_to_read(reading.listed))}
        posts = [(post, read) for post, read in reading.posts if post.platform_post_id in asked]
        mine = asked | {post.platform_post_id for post, _ in posts}
        listed = {name: post for name, post in reading.listed.items() if name in mine or name not in wanted.known}
        others = {*reading.listed, *(post.platform_post_id for post, _ in reading.posts), *reading.gone} - mine
        return replace(
            reading,
            listed=listed,
            posts=posts,
            gone=[name for name in reading.gone if name in asked],
            failures={what: why for what, why in reading.failures.items() if what not in others},
            odd={what: why for what, why in reading.odd.items() if what.partition(_OF_POST)[2] not in others},
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Watched accounts that are one account of a platform, and are read once."""

    members: Sequence[Member]
    wanted: Wanted
    reserved: Reserved
    held_back: int = 0

    @property
    def account(self) -> PublicAccount:
        """The account as its reader takes it."""
        first = self.members[0].watched
        return PublicAccount(first["_id"], first["platformAccountId"], first["handle"], self.wanted)


def member_of(
    store: Store, watched: WatchedDocument, kept: Document, now: datetime, budget: PostBudget | None
) -> Member:
    """Return what is to be read of a watched account on the day of `now`; `kept` is its document of memory.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    public, today = store.public, now.date()
    since = midnight(today) - FOLLOWED
    stored = {p["platformPostId"]: p for p in public.posts.of_account(watched["_id"], since=since, alive=False)}
    known = {name: observe.post_of(post, f"{today:%Y-%m-%d}") for name, post in stored.items()}
    deleted = {name for name, post in stored.items() if "deletedAt" in post}
    resting = {
        post["_id"]: name
        for name, post in stored.items()
        if name not in deleted and not due(watched["platform"], post["publishedAt"], today)
    }
    seen = public.observations.ever_observed(list(resting)) if resting else set()
    rest = {name for post_id, name in resting.items() if post_id in seen}
    rest |= {name for name in deleted if stored[name]["deletedAt"] <= now - RECHECKED_DAILY_FOR}
    posts = [post for name, post in known.items() if name not in rest]
    memory = Memory.of(kept.get("reading", {}))
    return Member(watched, Wanted(since, posts, known, (), deleted, memory=memory, budget=budget), stored, kept)


def group_of(members: Sequence[Member], budget: PostBudget | None) -> Group:
    """Return accounts that are read at once; posts that a budget does not allow are held back, the oldest first.

    Raises:
        BudgetUnknown: the budget cannot be counted.
    """
    wanted = _together(members)
    if budget is None or not wanted.due:
        return Group(members, wanted, Reserved(0))
    newest_first = sorted(wanted.due, key=lambda post: post.published_at or wanted.since, reverse=True)
    reserved = budget.reserve(len(newest_first), 1)
    allowed = newest_first[: reserved.posts]
    return Group(members, replace(wanted, due=allowed), reserved, len(newest_first) - len(allowed))


def _together(members: Sequence[Member]) -> Wanted:
    """Return what brings each member what it wants.

    A list is read on from where it was read before only if that is the same place for all: otherwise from its newest
    post, so that an account that was watched a moment ago gets all of them.
    """
    first = members[0]
    wanted = [one.wanted for one in members]
    common: set[str] = set(wanted[0].known).intersection(*(one.known for one in wanted))
    due_posts = {post.platform_post_id: post for one in wanted for post in one.due}
    same_place = all(one.kept.get("reading") == first.kept.get("reading") for one in members)
    deleted: Collection[str] = {name for one in wanted for name in one.deleted}
    return replace(
        first.wanted,
        due=list(due_posts.values()),
        known={name: first.wanted.known[name] for name in common},
        deleted=deleted,
        memory=Memory.of(first.kept.get("reading", {})) if same_place else Memory(),
    )
