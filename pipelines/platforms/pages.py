"""Pages of a list, as they are answered: their items, where the next one begins, and what tells them apart."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from pipelines.platforms.answers import UNEXPECTED, items_of

Place = Mapping[str, str]
"""Where a page begins, as parameters of the platform's own; empty for the newest page."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list as it was answered; `following` is where the next one begins, None at the end.

    `is_clear` is False where the answer does not say in a known form whether the list goes on, and where.
    """

    items: Sequence[Any]
    following: Place | None
    body: Mapping[str, Any] = field(default_factory=dict)
    is_clear: bool = True

    @classmethod
    def of(cls, items: object, following: Callable[[], Place | None], body: Mapping[str, Any]) -> "Page":
        """Return the page of an answer; `following` reads out of it where the next one begins.

        Raises:
            TypeError: the items are no list.
        """
        try:
            place = following()
        except UNEXPECTED:
            return cls(items_of(items), None, body, is_clear=False)
        return cls(items_of(items), place, body)


def cursor(value: object) -> str:
    """Return what an answer names as the place of a page.

    Raises:
        ValueError: it can be none.
    """
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError(f"a cursor is a {type(value).__name__}")
    return str(value)


class InARow:
    """Counts pages in a row without a young post (`old`) or a new one (`known`), in items that were asked for."""

    def __init__(self, enough: int) -> None:
        self._enough = enough
        self._old, self._known = 0, 0

    def count(self, asked: int, *, has_young: bool, has_news: bool) -> None:
        """Count a page that was asked for so many items."""
        self._old = 0 if has_young else self._old + asked
        self._known = 0 if has_news else self._known + asked

    @property
    def old(self) -> bool:
        """Whether the end of what is followed is reached."""
        return self._old >= self._enough

    @property
    def known(self) -> bool:
        """Whether the walk has come to what the list brought before."""
        return self._known >= self._enough


def key_of(value: object) -> str:
    """Return what tells places and items apart; values too deep to serialise are compared by type and length alone."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        return f"{type(value).__name__} of {len(value) if isinstance(value, list | dict) else 1}"
