"""Parts of the rules for ids that several platforms share."""

import re
from collections.abc import Callable
from typing import NoReturn

from metrics.visible import visible

Refuse = Callable[[str], NoReturn]
"""Raises `InvalidInput` with the given reason."""

LARGEST = 2**63
"""Numeric ids are kept in signed 64-bit numbers; this is the first number that does not fit."""

_EXPONENT = re.compile(r"[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
_SHOWN = 32
"""A value longer than this is not shown in messages: it may be a token in the wrong column."""


def number(text: str, refuse: Refuse) -> str:
    """Return a whole number from 1 to 2^63 - 1 without leading zeros."""
    if _EXPONENT.fullmatch(text):
        refuse(f"{shown(text)} was rounded by a spreadsheet, and digits are lost: format the column as text there")
    refuse_address(text, refuse)
    if not re.fullmatch(r"[0-9]{1,40}", text):
        refuse(f"{shown(text)} is not a whole number")
    value = int(text)
    if value == 0:
        refuse("no account or post has the id 0")
    if value >= LARGEST:
        refuse(f"{shown(text)} is greater than any id (64 bits)")
    return str(value)


def handles(pattern: str) -> Callable[[str, Refuse], str]:
    """Return the normal form of handles: in lower case and without the `@`, if it matches a pattern as a whole."""
    form = re.compile(pattern)

    def normal(text: str, refuse: Refuse) -> str:
        refuse_address(text, refuse)
        found = text.removeprefix("@").lower()
        if not form.fullmatch(found):
            refuse(f"{shown(text)} is not a handle")
        return found

    return normal


def refuse_address(text: str, refuse: Refuse) -> None:
    """Refuse a web address, which users often give in place of an id."""
    if "://" in text or text.lower().startswith("www."):
        refuse("it is a web address")


def shown(text: str) -> str:
    """Return a text for a message; of a long one, only its length."""
    if not text:
        return "an empty text"
    return visible(text) if len(text) <= _SHOWN else f"a text of {len(text)} characters"
