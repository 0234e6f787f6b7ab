"""Reads the pins of one Pinterest account: their list, which has their numbers, and single pins that it lacks.

Facts: docs/platform-facts.md#pinterest.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from pipelines.platforms.answers import items_of
from pipelines.platforms.data.post import Post
from pipelines.platforms.data.readings import AccountReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.errors import BadAnswer, PlatformError, PostGone, RateLimited, Transient
from pipelines.platforms.list_reader import ListReader
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.pages import Page, Place, cursor
from pipelines.platforms.paging import ENOUGH_IN_A_ROW, PostList
from pipelines.platforms.pinterest.answers import is_older, is_saved, listed_post, parsing_answer, post_numbers
from pipelines.platforms.pinterest.top_pins import Ask, read_top_pins

PAGE = 250
PINS, PAST, SINGLE, TOP = "pins", "pins of the past", "pins by id", "top pins"
MOST_SINGLE = 40
"""Pins that are requested one by one in a reading; the others are left for the next hour."""
MOST_OLD = 10
"""Pins that are too old to be followed, and are requested one by one on a day; those on a page of the list are free."""


class Posts(ListReader):
    """Reads the pins of one account, and adds their numbers to `reading`."""

    def __init__(self, ask: Ask, wanted: Wanted, reading: AccountReading, tally: Tally) -> None:
        super().__init__(wanted, reading, tally)
        self._ask = ask
        self._older: dict[str, Mapping[str, Any]] | None = None

    def read(self, last: date) -> None:
        """Read the list as far as pins are followed, the due pins that it does not have, and old pins that still move.

        The list has the numbers of up to 250 pins per call; other calls have those of one. So the list is read to its
        end in each hour, and the numbers of due and new pins are taken from it. `last` is the newest day that Pinterest
        has counted: once for each, it is asked which pins were shown most.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        asked = self._wanted.memory.list(TOP)
        if asked.seen != last.isoformat():
            self._older = {}
        self._read_list(self._list(PINS, listed=()))
        if PINS in self._reading.failures:
            return
        due = [post.platform_post_id for post in self._wanted.due]
        self._look_up([name for name in due if self._is_missing(name)])
        if self._older is not None and not self._tally.limited and not self._tally.quota_used:
            with self._reading.part(TOP, self._tally):
                try:
                    self._read_old(self._older, last)
                except (RateLimited, Transient):
                    # These pass: it is asked again in the next hour. All else is asked again on the next day.
                    raise
                except PlatformError:
                    asked.seen = last.isoformat()
                    raise
                asked.seen = last.isoformat()

    def past(self) -> Iterator[AccountReading]:
        """Yield the pages of the list, each with the numbers of those of its pins that are not stored yet.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        for page in self._read_past(self._list(PAST, listed=self._wanted.listed)):
            # The rest of the past can wait until the quota begins anew.
            self._tally.limited = self._tally.limited or self._tally.quota_used
            yield page

    def _is_missing(self, pin_id: str) -> bool:
        """Tell whether the complete list lacks a due pin; of a deleted one, that is no news."""
        return pin_id not in self._reading.listed and pin_id not in self._wanted.deleted

    def _list(self, name: str, listed: Sequence[str] | Any) -> PostList:
        return PostList(name, self._page, listed_post, listed, self._wanted.since, PAGE, skips=is_saved)

    def _page(self, place: Place, size: int) -> Page:
        params = {"page_size": str(size), "pin_metrics": "true", "pin_filter": "exclude_repins", **place}
        body = self._ask("pins", params)
        with parsing_answer():
            items = items_of(body["items"])
            return Page.of(items, lambda: None if self._ends_old(items) else _following(body), body)

    def _ends_old(self, items: Sequence[Any]) -> bool:
        """Tell whether a page ends with so many pins that are not followed that no followed one comes after them."""
        last, since = items[-ENOUGH_IN_A_ROW:], self._wanted.since
        return len(last) == ENOUGH_IN_A_ROW and all(is_older(item, since) for item in last)

    def _items(self, body: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        items = {str(it["id"]): it for it in items_of(body["items"]) if isinstance(it, Mapping) and "id" in it}
        if self._older is not None:
            old = ((name, it) for name, it in items.items() if is_older(it, self._wanted.since) and not is_saved(it))
            self._older.update(old)
        return items

    def _read_old(self, older: Mapping[str, Mapping[str, Any]], last: date) -> None:
        """Read pins that are too old to be followed, and are among the most shown; `older` are those of the list.

        Raises:
            PlatformError: Pinterest did not tell which these are.
        """
        shown = read_top_pins(self._ask, last)
        old = [name for name in sorted(shown, key=lambda name: -shown[name]) if self._is_missing(name)]
        for name in old:
            if name in older:
                with self._reading.part(name, self._tally), parsing_answer():
                    self._put(listed_post(older[name]), older[name])
        self._look_up([name for name in old if name not in older][:MOST_OLD])

    def _look_up(self, pin_ids: Sequence[str]) -> None:
        """Request pins one by one; those that Pinterest does not show are gone."""
        for number, pin_id in enumerate(pin_ids):
            if self._tally.limited or self._tally.quota_used or number == MOST_SINGLE:
                self._reading.failures[SINGLE] = f"{len(pin_ids) - number} are left for the next hour"
                return
            with self._reading.part(pin_id, self._tally):
                self._look_up_one(pin_id)

    def _look_up_one(self, pin_id: str) -> None:
        """Request one pin; one that the account only saved is no post of it.

        Raises:
            PlatformError: it could not be read.
        """
        if not pin_id.isdecimal():
            raise BadAnswer("it is not the id of a pin")
        try:
            item = self._ask(f"pins/{pin_id}", {"pin_metrics": "true"})
        except PostGone:
            self._reading.gone.append(pin_id)
            return
        with parsing_answer():
            post = listed_post(item)
        if post.platform_post_id != pin_id:
            raise BadAnswer("the answer is about another pin")
        if item.get("is_owner") is False:
            raise BadAnswer("it is a pin of another account")
        if not is_saved(item):
            self._put(post, item)

    def _parsed(self, post: Post, item: Mapping[str, Any]) -> tuple[Post, Numbers]:
        numbers = post_numbers(post, item)
        if "provider_error" in numbers.unavailable.values() and not numbers.odd:
            self._reading.failures[post.platform_post_id] = "it has an unexpected form: it has no lifetime_metrics"
        return post, numbers


def _following(body: Mapping[str, Any]) -> Place | None:
    """Return the place of the next page; the bookmark of the last one is null.

    Raises:
        LookupError, ValueError: the answer has no bookmark, or an invalid one.
    """
    following = body["bookmark"]
    return None if following is None else {"bookmark": cursor(following)}
