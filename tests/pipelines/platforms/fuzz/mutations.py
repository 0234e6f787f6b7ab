"""Mutations of JSON answers, as seen in real APIs: missing keys, null or text for a number, too large numbers."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

Path = tuple[str | int, ...]

_DEEP = 200


def places(body: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every value in a body, beginning with the body itself (the empty path)."""
    yield path
    items = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def at(body: Any, path: Path) -> Any:
    """Return the value at a path; None if the path does not exist."""
    for step in path:
        try:
            body = body[step]
        except (LookupError, TypeError):
            return None
    return body


def put(body: Any, path: Path, value: Any) -> Any:
    """Return a copy of a body with another value at a path."""
    if not path:
        return value
    copy: Any = dict(body) if isinstance(body, dict) else list(body)
    copy[path[0]] = put(body[path[0]], path[1:], value)
    return copy


def without(body: Any, path: Path) -> Any:
    """Return a copy of a body without the value at a path."""
    if not path:
        return {}
    parent = at(body, path[:-1])
    if isinstance(parent, dict):
        return put(body, path[:-1], {key: value for key, value in parent.items() if key != path[-1]})
    return put(body, path[:-1], [value for place, value in enumerate(parent) if place != path[-1]])


def _deep() -> Any:
    found: Any = {"id": None}
    for _ in range(_DEEP):
        found = [found]
    return found


VALUES: dict[str, Any] = {
    "null": None,
    "text": "many",
    "empty text": "",
    "digits": "12",
    "true": True,
    "false": False,
    "zero": 0,
    "negative": -17,
    "a fraction": 0.5,
    "2^63": 2**63,
    "2^64 - 1": 2**64 - 1,
    "beyond 64 bits": 1.8446744073709552e19,
    "as large as floats get": 1.7e308,
    "an empty list": [],
    "an empty object": {},
    "nested nulls": {"value": {"value": None}, "id": None, "data": [None, [None]]},
    "a list of nulls": [None, None],
    "deeply nested": _deep(),
}
"""Values that replace the value at a path."""

CONTAINERS: dict[str, Callable[[Any], Any]] = {
    "in a list": lambda value: [value],
    "in an object": lambda value: {"value": value},
    "reversed": lambda value: _ordered(value, reverse=True),
    "rotated": lambda value: _ordered(value, reverse=False),
    "doubled": lambda value: value * 2 if isinstance(value, list) else value,
    "first half": lambda value: _cut(value, first=True),
    "second half": lambda value: _cut(value, first=False),
    "null in between": lambda value: [one for each in value for one in (each, None)] if _is_list(value) else value,
}
"""Functions that change the value at a path."""

DROPPED = "dropped"
KINDS = (DROPPED, *VALUES, *CONTAINERS)


def mutated(body: Any, path: Path, kind: str) -> Any:
    """Return a copy of a body with the value at a path changed in the way `kind`."""
    if kind == DROPPED:
        return without(body, path)
    return put(body, path, VALUES[kind] if kind in VALUES else CONTAINERS[kind](at(body, path)))


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _ordered(value: Any, *, reverse: bool) -> Any:
    if isinstance(value, dict):
        return dict(reversed(value.items())) if reverse else value
    if isinstance(value, list):
        return value[::-1] if reverse else value[1:] + value[:1]
    return value


def _cut(value: Any, *, first: bool) -> Any:
    if not isinstance(value, list | str):
        return value
    half = (len(value) + 1) // 2
    return value[:half] if first else value[half:]


def numbers_in(body: Any) -> Iterator[int | float]:
    """Yield every number of a body, also those that are texts of digits, as YouTube's are."""
    if isinstance(body, bool):
        return
    if isinstance(body, str) and body.removeprefix("-").isdecimal() and len(body) < 25:
        yield int(body)
    if isinstance(body, int | float):
        yield body
    for value in body.values() if isinstance(body, dict) else body if isinstance(body, list) else ():
        yield from numbers_in(value)


def opened(body: Any) -> Any:
    """Return a body with the elements of a batch decoded."""
    if not isinstance(body, list):
        return body
    return [{**one, "body": orjson.loads(one["body"])} if isinstance(one, dict) else one for one in body]


def closed(body: Any) -> Any:
    """Return a body with the elements of a batch encoded, as it is sent."""
    if not isinstance(body, list):
        return body
    return [
        {**one, "body": orjson.dumps(one["body"]).decode()} if isinstance(one, dict) and "body" in one else one
        for one in body
    ]
