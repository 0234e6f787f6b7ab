"""Patches: changes of one place of an answer, for quirks of form that have no kind of fault of their own.

`at` of a fault is the path to the place, in steps separated by dots, such as `data.0.shares.count`, or a JSON pointer,
`/data/0/shares/count`, if a key contains a dot. A step is

* the key of an object, or the number of an item of a list, from its end if negative;
* `*`: every item of a list, and every value of an object;
* `[name=reach]`: every item of a list that has the field with this value, compared as text. In a JSON pointer, the
  field may be one of an inner object: `/feed/[post.cid=bafy]/post`.

If an answer lacks a step before the last one, it stays as it is: a patch of `data.*.message` changes no error.
If the last step names a missing key, the key is added. An empty `at` means the whole answer.

`Graph` patches its answers itself, those within a batch one by one, and sets `Answer.patched`.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from simulator.faults import Fault, Target
from simulator.world import World

_COUNTS = frozenset(["count", "total_count", "value"])
"""Fields that hold a count whose name is beside or above them, as in the Graph API's insights."""


def spoilt_body(body: Any, aim: Target, world: World) -> Any:
    """Return a body with the faults `all_zeros`, `vanished_metric` and `patch` that hit a call."""
    if aim.strike("all_zeros"):
        platforms = world.platforms.values()
        body = zeroed(body, _COUNTS.union(*(one.levels.keys() | one.counters.keys() for one in platforms)))
    for fault in aim.strikes("vanished_metric"):
        body = without(body, str(fault.metric))
    for fault in aim.strikes("patch"):
        body = patched(body, fault)
    return body


def zeroed(body: Any, counts: Collection[str]) -> Any:
    """Return a copy of a body in which each number, or text of digits, under a key of `counts` is 0."""
    if isinstance(body, list):
        return [zeroed(item, counts) for item in body]
    if not isinstance(body, dict):
        return body
    return {key: _zero(value) if key in counts else zeroed(value, counts) for key, value in body.items()}


def _zero(value: Any) -> Any:
    if isinstance(value, str) and value.isdecimal():
        return "0"
    return 0 if isinstance(value, int | float) and not isinstance(value, bool) else zeroed(value, _COUNTS)


def without(body: Any, metric: str) -> Any:
    """Return a copy of a body without a metric: its keys, and the items of lists that have it as `name`."""
    if isinstance(body, list):
        kept = (item for item in body if not (isinstance(item, dict) and item.get("name") == metric))
        return [without(item, metric) for item in kept]
    if not isinstance(body, dict):
        return body
    return {key: without(value, metric) for key, value in body.items() if key != metric}


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
    way, _, value = step.strip("[]").partition("=")

    def is_chosen(item: Any) -> bool:
        for field in way.split("."):
            if not isinstance(item, dict) or field not in item:
                return False
            item = item[field]
        return str(item) == value

    return is_chosen
