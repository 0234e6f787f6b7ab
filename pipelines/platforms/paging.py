"""Pagination for all platforms: walks the pages of a list, and resumes an interrupted walk in a later reading.

A list is walked from its newest item on. The first walk goes to the end, or to the age at which posts are no longer
followed; later walks stop once pages contain only items that the list returned before (`ENOUGH_IN_A_ROW`). When a walk
breaks off, the place is remembered as a *gap*; the next walk reads the newest pages first, and then resumes at the gap.

One unreadable item, or one empty page inside a list, is not taken as final: the list is read to its end again
(`pipelines.platforms.doubts`).

A walk always ends, even if the platform's cursors do not: a cursor that was seen before, or a page that only repeats
items of this walk, ends it with a failure that says so.
"""

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pipelines.platforms.answers import UNEXPECTED
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.doubts import EMPTY_PAGE, MOST_READINGS, WITHOUT_ID, Doubts
from pipelines.platforms.errors import NeedsReauth, PlatformError, RateLimited, TooMuchData, Transient
from pipelines.platforms.limits import PostBudget, Reserved
from pipelines.platforms.memory import ListMemory
from pipelines.platforms.pages import Page, PageStreak, Place, key_of

EMPTY_PAGES = 5
"""Consecutive empty pages that a walk tolerates: hidden items leave pages empty.

Facts: docs/platform-facts.md#meta-batches-and-lists.
"""

MOST_PAGES = 40
"""Maximum number of pages read of a list in one reading; the rest of a longer list is read in the next hour."""

ENOUGH_IN_A_ROW = 10
"""A walk ends after consecutive pages without new posts whose requested sizes add up to this number of items. A single
old item is not enough: it may be pinned, and pages may have to be as short as one item."""

MOST_GAPS = 3
"""Maximum number of gaps remembered per list; with more, the list is walked anew from beginning to end."""

MOST_STUCK = 3
"""Consecutive readings that may fail to get further at a gap; then the list is walked anew."""

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """A page whose items were parsed: the posts that are young enough to be followed, and the body of the answer."""

    posts: list[Post]
    body: Mapping[str, Any]


class Fetch(Protocol):
    """Reads one page of `size` items, beginning at a place. Raises a leaf of `pipelines.platforms.errors`."""

    def __call__(self, place: Place, size: int) -> Page:
        """Return the page."""
        ...


@dataclass(frozen=True)
class PostList:
    """Describes a list of posts: how to fetch a page, how to parse an item, and how far to read.

    `listed` are the ids that the list returned earlier. Posts published before `since` are not followed; it is None if
    the list contains no old posts. Pages are requested with `size` items, and never with fewer than `smallest`.
    """

    name: str
    fetch: Fetch
    post_of: Callable[[Any], Post]
    listed: Collection[str]
    since: datetime | None
    size: int
    smallest: int = 1
    budget: PostBudget | None = None
    skips: Callable[[Any], bool] = lambda _: False
    """Tells whether an item is not one of the account's own posts; of such an item only the age is used."""
    mark_of: Callable[[Iterable[str]], str] | None = None
    """Returns the newest of some ids, for a platform that can be asked for items newer than an id."""
    gap_at: Callable[[Place], Place] = dict
    """Returns the place to resume at, given where a walk broke off. It must be an earlier one if places shift when
    items are deleted."""


def walk(what: PostList, memory: ListMemory, reading: AccountReading, tally: Tally) -> Iterator[ParsedPage]:
    """Yield the pages of a list that may contain new posts, and update `memory`.

    A failure is noted in `reading.failures` under the list's name; the pages read before it stay valid. A rate limit is
    noted in `tally.limited` too: after it, no more requests may be sent.

    Raises:
        NeedsReauth: nothing more can be read with this token; the memory is unchanged.
    """
    walker = _Walker(what, memory, reading, tally)
    yield from walker.newest()
    for gap in list(memory.gaps):
        if tally.limited is not None or walker.stopped:
            break
        yield from walker.gap(gap)
    walker.doubts.settle(complete=not walker.stopped and not memory.gaps)


def descend(what: PostList, memory: ListMemory, reading: AccountReading, tally: Tally) -> Iterator[ParsedPage]:
    """Yield the pages of a list from its newest item to its end, each page once, over as many readings as this takes.

    `memory` must be separate from the memory of `walk`. When a page is yielded, `memory` already tells where the next
    page begins. The caller saves it after the page is stored; a later call then continues there, even if this one was
    killed. `memory` is `done` at the end; a list that is done is not read again until its memory is forgotten. Failures
    and limits are noted as in `walk`.

    Raises:
        NeedsReauth: nothing more can be read with this token; the memory tells where to continue.
    """
    if not memory.done:
        yield from _Walker(what, memory, reading, tally).down()


