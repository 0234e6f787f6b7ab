"""One page of a paginated list: its items, the cursor of the next page, and keys to compare places and items."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from pipelines.platforms.answers import UNEXPECTED, items_of

Place = Mapping[str, str]
"""Where a page begins (its cursor or offset), in the platform's own parameters; empty for the newest page."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `following` is the place of the next page, None at the end.

    `is_clear` is False if the answer does not tell in a known form whether and where the list continues.
    """

    items: Sequence[Any]
    following: Place | None
    body: Mapping[str, Any] = field(default_factory=dict)
    is_clear: bool = True

    @classmethod
    def of(cls, items: object, following: Callable[[], Place | None], body: Mapping[str, Any]) -> "Page":
        """Return the page of an answer; `following` extracts the place of the next page from it.

        Raises:
            TypeError: `items` is not a list.
        """
        try:
            place = following()
        except UNEXPECTED:
            return cls(items_of(items), None, body, is_clear=False)
        return cls(items_of(items), place, body)


def cursor(value: object) -> str:
    """Return the cursor in an answer as text.

    Raises:
        ValueError: the value cannot be a cursor.
    """
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError(f"a cursor is a {type(value).__name__}")
    return str(value)


class PageStreak:
    """Counts consecutive pages without a young post (`reached_old`) or without a new one (`reached_known`).

    A page counts as many items as were requested for it; the properties are True from `enough` items on.
    """

    def __init__(self, enough: int) -> None:
        self._enough = enough
        self._old, self._known = 0, 0

    def count(self, asked: int, *, has_young: bool, has_news: bool) -> None:
        """Count a page for which `asked` items were requested."""
        self._old = 0 if has_young else self._old + asked
        self._known = 0 if has_news else self._known + asked

    @property
    def reached_old(self) -> bool:
        """True if the walk has reached posts too old to be followed."""
        return self._old >= self._enough

    @property
    def reached_known(self) -> bool:
        """True if the walk has reached posts that the list returned earlier."""
        return self._known >= self._enough


def key_of(value: object) -> str:
    """Return a key by which places and items are compared; for values too deep to serialise, their type and length."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        return f"{type(value).__name__} of {len(value) if isinstance(value, list | dict) else 1}"
