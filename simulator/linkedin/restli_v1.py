"""Reading Rest.li 1.0 query strings: what applies where a call names no protocol version.

Mappings are dotted names, `timeIntervals.timeRange.start=1`; lists are numbered, `shares[0]=…&shares[1]=…`, or a name
that comes again, `ids=1&ids=2`. Nothing else is syntax: URNs stand as they are, and `List(…)` and `(…)` are plain text.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_plus

from simulator.linkedin.restli import Malformed

_STEP = re.compile(r"([^.\[\]]+)((?:\[\d+\])*)")
_MOST_ITEMS = 10_000


def parse_query(query: str, lists: Iterable[str] = ()) -> dict[str, Any]:
    """Return the parameters: text, lists and mappings; those named in `lists` are lists of one item too.

    Raises:
        Malformed: names the parameter.
    """
    found: dict[str, Any] = {}
    for part in query.split("&"):
        name, equals, text = part.partition("=")
        if equals:
            _put(found, unquote_plus(name), unquote_plus(text))
    params: dict[str, Any] = {name: _closed(name, value) for name, value in found.items()}
    for name in lists:
        if isinstance(params.get(name), str):
            params[name] = [params[name]]
    return params


def _put(found: dict[str, Any], name: str, text: str) -> None:
    """Put a value where its name leads; numbers of a list are keys until all of it was read."""
    way = _way(name)
    place: Any = found
    for step in way[:-1]:
        place = place.setdefault(step, {})
        if not isinstance(place, dict):
            raise Malformed(name)
    last = way[-1]
    if last not in place:
        place[last] = text
    elif isinstance(place[last], str | list):
        known = place[last]
        place[last] = [*known, text] if isinstance(known, list) else [known, text]
    else:
        raise Malformed(name)


def _way(name: str) -> list[str | int]:
    way: list[str | int] = []
    for part in name.split("."):
        step = _STEP.fullmatch(part)
        if step is None:
            raise Malformed(name)
        way += [step[1], *(int(number) for number in re.findall(r"\d+", step[2]))]
    return way


def _closed(name: str, value: Any) -> Any:
    """Return a value with what was numbered as lists, in the order of the numbers."""
    if not isinstance(value, dict):
        return value
    numbers = [key for key in value if isinstance(key, int)]
    if not numbers:
        return {key: _closed(name, one) for key, one in value.items()}
    if len(numbers) != len(value) or len(numbers) > _MOST_ITEMS:
        raise Malformed(name)
    return [_closed(name, value[number]) for number in sorted(numbers)]
