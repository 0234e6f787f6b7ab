"""Patches: changes of one place of an answer, for quirks of form that have no kind of fault of their own.

`at` of a fault is the path to the place, in steps separated by dots, such as `data.0.shares.count`, or a JSON pointer,
`/data/0/shares/count`, if a key contains a dot. A step is

* the key of an object, or the number of an item of a list, from its end if negative;
* `*`: every item of a list, and every value of an object;
* `[name=reach]`: every item of a list that has the field with this value, compared as text.

If an answer lacks a step before the last one, it stays as it is: a patch of `data.*.message` changes no error.
If the last step names a missing key, the key is added. An empty `at` means the whole answer.

`Graph` patches its answers itself, those within a batch one by one, and sets `Answer.patched`.
"""

from collections.abc import Callable, Iterable
from typing import Any

from simulator.faults import Fault


def patched(body: Any, fault: Fault) -> Any:
    """Return a copy of a body with the place `fault.at` set to `fault.value`, or removed if `fault.delete` is set."""
    return _changed(body, steps(fault.at or ""), fault)


def steps(at: str) -> list[str]:
    """Return the steps of a path: a JSON pointer (RFC 6901) if it begins with a slash, else separated by dots."""
    if at.startswith("/"):
        return [step.replace("~1", "/").replace("~0", "~") for step in at[1:].split("/")]
    return at.split(".") if at else []


def _changed(body: Any, way: list[str], fault: Fault) -> Any:
    if not way:
        return None if fault.delete else fault.value
    step, rest = way[0], way[1:]
    if isinstance(body, dict):
        keys = list(body) if step == "*" else [step] if step in body or not (rest or fault.delete) else []
        return _object(body, keys, rest, fault)
    if isinstance(body, list):
        return _items(body, set(_places(body, step)), rest, fault)
    return body


def _object(body: dict[str, Any], keys: Iterable[str], rest: list[str], fault: Fault) -> dict[str, Any]:
    if fault.delete and not rest:
        gone = set(keys)
        return {key: value for key, value in body.items() if key not in gone}
    return body | {key: _changed(body.get(key), rest, fault) for key in keys}


def _items(body: list[Any], places: set[int], rest: list[str], fault: Fault) -> list[Any]:
    if fault.delete and not rest:
        return [item for place, item in enumerate(body) if place not in places]
    return [_changed(item, rest, fault) if place in places else item for place, item in enumerate(body)]


def _places(body: list[Any], step: str) -> Iterable[int]:
    """Return the positions of the list items that a step selects."""
    if step == "*":
        return range(len(body))
    if step.startswith("[") and "=" in step:
        return [place for place, item in enumerate(body) if _chosen(step)(item)]
    if step.removeprefix("-").isdecimal() and -len(body) <= int(step) < len(body):
        return [int(step) % len(body)]
    return []


def _chosen(step: str) -> Callable[[Any], bool]:
    field, _, value = step.strip("[]").partition("=")
    return lambda item: isinstance(item, dict) and field in item and str(item[field]) == value
