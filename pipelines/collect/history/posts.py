"""Read the posts of an account's history: each page of its lists once, each post with its present metrics."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from metrics.clock import utcnow
from metrics.collection.appending import Entry
from metrics.documents import PostDocument
from metrics.errors import RedisUnavailable
from metrics.periods import slot_of
from metrics.redis.events import observation_event
from pipelines.collect import observe
from pipelines.collect.posts.facts import store_posts
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import BudgetUsed, Transient
from pipelines.platforms.memory import Memory

if TYPE_CHECKING:
    from pipelines.collect.history.turn import Turn

_LEAST_POSTS = 5
"""The smallest page of posts: if less than this is left of the budget, no page is read."""


class Posts:
    """Reads posts in one account's turn."""

    def __init__(self, turn: "Turn") -> None:
        self._turn = turn
        self._half = turn.tools.budget.half
        self._stored: dict[str, PostDocument] = {}
        self._known: dict[str, Post] = {}
        self._unread: set[str] = set()

    @property
    def open(self) -> bool:
        """True if any page is left to read."""
        return self._turn.history["postsState"] == "reading" and self._turn.settings.history_posts_days > 0

    def give_up(self, *, everything: bool) -> None:  # noqa: ARG002  both cases skip all lists
        """Skip the lists until the history is requested again."""
        self._turn.history["postsState"] = "left"

    def read(self, access: Access, tally: Tally) -> None:
        """Read pages until the lists end, a limit is met, or the run's time is over.

        Raises:
            BudgetUsed: the history's half of the budget of posts is used.
            PlatformError: nothing could be read.
            MongoUnavailable: MongoDB does not answer.
        """
        turn = self._turn
        self._check_budget()
        since = utcnow() - timedelta(days=turn.settings.history_posts_days)
        self._look_up(since)
        memory = Memory.of(turn.history["lists"])
        wanted = Wanted(
            since,
            known=self._known,
            deleted={name for name, post in self._stored.items() if "deletedAt" in post},
            unread=self._unread,
            same={name for name, post in self._stored.items() if "sameAs" in post},
            memory=memory,
            budget=self._half,
        )
        before, listed, failures = memory.kept(), False, dict[str, str]()
        for page in turn.tools.api.read_past(access, wanted, tally):
            turn.check()
            failures.update(page.failures)
            listed |= bool(page.listed)
            news = self._store(page)
            if tally.limited is not None:
                # Some of this page was not read: it is listed again.
                return
            turn.history["lists"] = memory.kept()
            turn.note_progress(further=news)
            if tally.near_limit is not None or turn.budget_mostly_used(tally) or turn.time_is_over():
                break
            self._check_budget()
        else:
            if tally.limited is None:
                self._ended(memory, failures, advanced=listed and memory.kept() != before)
        for what, message in failures.items():
            if what not in memory.lists:
                turn.problem(what, "provider_error", message)

    def _check_budget(self) -> None:
        left = self._half.left() if self._half is not None else None
        if left is not None and left < _LEAST_POSTS:
            raise BudgetUsed

    def _look_up(self, since: datetime) -> None:
        """Load the account's stored posts, and find out which of them were never observed."""
        turn, now = self._turn, utcnow()
        posts = turn.store.posts.of_account(turn.account["_id"], since=since, alive=False)
        seen = turn.store.observations.ever_observed([post["_id"] for post in posts])
        self._stored = {post["platformPostId"]: post for post in posts}
        today = f"{now:%Y-%m-%d}"
        self._known = {name: observe.post_of(post, today) for name, post in self._stored.items()}
        self._unread = {name for name, post in self._stored.items() if post["_id"] not in seen}

    def _store(self, page: AccountReading) -> bool:
        """Store a page (posts, then their metrics in the present slot) and announce it; return whether it has news."""
        turn, now = self._turn, utcnow()
        known = store_posts(turn.store, turn.account, page, self._stored, now, turn.tools.content)
        new = page.listed.keys() - self._known.keys()
        self._unread |= new
        for name, post in page.listed.items():
            self._stored.setdefault(name, known.get(name) or observe.post_document(turn.account, post, None, now))
            self._known[name] = post
        version = turn.tools.api.api_version
        found = list(observe.post_observations(turn.account, page, slot_of(now), turn.run_id, version))
        turn.tools.commands.append(Entry(turn.account["workspaceId"], found))
        turn.rows += len(found)
        read = {post.platform_post_id for post, _ in page.posts}
        self._unread -= read
        turn.posts += len(read)
        turn.tools.budget.note(read)
        expected = len(self._stored)
        turn.history["posts"] = {"done": expected - len(self._unread & self._stored.keys()), "expected": expected}
        try:
            turn.announcer.announce(turn.account["workspaceId"], [observation_event(one) for one in found])
        except RedisUnavailable:
            turn.progress.unannounced.add(turn.account["workspaceId"])
        return bool(new or read)

    def _ended(self, memory: Memory, failures: dict[str, str], *, advanced: bool) -> None:
        """Note that the lists were read to their end, or why they were not.

        Raises:
            Transient: a list broke off and did not get further than before.
        """
        if memory.done:
            self._turn.history["postsState"] = "read"
            self._turn.history["lists"] = {}
            self._turn.note_progress()
            return
        self._turn.history["lists"] = memory.kept()
        begun_anew = any(not one.begun for one in memory.lists.values())
        if begun_anew or not advanced:
            broken = next((message for what, message in failures.items() if what in memory.lists), "a list broke off")
            raise Transient(broken)
