"""Reads an account and its posts from the Graph API, for Instagram and Facebook: node, lists and posts in batches."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from metrics.clock import utcnow
from metrics.documents import Platform
from pipelines.platforms.answers import id_of, name_of
from pipelines.platforms.data.access import Access, Identity
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import AccountUnreachable, PermissionMissing, PlatformError, PostGone, WrongIdentity
from pipelines.platforms.graph.answers import parsing_answer
from pipelines.platforms.graph.client import Get, GraphApi, Result
from pipelines.platforms.graph.days import DayMetrics
from pipelines.platforms.graph.insights import TESTED, PostNumbers
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.pages import Page, Place, cursor
from pipelines.platforms.paging import Fetch, PostList, descend, walk
from pipelines.platforms.quarantine import Quarantine

PAGE = 50
MOST_PUT_OFF = 24
"""Maximum number of consecutive readings in which a list waits for the list that has to be read before it."""

_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of posts: its edge, the fields to request, the parser of an item, and whether it contains old posts."""

    edge: str
    fields: str
    post_of: Callable[[Mapping[str, Any]], Post]
    ages: bool = True
    skips: Callable[[Mapping[str, Any]], bool] = lambda _: False
    after: str | None = None
    """The list that has to be read before this one, because it determines which items to skip."""
    twin_of: Callable[[Post], str | None] = lambda _: None
    """Returns the other id under which a post of the list may be known."""
    content_fields: str = ""
    """The fields of a post's content, which are requested only if content is stored."""


class GraphPosts(ABC):
    """Reads accounts and their posts; subclasses tell where each platform has the numbers."""

    name: ClassVar[Platform]
    account_fields: ClassVar[str]
    numbers_type: ClassVar[type[PostNumbers]]
    names_accounts_by_one_id: bool = True
    """True if the `id` of an account's node equals the id under which it was requested."""

    def __init__(self, graph: GraphApi, quarantine: Quarantine, *, content: bool) -> None:
        self._graph = graph
        self._content = content
        """Whether to request the content of posts; not once the API has refused a field of it."""
        self._posts = self.numbers_type(graph, quarantine)
        self._day_metrics = DayMetrics(quarantine)

    @abstractmethod
    def account_numbers(self, node: Mapping[str, Any]) -> Numbers:
        """Return the levels (current counts) in an account's node."""

    @abstractmethod
    def handle(self, node: Mapping[str, Any]) -> object:
        """Return the name under which the platform shows the account."""

    @abstractmethod
    def listings(self, reels: Collection[str]) -> Sequence[Listing]:
        """Return the lists to read, in this order; `reels` has all ids of known reels."""

    def read(self, access: Access, wanted: Wanted, tally: Tally) -> AccountReading:
        """Return the current numbers of the account, its due and its new posts, in one batch and a second for new ones.

        Raises:
            AccountUnreachable: the account does not exist, or this token may not read it.
            WrongIdentity: the answer is about another account.
            PlatformError: nothing could be read.
        """
        listings, account_id = self.listings(_reels(wanted)), access.platform_account_id
        sizes = [self._first_size(listing, wanted) for listing in listings]
        gets = [
            Get(account_id, {"fields": self.account_fields}),
            *(self._listing(account_id, listing, {}, size) for listing, size in zip(listings, sizes, strict=True)),
            *self._posts.gets(wanted.due, wanted.memory),
        ]
        node, *results = self._graph.batch(access.token, gets, tally)
        reading = self._account(access, node)
        for listing, size, first in zip(listings, sizes, results, strict=False):
            if not _put_off(listing, wanted, reading):
                self._list(access, listing, (size, first), wanted, reading, tally)
        news = wanted.posts_to_read(reading.listed)
        # A due post whose kind turns out to be another one was requested with the wrong metrics: it is read again.
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
        for listing in listings:
            whole = AccountReading(Reading(utcnow()))
            what = self._post_list(listing, self._fetch(access, listing, tally), wanted)
            for parsed in descend(what, wanted.memory.list(listing.edge), whole, tally):
                page = AccountReading(Reading(utcnow()))
                page.listed.update({post.platform_post_id: post for post in parsed.posts})
                page.same.update(_twins(listing, parsed.posts, wanted))
                if news := wanted.posts_to_read(page.listed):
                    self._posts.read(access, news, wanted, page, tally)
                yield page
            if whole.failures:
                yield whole
            if listing.edge in whole.failures and any(other.after == listing.edge for other in listings):
                # The list that depends on this one is read only after this one's end was reached.
                return
            if tally.limited is not None:
                return

    def identify(self, access: Access, tally: Tally) -> Identity:
        """Return which account the credentials can read.

        Raises:
            AccountUnreachable: the account does not exist, or this token may not read it.
            WrongIdentity: the answer is about another account.
            PlatformError: the account could not be read.
        """
        (node,) = self._graph.batch(
            access.token, [Get(access.platform_account_id, {"fields": self.account_fields})], tally
        )
        return Identity(access.platform_account_id, self._account(access, node).handle)

    def _account(self, access: Access, node: Result) -> AccountReading:
        if isinstance(node, PostGone | PermissionMissing):
            # The answer is the same for a deleted and a converted account, and for one this token may not read.
            raise AccountUnreachable(str(node))
        if isinstance(node, PlatformError):
            raise node
        with parsing_answer():
            name = id_of(node["id"], _NUMBER)
            # Older versions of Tidemark stored ids as they were typed, some with leading zeros.
            if self.names_accounts_by_one_id and name != access.platform_account_id.lstrip("0"):
                raise WrongIdentity(f"the answer is about the account {name}: connect the right one again")
            numbers, handle = self.account_numbers(node), self.handle(node)
            return AccountReading.of(numbers, name_of(handle))

    def _first_size(self, listing: Listing, wanted: Wanted) -> int:
        remembered = wanted.memory.list(listing.edge).size
        return min(PAGE, remembered * 2) if remembered else PAGE

    def _listing(self, account_id: str, listing: Listing, place: Place, size: int) -> Get:
        """Return the request for one page of a list."""
        fields = f"{listing.fields},{listing.content_fields}" if self._content else listing.fields
        return Get(f"{account_id}/{listing.edge}", {"fields": fields, "limit": str(size), **place})

    def _post_list(self, listing: Listing, fetch: Fetch, wanted: Wanted) -> PostList:
        def post_of(item: Any) -> Post:
            post = wanted.with_stored_kind(listing.post_of(item))
            # Content that was not requested is unknown, and not missing.
            return post if self._content else replace(post, content=None)

        since = wanted.since if listing.ages else None
        return PostList(listing.edge, fetch, post_of, wanted.listed, since, PAGE, skips=listing.skips)

    def _list(
        self,
        access: Access,
        listing: Listing,
        first: tuple[int, Result],
        wanted: Wanted,
        reading: AccountReading,
        tally: Tally,
    ) -> None:
        """Read a list whose first page came with the batch; add the posts young enough to follow to `reading`."""
        what = self._post_list(listing, self._fetch(access, listing, tally, first), wanted)
        for parsed in walk(what, wanted.memory.list(listing.edge), reading, tally):
            # A post may come twice: one published between two requests shifts the last post of a page onto the next.
            for post in parsed.posts:
                reading.listed.setdefault(post.platform_post_id, post)
        reading.same |= _twins(listing, reading.listed.values(), wanted)

    def _fetch(self, access: Access, listing: Listing, tally: Tally, first: tuple[int, Result] | None = None) -> Fetch:
        """Return the function that fetches pages of a list; `first` is the size and result of a first page, if read."""

        def fetch(place: Place, size: int) -> Page:
            if first is not None and not place and size == first[0]:
                answer = first[1]
            else:
                (answer,) = self._graph.batch(
                    access.token, [self._listing(access.platform_account_id, listing, place, size)], tally
                )
            if _refuses_content(listing, answer):
                # The numbers of new posts must not be lost with a field that the version of the API no longer has.
                self._content = False
                (answer,) = self._graph.batch(
                    access.token, [self._listing(access.platform_account_id, listing, place, size)], tally
                )
            if isinstance(answer, PlatformError):
                raise answer
            with parsing_answer():
                return Page.of(answer["data"], lambda: next_place(answer.get("paging") or {}), answer)

        return fetch


