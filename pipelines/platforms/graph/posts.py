"""Accounts of the Graph API, as Instagram and Facebook share them: the node, its lists, and its posts in batches."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from metrics.clock import utcnow
from metrics.documents import Platform
from pipelines.platforms.answers import id_of, name_of
from pipelines.platforms.base import Access, AccountReading, Identity, Post, Reading, Tally, Wanted
from pipelines.platforms.errors import AccountUnreachable, PermissionMissing, PlatformError, PostGone, WrongIdentity
from pipelines.platforms.graph.answers import understood
from pipelines.platforms.graph.client import Get, GraphApi, Result
from pipelines.platforms.graph.days import DayMetrics
from pipelines.platforms.graph.insights import TESTED, PostNumbers
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.pages import Page, Place, cursor
from pipelines.platforms.paging import Fetch, PostList, descend, walk
from pipelines.platforms.quarantine import Quarantine

PAGE = 50
MOST_PUT_OFF = 24
"""Readings in a row in which a list waits for the one that has to be read before it."""

_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of posts: its edge, the fields to ask for, how an item is read, and whether it holds old posts."""

    edge: str
    fields: str
    post_of: Callable[[Mapping[str, Any]], Post]
    ages: bool = True
    skips: Callable[[Mapping[str, Any]], bool] = lambda _: False
    after: str | None = None
    """The list that has to be read before this one, because it tells what to skip."""
    twin_of: Callable[[Post], str | None] = lambda _: None
    """Returns the other id that a post of the list may be known by."""


class GraphPosts(ABC):
    """Reads accounts and their posts; a platform says where their numbers stand."""

    name: ClassVar[Platform]
    account_fields: ClassVar[str]
    numbers_type: ClassVar[type[PostNumbers]]
    names_accounts_by_one_id: bool = True
    """Whether the `id` of an account's node is the id that it was asked by."""

    def __init__(self, graph: GraphApi, quarantine: Quarantine) -> None:
        self._graph = graph
        self._posts = self.numbers_type(graph, quarantine)
        self._day_metrics = DayMetrics(quarantine)

    @abstractmethod
    def account_numbers(self, node: Mapping[str, Any]) -> Numbers:
        """Return the levels of an account's node."""

    @abstractmethod
    def handle(self, node: Mapping[str, Any]) -> object:
        """Return the name under which the platform shows the account."""

    @abstractmethod
    def listings(self, reels: Collection[str]) -> Sequence[Listing]:
        """Return the lists of one reading, in the order in which they are read; `reels` are all ids of known reels."""

    def read(self, access: Access, wanted: Wanted, tally: Tally) -> AccountReading:
        """Return what the account, its due posts and its new ones say now: one batch, and a second for what is new.

        Raises:
            AccountUnreachable: the account is not there, or not for this token.
            WrongIdentity: the answer is of another account.
            PlatformError: nothing could be read.
        """
        listings, account_id = self.listings(_reels(wanted)), access.platform_account_id
        sizes = [self._first_size(one, wanted) for one in listings]
        gets = [
            Get(account_id, {"fields": self.account_fields}),
            *(_listing(account_id, one, {}, size) for one, size in zip(listings, sizes, strict=True)),
            *self._posts.gets(wanted.due, wanted.memory),
        ]
        node, *results = self._graph.batch(access.token, gets, tally)
        reading = self._account(access, node)
        for one, size, first in zip(listings, sizes, results, strict=False):
            if not _put_off(one, wanted, reading):
                self._list(access, one, (size, first), wanted, reading, tally)
        news = wanted.news(reading.listed)
        # A due post that turns out to be of another kind was asked for the metrics of the wrong one.
        again = {post.platform_post_id for post in news}
        found = zip(wanted.due, results[len(listings) :], strict=True)
        left_out = again | reading.same.keys()
        pairs = [(post, result) for post, result in found if post.platform_post_id not in left_out]
        self._posts.take(access, pairs, wanted, reading, tally)
        if news:
            self._posts.read(access, news, wanted, reading, tally)
        if reading.insights_granted:
            wanted.memory.without_insights = False
        elif reading.insights_denied >= TESTED:
            wanted.memory.without_insights = True
        return reading

    def read_past(self, access: Access, wanted: Wanted, tally: Tally) -> Iterator[AccountReading]:
        """Yield the pages of the lists, each with the numbers of its posts that are not known.

        Raises:
            NeedsReauth: nothing more can be read with this token.
            PlatformError: the numbers of a page could not be read; the memory is then ahead of what was yielded.
        """
        listings = self.listings(_reels(wanted))
        for one in listings:
            whole = AccountReading(Reading(utcnow()))
            what = _post_list(one, self._fetch(access, one, tally), wanted)
            for taken in descend(what, wanted.memory.list(one.edge), whole, tally):
                page = AccountReading(Reading(utcnow()))
                page.listed.update({post.platform_post_id: post for post in taken.posts})
                page.same.update(_twins(one, taken.posts, wanted))
                if news := wanted.news(page.listed):
                    self._posts.read(access, news, wanted, page, tally)
                yield page
            if whole.failures:
                yield whole
            if one.edge in whole.failures and any(other.after == one.edge for other in listings):
                # The other list is read when the end of this one was reached.
                return
            if tally.limited is not None:
                return

    def identify(self, access: Access, tally: Tally) -> Identity:
        """Return which account the credentials can read.

        Raises:
            AccountUnreachable: the account is not there, or not for this token.
            WrongIdentity: the answer is of another account.
            PlatformError: it could not be asked.
        """
        (node,) = self._graph.batch(
            access.token, [Get(access.platform_account_id, {"fields": self.account_fields})], tally
        )
        return Identity(access.platform_account_id, self._account(access, node).handle)

    def _account(self, access: Access, node: Result) -> AccountReading:
        if isinstance(node, PostGone | PermissionMissing):
            # The same body says «deleted», «converted» and «not for this token».
            raise AccountUnreachable(str(node))
        if isinstance(node, PlatformError):
            raise node
        with understood():
            name = id_of(node["id"], _NUMBER)
            # Older versions stored ids as they were typed, with leading zeros at times.
            if self.names_accounts_by_one_id and name != access.platform_account_id.lstrip("0"):
                raise WrongIdentity(f"the answer is of the account {name}: connect the right one again")
            numbers, handle = self.account_numbers(node), self.handle(node)
            reading = AccountReading(Reading(utcnow(), numbers.metrics, numbers.unavailable))
            reading.handle = name_of(handle)
            reading.note_odd("the account", numbers.odd)
        return reading

    def _first_size(self, one: Listing, wanted: Wanted) -> int:
        remembered = wanted.memory.list(one.edge).size
        return min(PAGE, remembered * 2) if remembered else PAGE

    def _list(
        self,
        access: Access,
        one: Listing,
        first: tuple[int, Result],
        wanted: Wanted,
        reading: AccountReading,
        tally: Tally,
    ) -> None:
        """Read a list whose first page came with the batch, and note the posts that are young enough to follow."""
        what = _post_list(one, self._fetch(access, one, tally, first), wanted)
        for taken in walk(what, wanted.memory.list(one.edge), reading, tally):
            # A post published between two pages moves the last of the first one onto the second.
            for post in taken.posts:
                reading.listed.setdefault(post.platform_post_id, post)
        reading.same |= _twins(one, reading.listed.values(), wanted)

    def _fetch(self, access: Access, one: Listing, tally: Tally, first: tuple[int, Result] | None = None) -> Fetch:
        """Return what reads the pages of a list; `first` is the newest page, with its size, where it was read."""

        def fetch(place: Place, size: int) -> Page:
            if first is not None and not place and size == first[0]:
                answer = first[1]
            else:
                (answer,) = self._graph.batch(
                    access.token, [_listing(access.platform_account_id, one, place, size)], tally
                )
            if isinstance(answer, PlatformError):
                raise answer
            with understood():
                return Page.of(answer["data"], lambda: _next_place(answer.get("paging") or {}), answer)

        return fetch


