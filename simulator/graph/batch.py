"""Batches of the Graph API: their elements, and references to results of other elements.

Facts: docs/platform-facts.md#meta-batches-and-lists.

`{result=friends:$.data.*.id}` in a URL stands for the values at this JSONPath in the answer of the element named
`friends`, separated by commas. If other elements refer to an element and it succeeds, it comes back as null, unless it
has `"omit_response_on_success": false`. An element that refers to a failed one is not executed, and comes back as null
as well.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from simulator.graph.errors import GraphError

MAX_BATCH = 50
_RESULT = re.compile(r"\{result=([\w-]+):(\$[^}]*)\}")
_BEGIN = "{result="
_STEP = re.compile(r"\.(\w+|\*)|\[(\d+|\*)\]")


@dataclass(slots=True)
class Element:
    """One element of a batch; `needs` are the names of elements that it refers to, or names in `depends_on`."""

    relative_url: str
    name: str | None
    needs: frozenset[str]
    omitted: bool


def elements_of(text: str) -> list[Element]:
    """Return the elements of a batch.

    Raises:
        GraphError: the text is no list of elements, or has too many.
    """
    try:
        requested = json.loads(text)
    except ValueError:
        requested = None
    if not isinstance(requested, list) or not all(
        isinstance(one, dict) and isinstance(one.get("relative_url"), str) for one in requested
    ):
        raise GraphError(100, "(#100) batch parameter must be a JSON array")
    if len(requested) > MAX_BATCH:
        error = GraphError(0, f"Too many requests in batch message. Maximum batch size is {MAX_BATCH}")
        error.body["type"] = "GraphBatchException"
        del error.body["code"]
        raise error
    return [_element(one) for one in requested]


def _element(requested: Mapping[str, Any]) -> Element:
    url = requested["relative_url"]
    needs = {name for name, _ in _RESULT.findall(url)} if _BEGIN in url else set[str]()
    if requested.get("depends_on"):
        needs.add(str(requested["depends_on"]))
    omitted = requested.get("omit_response_on_success", True) is not False
    return Element(url, requested.get("name"), frozenset(needs), omitted)


def referenced_names(elements: Sequence[Element]) -> set[str]:
    """Return the names of the elements that other elements need."""
    return {name for element in elements for name in element.needs}


def resolve_references(url: str, found: Mapping[str, Any]) -> str:
    """Return a URL with its references replaced by results of other elements.

    Raises:
        GraphError: a reference has no value.
    """

    def result(match: re.Match[str]) -> str:
        values = _at(found[match[1]], match[2])
        if not values:
            raise GraphError(2500, "Cannot specify an empty identifier")
        return ",".join(quote(str(value), safe="") for value in values)

    return _RESULT.sub(result, url) if _BEGIN in url else url


def _at(body: Any, path: str) -> list[Any]:
    """Return the values at a JSONPath of keys, indices and stars."""
    steps = [key or index for key, index in _STEP.findall(path)]
    if "$" + "".join(match[0] for match in _STEP.finditer(path)) != path:
        raise GraphError(100, f"(#100) Invalid JSONPath: {path}")
    places = [body]
    for step in steps:
        places = [one for place in places for one in _below(place, step)]
    return places


def _below(place: Any, step: str) -> list[Any]:
    if isinstance(place, dict):
        return list(place.values()) if step == "*" else [place[step]] if step in place else []
    if isinstance(place, list):
        if step == "*":
            return place
        return [place[int(step)]] if step.isdecimal() and int(step) < len(place) else []
    return []