class _Walker:
    """The walk of one list in one reading."""

    def __init__(self, what: PostList, memory: ListMemory, reading: AccountReading, tally: Tally) -> None:
        self._what, self._memory, self._reading, self._tally = what, memory, reading, tally
        # A refused page size may be accepted later: each reading starts with twice the size that last succeeded.
        self._size = min(what.size, (memory.size or what.size) * 2)
        self._left = MOST_PAGES
        self._asked = 0
        self._brought: list[str] = []
        self._refused = False
        self._goes_down = False
        self._in_gap = False
        self._saw_items = False
        self._asked_again = False
        self._without_id = 0
        self.doubts = Doubts(memory)
        self.stopped = False

    def newest(self) -> Iterator[ParsedPage]:
        """Walk from the newest page to known items, or to the end of a list that was never walked before."""
        memory = self._memory
        broken_at = yield from self._pages({}, to_the_end=not memory.begun)
        self.stopped = broken_at is not None
        if broken_at is not None and (self._refused or not broken_at):
            # Refused, or broken off without a place to resume at: which older items are missing is then not known.
            if self._brought:
                memory.forget()
            return
        if broken_at is None and not self._saw_items:
            # An entirely empty list may be a mistake: leave the memory unchanged, so that the next walk goes as far.
            return
        memory.begun = True
        if self._what.mark_of is not None and self._brought:
            memory.mark = self._what.mark_of([*self._brought, *([memory.mark] if memory.mark else ())])
        if broken_at:
            memory.gaps.insert(0, dict(self._what.gap_at(broken_at)))
        if len(memory.gaps) > MOST_GAPS:
            memory.forget()

    def gap(self, place: dict[str, str]) -> Iterator[ParsedPage]:
        """Walk from the place where an earlier walk broke off to the end."""
        memory = self._memory
        self._refused, self._in_gap = False, True
        broken_at = yield from self._pages(place, to_the_end=True)
        self.stopped = broken_at is not None
        if broken_at is None:
            memory.gaps.remove(place)
            memory.stuck = 0
        elif broken_at and broken_at != place:
            memory.gaps[memory.gaps.index(place)] = dict(self._what.gap_at(broken_at))
            memory.stuck = 0
        else:
            memory.stuck += 1
            if self._refused or memory.stuck >= MOST_STUCK:
                # The place may have expired: the next reading walks the whole list again, and finds the missing items.
                memory.forget()

    def down(self) -> Iterator[ParsedPage]:
        """Walk to the end, from where an earlier walk broke off or from the newest page; update memory at each page."""
        memory, self._goes_down = self._memory, True
        place = memory.gaps[0] if memory.gaps else {}
        memory.begun, memory.gaps = True, [place]
        broken_at = yield from self._pages(place, to_the_end=True)
        if broken_at is None:
            memory.gaps = []
            repeats = bool(memory.odd) and memory.again < MOST_READINGS - 1
            memory.again, memory.odd = memory.again + 1 if repeats else 0, {}
            if repeats:
                memory.forget()
        elif not broken_at or (broken_at == place and self._refused):
            # The list goes round in circles, or the place has expired: the next reading begins with the newest page.
            memory.forget()

    def _remember_next(self, following: Place | None) -> None:
        """Remember where the next page begins, in a walk that remembers each page (`down`)."""
        if self._goes_down:
            self._memory.gaps = [] if following is None else [dict(self._what.gap_at(following))]

    def _pages(self, place: Place, *, to_the_end: bool) -> Generator[ParsedPage, None, Place | None]:
        """Yield the pages from a place on.

        Return None if the walk reached its end, else the place where it broke off: empty if it cannot be resumed.
        """
        places, seen, empty = {key_of(place)}, set[str](), 0
        gaps = {key_of(gap) for gap in self._memory.gaps}
        streak = PageStreak(min(self._what.size, ENOUGH_IN_A_ROW))
        while True:
            page = self._confirmed_page(place)
            if page is None:
                return place
            keys = {key_of(item["id"] if isinstance(item, Mapping) and "id" in item else item) for item in page.items}
            if page.items and keys <= seen and page.following is not None:
                return self._broken({}, "a page repeats what was read before: the list does not advance")
            seen |= keys
            own, skipped = self._parsed(page.items)
            young = [post for post in own if self._is_young(post)]
            news = [post for post in young if post.platform_post_id not in self._what.listed]
            if own or skipped:
                has_young = bool(young) or any(self._is_young(post) for post in skipped)
                streak.count(self._asked, has_young=has_young, has_news=bool(news))
            ends = streak.reached_old or (streak.reached_known and not to_the_end)
            if page.is_clear:
                self._remember_next(None if ends else page.following)
            yield ParsedPage(young, page.body)
            if ends:
                return None
            if not page.is_clear:
                return self._broken({}, "the answer does not say in a known form whether the list goes on")
            if page.following is None:
                return None
            place = page.following
            if not to_the_end and key_of(place) in gaps:
                # The rest is read by the walk of that gap.
                return None
            if key_of(place) in places:
                return self._broken({}, "its cursor does not advance: the next page is one that was read before")
            places.add(key_of(place))
            empty = 0 if page.items else empty + 1
            if empty > EMPTY_PAGES:
                return self._broken(place, f"{empty} empty pages in a row: it is read on in the next hour")

    def _confirmed_page(self, place: Place) -> Page | None:
        """Read one page; if it is empty, request it again at once, but only once per reading.

        An empty page is taken for a possible error, except for the first page of a list that has no further pages.
        """
        page = self._page(place)
        if page is None or page.items or not (place or page.following):
            self._saw_items |= page is not None and bool(page.items)
            return page
        if not self._asked_again:
            self._asked_again = True
            page = self._page(place)
        if page is not None and page.items:
            self._saw_items = True
        elif page is not None and place and not self._goes_down:
            self.doubts.note(EMPTY_PAGE, in_gap=self._in_gap)
        return page

    def _page(self, place: Place) -> Page | None:
        """Read one page, with fewer items if the platform demands that; return None if the walk breaks off."""
        if self._left == 0:
            self._broken(place, f"{MOST_PAGES} pages were read: it is read on in the next hour")
            return None
        self._left -= 1
        while True:
            reserved = self._reserved()
            size = reserved.posts
            if size == 0:
                self._broken(place, "the budget of distinct posts is used: it is read on when the budget begins anew")
                return None
            try:
                page = self._fetch(place, reserved)
            except TooMuchData as error:
                if size <= self._what.smallest:
                    self._broken(place, str(error))
                    return None
                self._size = self._memory.size = max(size // 2, self._what.smallest)
                continue
            if page is not None:
                self._memory.size = self._size if self._size < self._what.size else None
            return page

    def _fetch(self, place: Place, reserved: Reserved) -> Page | None:
        """Request one page and settle its items with the budget; return None if the walk breaks off.

        Raises:
            NeedsReauth: nothing more can be read with this token.
            TooMuchData: the page is too large for the platform.
        """
        page = None
        try:
            self._asked = reserved.posts
            page = self._what.fetch(place, reserved.posts)
        except (NeedsReauth, TooMuchData):
            raise
        except PlatformError as error:
            self._refused = not isinstance(error, RateLimited | Transient)
            if isinstance(error, RateLimited):
                self._tally.note_limit(error)
            self._broken(place, str(error))
        finally:
            if self._what.budget is not None:
                self._what.budget.settle(reserved, _billed(page))
        return page

    def _reserved(self) -> Reserved:
        """Return how many items the next page may have: 0 if the budget is too small for a page."""
        budget = self._what.budget
        return Reserved(self._size) if budget is None else budget.reserve(self._size, self._what.smallest)

    def _parsed(self, items: Sequence[Any]) -> tuple[list[Post], list[Post]]:
        """Return the account's own posts of a page, and the skipped ones; note items that cannot be parsed."""
        own: list[Post] = []
        skipped: list[Post] = []
        for item in items:
            try:
                post = self._what.post_of(item)
                (skipped if self._what.skips(item) else own).append(post)
            except UNEXPECTED as error:
                self._note_odd(item, error)
        self._brought += [post.platform_post_id for post in own]
        return own, skipped

    def _is_young(self, post: Post) -> bool:
        since = self._what.since
        return since is None or post.published_at is None or post.published_at >= since

    def _note_odd(self, item: object, error: Exception) -> None:
        """Note an item that cannot be parsed, and have the list read again for it, unless the post is known already."""
        item_id = item.get("id") if isinstance(item, Mapping) else None
        name = str(item_id)[:_LONGEST_NAME] if isinstance(item_id, str | int) and item_id else WITHOUT_ID
        what, why = f"{self._what.name}: item {name}", f"{type(error).__name__}: {error}"
        if name == WITHOUT_ID:
            self._without_id += 1
            what, why = f"{self._what.name}: an item without an id", f"{self._without_id} in all, the last one: {why}"
        self._reading.failures[what] = f"it has an unexpected form: {why}"
        if name in self._what.listed:
            return
        if self._goes_down:
            self._memory.odd[name] = 1
        else:
            self.doubts.note(name, in_gap=self._in_gap)

    def _broken(self, place: Place, why: str) -> Place:
        """Note why the walk breaks off; return the place where it does."""
        self._reading.failures[self._what.name] = why
        return place


def _billed(page: Page | None) -> list[str]:
    """Return a key for each item of a page: every item is billed, even one that cannot be parsed."""
    items = page.items if page is not None else ()
    return [
        str(item["id"]) if isinstance(item, Mapping) and isinstance(item.get("id"), str | int) else key_of(item)
        for item in items
    ]