def _post_list(one: Listing, fetch: Fetch, wanted: Wanted) -> PostList:
    def post_of(item: Any) -> Post:
        return wanted.settled(one.post_of(item))

    since = wanted.since if one.ages else None
    return PostList(one.edge, fetch, post_of, wanted.listed, since, PAGE, skips=one.skips)


def _reels(wanted: Wanted) -> set[str]:
    reels = {name for name, post in wanted.known.items() if post.metric_type == "reel"}
    return reels | {name.rpartition("_")[2] for name in wanted.same}


def _put_off(one: Listing, wanted: Wanted, reading: AccountReading) -> bool:
    """Tell whether a list is left for a later reading, because the one before it could not be read; for a day at most.

    What is new in it comes later then. Read now, it could bring posts a second time, under another id.
    """
    if one.after is None:
        return False
    memory = wanted.memory.list(one.edge)
    if one.after not in reading.failures or memory.put_off >= MOST_PUT_OFF:
        memory.put_off = 0 if one.after not in reading.failures else memory.put_off
        return False
    memory.put_off += 1
    reading.failures[one.edge] = f"left for the next hour: {one.after} has to be read before it"
    return True


def _twins(one: Listing, posts: Iterable[Post], wanted: Wanted) -> dict[str, str]:
    """Return ids of known posts that are the same as posts of a list, with the ids of these."""
    if not any("_" in name for name in wanted.known):
        return {}
    known = {name.rpartition("_")[2]: name for name in wanted.known if "_" in name}
    pairs = [(one.twin_of(post), post.platform_post_id) for post in posts]
    return {known[twin]: name for twin, name in pairs if twin in known and known[twin] != name}


def _listing(account_id: str, one: Listing, place: Place, size: int) -> Get:
    """Return the read of one page of a list."""
    return Get(f"{account_id}/{one.edge}", {"fields": one.fields, "limit": str(size), **place})


def _next_place(paging: Mapping[str, Any]) -> Place | None:
    """Return where the next page begins: by cursor, or by time in some lists; None at the end, which has no `next`.

    The cursor is read out of the address where the cursors are left out. The address itself is never called: it may
    lead elsewhere, and the token would go with it.

    Raises:
        ValueError, TypeError: there is a next page, but it does not say where.
    """
    if paging.get("next") is None:
        return None
    if after := (paging.get("cursors") or {}).get("after"):
        return {"after": cursor(after)}
    query = dict(parse_qsl(urlsplit(cursor(paging["next"])).query))
    place: Place = {name: query[name] for name in ("after", "until", "__paging_token") if name in query}
    if not place:
        raise ValueError("the next page has no place")
    return place
