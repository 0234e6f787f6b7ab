"""Lists that can be trusted: one way to walk the pages of any platform, and to go on where a walk broke off.

A list is walked from its newest item on. The first walk goes to the end, or to the age at which posts are no longer
followed; later ones stop at the first page that holds nothing but what the list had brought before. Where a walk breaks
off, the place is remembered as a *gap*, and the next walk reads on there after it has looked at the newest page.

What a page did not show is not believed at once: an item that cannot be read, or an empty page in the midst of a list,
has the list read to its end again (`pipelines.platforms.doubts`).

The platform alone does not decide when a walk ends: a cursor that was seen before, or a page that repeats what this
very walk has read, ends it with a failure that says so.
"""

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pipelines.platforms.answers import UNEXPECTED
from pipelines.platforms.base import AccountReading, Post, PostBudget, Reserved, Tally
from pipelines.platforms.doubts import EMPTY_PAGE, MOST_READINGS, WITHOUT_ID, Doubts
from pipelines.platforms.errors import NeedsReauth, PlatformError, RateLimited, TooMuchData, Transient
from pipelines.platforms.memory import ListMemory
from pipelines.platforms.pages import InARow, Page, Place, key_of

EMPTY_PAGES = 5
"""Empty pages in a row after which a walk breaks off: what is hidden leaves gaps in lists (platforms.md, 1)."""

MOST_PAGES = 40
"""Pages of one reading of a list; a longer list is read on in the next hour."""

ENOUGH_IN_A_ROW = 10
"""A walk ends after pages in a row without new posts that together had room for so many items. One item is not enough:
it may be pinned, and pages may have to be as short as that."""

MOST_GAPS = 3
"""Gaps that are remembered of a list; with more of them it is walked anew from its beginning to its end."""


MOST_STUCK = 3
"""Readings in a row that may come no further at a gap; then the list is walked anew."""

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Taken:
    """A page whose items were understood: the posts that are young enough to be followed, and the answer itself."""

    posts: list[Post]
    body: Mapping[str, Any]


class Fetch(Protocol):
    """Reads one page with `size` items, from a place on. Raises a leaf of `pipelines.platforms.errors`."""

    def __call__(self, place: Place, size: int) -> Page:
        """Return the page."""
        ...


@dataclass(frozen=True)
class PostList:
    """A list of posts of one platform: how a page is read, how an item is, and within which bounds.

    `listed` are the ids that the list brought at earlier times; `since` is the age at which posts are no longer
    followed, None where the list has no old ones. A page has `size` items, and `smallest` at the least.
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
    """Tells whether an item is no post of the account's own: its age counts, and nothing else of it."""
    mark_of: Callable[[Iterable[str]], str] | None = None
    """Returns the newest of some ids, for a platform that can be asked for what came after it."""
    gap_at: Callable[[Place], Place] = dict
    """Returns where a gap is read on: earlier than it broke off, where places move when items are taken down."""


def walk(what: PostList, memory: ListMemory, reading: AccountReading, tally: Tally) -> Iterator[Taken]:
    """Yield the pages of a list that may hold news, and bring `memory` up to date.

    A failure is noted in `reading.failures` under the list's name, and what was read before it stands. A limit is noted
    in `tally.limited` as well: nothing more may be asked.

    Raises:
        NeedsReauth: nothing more can be read with this token; the memory is as it was.
    """
    walker = _Walker(what, memory, reading, tally)
    yield from walker.newest()
    for gap in list(memory.gaps):
        if tally.limited is not None or walker.stopped:
            break
        yield from walker.gap(gap)
    walker.doubts.settle(complete=not walker.stopped and not memory.gaps)


def descend(what: PostList, memory: ListMemory, reading: AccountReading, tally: Tally) -> Iterator[Taken]:
    """Yield the pages of a list from its newest item to its end, each once over all the readings that this takes.

    `memory` is this purpose's own. When a page is yielded, `memory` tells already where the next one begins: kept after
    the page was stored, it lets a later call go on there, also where this one was killed. It is `done` at the end; a
    list that is done is read no more until its memory is forgotten. Failures and limits are noted as `walk` does.

    Raises:
        NeedsReauth: nothing more can be read with this token; the memory tells where to go on.
    """
    if not memory.done:
        yield from _Walker(what, memory, reading, tally).down()


