"""Batches of the Graph API: their elements, and how one of them takes what another one found (platforms.md, 1.5).

`{result=friends:$.data.*.id}` in a URL is what the element named `friends` found there, separated by commas. An element
that others refer to comes back as null where it succeeded, unless it says `"omit_response_on_success": false`. One that
refers to an element that failed is not carried out, and comes back as null as well.
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
    """One element of a batch; `needs` are the names of those that it refers to, or that it says it depends on."""

    relative_url: str
    name: str | None
    needs: frozenset[str]
    omitted: bool


def elements_of(text: str) -> list[Element]:
    """Return the elements of a batch.

    Raises:
        GraphError: it is no list of them, or there are too many.
    """
    try:
        asked = json.loads(text)
    except ValueError:
        asked = None
    if not isinstance(asked, list) or not all(
        isinstance(one, dict) and isinstance(one.get("relative_url"), str) for one in asked
    ):
        raise GraphError(100, "(#100) batch parameter must be a JSON array")
    if len(asked) > MAX_BATCH:
        error = GraphError(0, f"Too many requests in batch message. Maximum batch size is {MAX_BATCH}")
        error.body["type"] = "GraphBatchException"
        del error.body["code"]
        raise error
    return [_element(one) for one in asked]


def _element(asked: Mapping[str, Any]) -> Element:
    url = asked["relative_url"]
    needs = {name for name, _ in _RESULT.findall(url)} if _BEGIN in url else set[str]()
    if asked.get("depends_on"):
        needs.add(str(asked["depends_on"]))
    omitted = asked.get("omit_response_on_success", True) is not False
    return Element(url, asked.get("name"), frozenset(needs), omitted)


def referred(elements: Sequence[Element]) -> set[str]:
    """Return the names of the elements that others need."""
    return {name for element in elements for name in element.needs}


def filled(url: str, found: Mapping[str, Any]) -> str:
    """Return a URL with what other elements found in it.

    Raises:
        GraphError: an element found nothing there.
    """

    def result(match: re.Match[str]) -> str:
        values = _at(found[match[1]], match[2])
        if not values:
            raise GraphError(2500, "Cannot specify an empty identifier")
        return ",".join(quote(str(value), safe="") for value in values)

    return _RESULT.sub(result, url) if _BEGIN in url else url


def _at(body: Any, path: str) -> list[Any]:
    """Return what stands at a JSONPath of keys, indices and stars."""
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
