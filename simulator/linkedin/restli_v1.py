"""Parser of Rest.li 1.0 query strings, which apply if a call names no protocol version.

Mappings are dotted names, `timeIntervals.timeRange.start=1`; lists are numbered, `shares[0]=…&shares[1]=…`, or repeat a
name, `ids=1&ids=2`. There is no other syntax: URNs need no encoding, and `List(…)` and `(…)` are plain text.
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_plus

from simulator.linkedin.restli import Malformed

_STEP = re.compile(r"([^.\[\]]+)((?:\[\d+\])*)")
_MOST_ITEMS = 10_000


def parse_query(query: str, lists: Iterable[str] = ()) -> dict[str, Any]:
    """Return the parameters as text, lists and mappings; those in `lists` are lists even with a single item.

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
    """Store a value under the path of its name; list numbers are keys of a dict until all parameters are read."""
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
    """Return a value with its numbered dicts turned into lists, in the order of the numbers."""
    if not isinstance(value, dict):
        return value
    numbers = [key for key in value if isinstance(key, int)]
    if not numbers:
        return {key: _closed(name, one) for key, one in value.items()}
    if len(numbers) != len(value) or len(numbers) > _MOST_ITEMS:
        raise Malformed(name)
    return [_closed(name, value[number]) for number in sorted(numbers)]