class _Walker:
    """The walk of one list in one reading."""

    def __init__(self, what: PostList, memory: ListMemory, reading: AccountReading, tally: Tally) -> None:
        self._what, self._memory, self._reading, self._tally = what, memory, reading, tally
        # What was refused once may pass again: each reading tries twice as many items as the last one got.
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

    def newest(self) -> Iterator[Taken]:
        """Walk from the newest page on, to where the list is known, or to its end if it was never walked before."""
        memory = self._memory
        broken_at = yield from self._pages({}, to_the_end=not memory.begun)
        self.stopped = broken_at is not None
        if broken_at is not None and (self._refused or not broken_at):
            # Broken off before its first page; or at a place that is none, and then what lies beneath is not known.
            if self._brought:
                memory.forget()
            return
        if broken_at is None and not self._saw_items:
            # Nothing at all may be a mistake: the next walk goes as far as this one was to go.
            return
        memory.begun = True
        if self._what.mark_of is not None and self._brought:
            memory.mark = self._what.mark_of([*self._brought, *([memory.mark] if memory.mark else ())])
        if broken_at:
            memory.gaps.insert(0, dict(self._what.gap_at(broken_at)))
        if len(memory.gaps) > MOST_GAPS:
            memory.forget()

    def gap(self, place: dict[str, str]) -> Iterator[Taken]:
        """Walk from where an earlier walk broke off to the end."""
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
                # A place is not valid for ever: the next reading walks the whole list again and finds what is missing.
                memory.forget()

    def down(self) -> Iterator[Taken]:
        """Walk from where an earlier walk broke off, or from the newest page, to the end; remember after each page."""
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
            # It goes round in circles, or the place is valid no more: the next reading begins with the newest page.
            memory.forget()

    def _passed(self, following: Place | None) -> None:
        """Remember where the next page begins, where every page is remembered."""
        if self._goes_down:
            self._memory.gaps = [] if following is None else [dict(self._what.gap_at(following))]

    def _pages(self, place: Place, *, to_the_end: bool) -> Generator[Taken, None, Place | None]:
        """Yield pages from a place on.

        Return None where the walk ended well, else where it broke off; no place at all where it cannot go on.
        """
        places, seen, empty = {key_of(place)}, set[str](), 0
        gaps = {key_of(gap) for gap in self._memory.gaps}
        in_a_row = InARow(min(self._what.size, ENOUGH_IN_A_ROW))
        while True:
            page = self._believed(place)
            if page is None:
                return place
            keys = {key_of(item["id"] if isinstance(item, Mapping) and "id" in item else item) for item in page.items}
            if page.items and keys <= seen and page.following is not None:
                return self._broken({}, "a page repeats what was read before: the list does not advance")
            seen |= keys
            own, skipped = self._understood(page.items)
            young = [post for post in own if self._is_young(post)]
            news = [post for post in young if post.platform_post_id not in self._what.listed]
            if own or skipped:
                has_young = bool(young) or any(self._is_young(post) for post in skipped)
                in_a_row.count(self._asked, has_young=has_young, has_news=bool(news))
            ends = in_a_row.old or (in_a_row.known and not to_the_end)
            if page.is_clear:
                self._passed(None if ends else page.following)
            yield Taken(young, page.body)
            if ends:
                return None
            if not page.is_clear:
                return self._broken({}, "the answer does not say in a known form whether the list goes on")
            if page.following is None:
                return None
            place = page.following
            if not to_the_end and key_of(place) in gaps:
                # From there on an earlier walk is continued.
                return None
            if key_of(place) in places:
                return self._broken({}, "its cursor does not advance: the next page is one that was read before")
            places.add(key_of(place))
            empty = 0 if page.items else empty + 1
            if empty > EMPTY_PAGES:
                return self._broken(place, f"{empty} empty pages in a row: it is read on in the next hour")

    def _believed(self, place: Place) -> Page | None:
        """Read one page; one that is empty is asked for again at once, a single time in a reading.

        Any empty page may hide items, except for the newest one of a list that seems to have none.
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
        """Read one page, with fewer items where the platform asks for that; None where the walk breaks off."""
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
            page = None
            try:
                self._asked = size
                page = self._what.fetch(place, size)
            except NeedsReauth:
                raise
            except TooMuchData as error:
                if size <= self._what.smallest:
                    self._broken(place, str(error))
                    return None
                self._size = self._memory.size = max(size // 2, self._what.smallest)
                continue
            except PlatformError as error:
                self._refused = not isinstance(error, RateLimited | Transient)
                if isinstance(error, RateLimited):
                    self._tally.limited = error
                self._broken(place, str(error))
                return None
            finally:
                if self._what.budget is not None:
                    self._what.budget.settle(reserved, _billed(page))
            self._memory.size = self._size if self._size < self._what.size else None
            return page

    def _reserved(self) -> Reserved:
        """Return how many items the next page may have: 0 where the budget does not reach for a page."""
        budget = self._what.budget
        return Reserved(self._size) if budget is None else budget.reserve(self._size, self._what.smallest)

    def _understood(self, items: Sequence[Any]) -> tuple[list[Post], list[Post]]:
        """Return the account's own posts of a page, and those that are skipped; an odd item is left out and named."""
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
        """Note an item that cannot be read. It is lost only if it stays so; one that was read before never is."""
        told = item.get("id") if isinstance(item, Mapping) else None
        name = str(told)[:_LONGEST_NAME] if isinstance(told, str | int) and told else WITHOUT_ID
        what, said = f"{self._what.name}: item {name}", f"{type(error).__name__}: {error}"
        if name == WITHOUT_ID:
            self._without_id += 1
            what, said = f"{self._what.name}: an item without an id", f"{self._without_id} in all, the last one: {said}"
        self._reading.failures[what] = f"it has an unexpected form: {said}"
        if name in self._what.listed:
            return
        if self._goes_down:
            self._memory.odd[name] = 1
        else:
            self.doubts.note(name, in_gap=self._in_gap)

    def _broken(self, place: Place, why: str) -> Place:
        self._reading.failures[self._what.name] = why
        return place


def _billed(page: Page | None) -> list[str]:
    """Return what tells the items of a page apart: each is billed, also one that cannot be read."""
    items = page.items if page is not None else ()
    return [
        str(item["id"]) if isinstance(item, Mapping) and isinstance(item.get("id"), str | int) else key_of(item)
        for item in items
    ]