def _refuses_content(listing: Listing, answer: Result) -> bool:
    """Tell whether an answer refuses a field of the content: `Tried accessing nonexisting field (full_picture)`."""
    message = str(answer).lower() if isinstance(answer, PlatformError) else ""
    return "nonexisting field" in message and any(f"({one})" in message for one in listing.content_fields.split(","))


def _reels(wanted: Wanted) -> set[str]:
    reels = {name for name, post in wanted.known.items() if post.metric_type == "reel"}
    return reels | {name.rpartition("_")[2] for name in wanted.same}


def _put_off(listing: Listing, wanted: Wanted, reading: AccountReading) -> bool:
    """Tell whether to leave a list for a later reading because the list before it failed; for `MOST_PUT_OFF` readings.

    Its new posts are then found later. If it were read now, it could return known posts again, under another id.
    """
    if listing.after is None:
        return False
    memory = wanted.memory.list(listing.edge)
    if listing.after not in reading.failures or memory.put_off >= MOST_PUT_OFF:
        memory.put_off = 0 if listing.after not in reading.failures else memory.put_off
        return False
    memory.put_off += 1
    reading.failures[listing.edge] = f"left for the next hour: {listing.after} has to be read before it"
    return True


def _twins(listing: Listing, posts: Iterable[Post], wanted: Wanted) -> dict[str, str]:
    """Return the ids of known posts that a list contains under another id, with these other ids."""
    if not any("_" in name for name in wanted.known):
        return {}
    known = {name.rpartition("_")[2]: name for name in wanted.known if "_" in name}
    pairs = [(listing.twin_of(post), post.platform_post_id) for post in posts]
    return {known[twin]: name for twin, name in pairs if twin in known and known[twin] != name}


def next_place(paging: Mapping[str, Any]) -> Place | None:
    """Return the place of the next page: a cursor, or a time in some lists; None at the end, where `next` is missing.

    If the answer has no cursors, the place is taken from the query of the URL in `next`. That URL is never requested,
    because it may point to another host, which would receive the token.

    Raises:
        ValueError, TypeError: there is a next page, but its place is missing.
    """
    if paging.get("next") is None:
        return None
    if after := (paging.get("cursors") or {}).get("after"):
        return {"after": cursor(after)}
    query = dict(parse_qsl(urlsplit(cursor(paging["next"])).query))
    place: Place = {name: query[name] for name in ("after", "until", "__paging_token") if name in query}
    if not place:
        raise ValueError("the URL of the next page has no cursor")
    return place
