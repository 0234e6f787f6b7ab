"""Parser of Rest.li 2.0 query strings, as strict as the real API: encoded parentheses are plain text."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

_PROJECTIONS = ("fields", "projection")
"""Parameters that have a syntax of their own."""


class Malformed(ValueError):
    """Parameter that cannot be parsed; the message is its name."""


def parse_query(query: str) -> dict[str, Any]:
    """Return the parameters as text, lists and mappings; dotted names become mappings.

    Raises:
        Malformed: names the parameter.
    """
    found: dict[str, Any] = {}
    for part in query.split("&"):
        name, equals, text = part.partition("=")
        if not equals:
            continue
        value = unquote(text) if name in _PROJECTIONS else _whole(name, text)
        *outer, last = unquote(name).split(".")
        place = found
        for each in outer:
            place = place.setdefault(each, {})
        place[last] = value
    return found


def _whole(name: str, text: str) -> Any:
    value, rest = _value(name, text, top=True)
    if rest:
        raise Malformed(name)
    return value


def _value(name: str, text: str, *, top: bool = False) -> tuple[Any, str]:
    if text.startswith("List("):
        return _list(name, text[5:])
    if text.startswith("("):
        return _mapping(name, text[1:])
    end = len(text) if top else next((i for i, char in enumerate(text) if char in ",)("), len(text))
    if ":" in text[:end]:
        # A bare colon comes from an unencoded URN.
        raise Malformed(name)
    return unquote(text[:end]), text[end:]


def _list(name: str, text: str) -> tuple[list[Any], str]:
    values: list[Any] = []
    while not text.startswith(")"):
        value, text = _value(name, text)
        values.append(value)
        text = _next(name, text)
    return values, text[1:]


def _mapping(name: str, text: str) -> tuple[Mapping[str, Any], str]:
    values: dict[str, Any] = {}
    while not text.startswith(")"):
        key, colon, text = text.partition(":")
        if not colon:
            raise Malformed(name)
        values[unquote(key)], text = _value(name, text)
        text = _next(name, text)
    return values, text[1:]


def _next(name: str, text: str) -> str:
    if text.startswith(","):
        return text[1:]
    if not text.startswith(")"):
        raise Malformed(name)
    return text
