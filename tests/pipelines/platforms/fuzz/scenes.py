"""A test scene per platform: one account with everything that a reading can meet (new and due posts, posts without
activity, deleted posts, a refused metric, lists of several pages, provider's days)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from metrics.documents import Platform
from pipelines.platforms import pool
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, DaysReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.http import retries
from pipelines.platforms.memory import Memory
from pipelines.platforms.quarantine import Quarantine
from pipelines.platforms.registry import _FACTORIES
from pipelines.platforms.twitter import posts as twitter_posts
from pipelines.platforms.twitter.days import SMALLEST_PAGE
from simulator.faults import Fault
from simulator.registry import credentials
from simulator.world import SimPost
from tests.clock import INSTANT
from tests.pipelines.platforms.fuzz.in_process import Call, Change, InProcess, Simulated
from tests.platform_fields import set_page_sizes

PAGE = 4
"""Items per page: few, so that few posts fill several pages."""

RETIRED: Mapping[Platform, str] = {
    "instagram": "saved",
    "facebook": "post_clicks",
    "twitter": "non_public_metrics",
    "linkedin": "",
    "tiktok": "share_count",
    "youtube": "shares",
    "pinterest": "SAVE",
    "threads": "views",
    "bluesky": "",
}
_NEW, _YOUNG, _OLD = timedelta(days=4), timedelta(days=8), timedelta(days=45)


@dataclass
class Read:
    """The results of a reading, or the error that ended it, and the calls that it made."""

    reading: AccountReading | None
    days: DaysReading | None
    error: Exception | None
    calls: list[Call]
    memory: Memory


@dataclass(repr=False)
class Scene:
    """An account with its stored posts, and the reading of it when no answer is changed (`whole`)."""

    platform: Platform
    simulator: Simulated
    access: Access
    since: datetime
    due: list[Post]
    days: list[date]
    whole: Read = field(init=False)

    def __post_init__(self) -> None:
        """Read once without a change."""
        self._http = InProcess(self.simulator)
        self.whole = self.read()
        assert self.whole.error is None, self.whole.error

    def __repr__(self) -> str:
        """Return only the platform: the content would fill pages."""
        return f"<scene of {self.platform}>"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Let hypothesis print the same: its warning of a large text would hide the failure that it tells of."""
        printer.text(repr(self))

    @property
    def reading(self) -> AccountReading:
        """The reading without a change."""
        assert self.whole.reading is not None
        return self.whole.reading

    def read(self, change: Change | None = None, memory: Memory | None = None, known: Iterable[Post] = ()) -> Read:
        """Read the account and its days while `change` changes answers.

        `known` are posts that lists returned before; due posts that are not among them count as announced.
        """
        self.simulator.calls, self.simulator.change = [], change
        found = Read(None, None, None, self.simulator.calls, memory or Memory())
        listed = {post.platform_post_id: post for post in known}
        posts = {post.platform_post_id: post for post in self.due} | listed
        wanted = Wanted(self.since, self.due, posts, posts.keys() - listed.keys(), memory=found.memory)
        api = _FACTORIES[self.platform](self._http, Quarantine())
        try:
            found.reading = api.read(self.access, wanted, Tally())
            found.days = api.read_days(self.access, self.days, Tally())
        except Exception as error:  # noqa: BLE001
            found.error = error
        return found


def short_pages(patch: pytest.MonkeyPatch) -> None:
    """Make the pages of lists short, and retries immediate."""
    patch.setattr(retries, "FIRST_WAIT_SECONDS", 0.0)
    set_page_sizes(patch, PAGE)
    patch.setattr(pool, "IDLE_SECONDS", 0.0)
    patch.setattr(twitter_posts, "PAGE", SMALLEST_PAGE)


def scene(platform: Platform) -> Scene:
    """Return the scene of a platform; its simulator's clock stands still."""
    now = INSTANT
    simulator = Simulated.at(now)
    world = simulator.state.world
    account, gone = next(
        (account, one)
        for account in (world.account(platform, index) for index in range(500))
        if sum(post.visible(now) for post in world.posts(account, now - _NEW, now)) > PAGE
        for one in world.posts(account, now - _OLD, now - _NEW)
        if one.metric_type != "story" and not one.visible(now)
    )
    if RETIRED[platform]:
        simulator.state.faults.active = [Fault("retired_metric", metric=RETIRED[platform])]
    posts = [post for post in world.posts(account, now - _OLD, now) if post.visible(now)]
    known = [post for post in posts if now - _YOUNG < post.published_at < now - _NEW]
    due = [_known(post) for post in (*known, gone, posts[0])]
    access = Access(account.platform_account_id, credentials(account))
    return Scene(platform, simulator, access, now - _YOUNG, due, [(now - timedelta(days=n)).date() for n in (3, 4)])


def _known(post: SimPost) -> Post:
    return Post(post.platform_post_id, post.metric_type, post.content_type, post.published_at)


def values(reading: AccountReading) -> dict[str, Any]:
    """Return the numbers of each post."""
    return {post.platform_post_id: dict(found.metrics) for post, found in reading.posts}
