"""Reads the pins of one Pinterest account: their list, which has their numbers, and missing pins one by one.

Facts: docs/platform-facts.md#pinterest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pipelines.platforms.answers import items_of
from pipelines.platforms.base import AccountReading, Post, Tally, Wanted
from pipelines.platforms.errors import BadAnswer, PostGone
from pipelines.platforms.list_reader import ListReader
from pipelines.platforms.numbers import Numbers
from pipelines.platforms.pages import Page, Place, cursor
from pipelines.platforms.paging import ENOUGH_IN_A_ROW, PostList
from pipelines.platforms.pinterest.answers import is_older, is_saved, listed_post, parsing_answer, post_numbers

PAGE = 250
PINS, PAST, SINGLE = "pins", "pins of the past", "pins by id"
MOST_SINGLE = 40
"""Pins that are requested one by one in a reading; the others are left for the next hour."""

Ask = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""Sends a GET request for a path with parameters; returns the body."""


class Posts(ListReader):
    """Reads the pins of one account, and adds their numbers to `reading`."""

    def __init__(self, ask: Ask, wanted: Wanted, reading: AccountReading, tally: Tally) -> None:
        super().__init__(wanted, reading, tally)
        self._ask = ask

    def read(self) -> None:
        """Read the list as far as pins are followed, then the due pins that it does not have.

        The list has the numbers of up to 250 pins per call; other calls have those of one. So the list is read to its
        end in each hour, and the numbers of due and new pins are taken from it.

        Raises:
            NeedsReauth: nothing more can be read with this token.
        """
        self._read_list(self._list(PINS, listed=()))
        if PINS not in self._reading.failures:
            self._look_up([post for post in self._wanted.due if self._is_missing(post.platform_post_id)])

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
        return {str(item["id"]): item for item in items_of(body["items"]) if isinstance(item, Mapping) and "id" in item}

    def _look_up(self, posts: Sequence[Post]) -> None:
        """Request pins one by one; those that Pinterest does not show are gone."""
        for number, post in enumerate(posts):
            if self._tally.limited or self._tally.quota_used or number == MOST_SINGLE:
                self._reading.failures[SINGLE] = f"{len(posts) - number} are left for the next hour"
                return
            with self._reading.part(post.platform_post_id, self._tally):
                self._look_up_one(post.platform_post_id)

    def _look_up_one(self, pin_id: str) -> None:
        """Request one pin.

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
