"""A simulated list of posts with three styles of paging, for tests of `pipelines.platforms.paging`.

| style    | as | a page begins |
|----------|----|---------------|
| `cursor` | Instagram, Facebook | after the item that the cursor names, which may have been deleted since |
| `offset` | LinkedIn | after a number of items: pages shift when posts come and go |
| `since`  | X | after the item of the token, among those that are newer than `since_id` |
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading, Reading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import BadAnswer, PlatformError, TooMuchData
from pipelines.platforms.limits import PostBudget
from pipelines.platforms.memory import ListMemory, Memory
from pipelines.platforms.pages import Page, Place
from pipelines.platforms.paging import PostList, walk

Style = Literal["cursor", "offset", "since"]
Quirk = Literal["loop", "unclear", "empty", "hidden", "ended", "odd"]
"""The ways in which an answered page can be wrong.

| quirk | the page |
|-------|----------|
| `loop` | names itself as the next one |
| `unclear` | does not tell whether there is a next one |
| `empty` | is empty, and the next page has its items |
| `hidden` | is empty, and the next page begins after its items |
| `ended` | is empty, and the list seems to end there |
| `odd` | has a first item that cannot be parsed |
"""

STYLES: tuple[Style, ...] = ("cursor", "offset", "since")

NAME = "list"
SIZE = 20
START = datetime(2026, 11, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = timedelta(days=90)


@dataclass
class ServerList:
    """The platform's side of a list: items from the newest to the oldest, with ids that grow with time."""

    style: Style
    now: datetime = START
    items: list[Post] = field(default_factory=list)
    pinned: Post | None = None
    longest_page: int = SIZE
    epoch: int = 0
    """Cursors of an earlier epoch are no longer valid."""
    fetches: int = 0
    failures: dict[int, PlatformError | Quirk] = field(default_factory=dict)
    """Errors and quirks by the number of the fetch that they hit, from 1."""
    _made: int = 0

    def publish(self, count: int, every: timedelta = timedelta(seconds=1), until: datetime | None = None) -> None:
        """Add `count` items on top, the last one published at `until`."""
        end = until or self.now
        for place in range(count):
            self._made += 1
            self.items.insert(0, Post(str(self._made), "post", "image", end - every * (count - 1 - place)))

    def pin(self, age: timedelta) -> None:
        """Put an old item on top of the list."""
        self._made += 1
        self.pinned = Post(str(self._made), "post", "image", self.now - age)

    def take_down(self, places: Iterable[int]) -> None:
        """Delete items by their positions."""
        gone = {place % len(self.items) for place in places} if self.items else set()
        self.items = [item for place, item in enumerate(self.items) if place not in gone]

    def fetch(self, place: Place, size: int) -> Page:
        """Return one page, or fail as planned in `failures`."""
        self.fetches += 1
        trouble = self.failures.get(self.fetches)
        if isinstance(trouble, PlatformError):
            raise trouble
        if size > self.longest_page:
            raise TooMuchData("ask for less")
        if place and place.get("epoch") != str(self.epoch):
            raise BadAnswer("the cursor is not valid")
        shown = [*([self.pinned] if self.pinned else []), *self.items]
        shown, begin = self._from(shown, place)
        page = shown[begin : begin + size]
        following = self._next(place, page, begin + size) if len(shown) > begin + size else None
        items = [_item(post) for post in page]
        if trouble == "loop":
            return Page(items, place or {"epoch": str(self.epoch)})
        if trouble == "unclear":
            return Page(items, None, is_clear=False)
        if trouble == "empty" and items:
            return Page([], {**place, "epoch": str(self.epoch), "again": place.get("again", "") + "x"})
        if trouble == "hidden":
            return Page([], following)
        if trouble == "ended":
            return Page([], None)
        if trouble == "odd" and items:
            return Page([{"at": items[0]["at"]}, *items[1:]], following)
        return Page(items, following)

    def _from(self, shown: list[Post], place: Place) -> tuple[list[Post], int]:
        if self.style == "offset":
            return shown, int(place.get("start", 0))
        since = int(place.get("since_id", 0))
        newer = [post for post in shown if int(post.platform_post_id) > since]
        if "after" not in place:
            return newer, 0
        behind = (n for n, post in enumerate(newer) if post is not self.pinned and _number(post) < int(place["after"]))
        return newer, next(behind, len(newer))

    def _next(self, place: Place, page: list[Post], end: int) -> Place:
        epoch = {"epoch": str(self.epoch)}
        if self.style == "offset":
            return {**epoch, "start": str(end)}
        last = page[-1]
        after = str(int(self.items[0].platform_post_id) + 1) if last is self.pinned else last.platform_post_id
        since = {"since_id": place["since_id"]} if "since_id" in place else {}
        return {**epoch, **since, "after": after}


def _number(post: Post) -> int:
    return int(post.platform_post_id)


def _item(post: Post) -> dict[str, Any]:
    return {"id": post.platform_post_id, "at": post.published_at}


@dataclass
class Reader:
    """Reads a list hour by hour, as collection does: returned posts become known, the memory is stored and loaded."""

    server: ServerList
    budget: PostBudget | None = None
    memory: Memory = field(default_factory=Memory)
    brought: dict[str, Post] = field(default_factory=dict)
    last: AccountReading = field(init=False)
    tally: Tally = field(init=False)

    def read(self) -> None:
        """Read once; if the walk raises an error, the memory stays unchanged, and no post becomes known."""
        self.server.fetches = 0
        memory = Memory.of(self.memory.kept())
        self.tally, self.last = Tally(), AccountReading(Reading(self.server.now))
        found: dict[str, Post] = {}
        list_memory = memory.list(NAME)
        for parsed in walk(self._list(list_memory), list_memory, self.last, self.tally):
            found |= {post.platform_post_id: post for post in parsed.posts}
        self.brought |= found
        self.memory = memory

    @property
    def broke_off(self) -> str | None:
        """The reason why the last reading broke off, if it did."""
        return self.last.failures.get(NAME)

    @property
    def missing(self) -> set[str]:
        """The ids of young items of the list that were not returned to the reader, or with other facts."""
        since = self.server.now - WINDOW
        young = [post for post in self.server.items if post.published_at is not None and post.published_at >= since]
        return {post.platform_post_id for post in young if self.brought.get(post.platform_post_id) != post}

    def _list(self, memory: ListMemory) -> PostList:
        style = self.server.style

        def fetch(place: Place, size: int) -> Page:
            newest = {"since_id": memory.mark, "epoch": str(self.server.epoch)} if memory.mark is not None else {}
            return self.server.fetch(place or newest, size)

        mark_of: Callable[[Iterable[str]], str] | None = None
        if style == "since":
            mark_of = lambda ids: str(max(int(one) for one in ids))  # noqa: E731
        return PostList(
            NAME,
            fetch,
            lambda item: Post(item["id"], "post", "image", item["at"]),
            self.brought.keys(),
            self.server.now - WINDOW,
            SIZE,
            1,
            self.budget,
            mark_of=mark_of,
            gap_at=(lambda place: {**place, "start": str(max(int(place.get("start", 0)) - SIZE // 2, 0))})
            if style == "offset"
            else dict,
        )
