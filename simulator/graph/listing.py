"""Lists of the Graph API, paged by cursor, with their faults.

Facts: docs/platform-facts.md#meta-errors, #meta-batches-and-lists.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any, TypeVar
from urllib.parse import urlencode

from simulator.faults import Target
from simulator.graph.call import Call, Params
from simulator.graph.errors import GraphError
from simulator.world import FURTHEST

LONGEST_PAGE = 100
_KEPT = ("fields", "limit", "after", "since", "until")
_One = TypeVar("_One")


def page_number(params: Params) -> int:
    """Return the number of the requested page of a list; 1 is the first."""
    limit, after = params.get("limit") or "25", params.get("after") or "0"
    if not (limit.isdecimal() and after.isdecimal() and int(limit)):
        return 1
    return int(after) // min(int(limit), LONGEST_PAGE) + 1


def page(
    call: Call, path: str, items: Iterable[_One], row: Callable[[_One], dict[str, Any]], params: Params
) -> dict[str, Any]:
    """Return one page of a list, paged by cursor; the last page has `after` too and lacks only `next`.

    Only the items up to the end of the page are drawn, and one more to know whether there is a next page.

    Raises:
        GraphError: a parameter is invalid, or a fault says that too much data is requested.
    """
    aim = call.aimed(path.partition("/")[0], path, page_number(params))
    start, limit = _bounds(params)
    if aim.strike_first("too_much_data", lambda fault: limit > fault.value):
        message = "Please reduce the amount of data you're asking for, then retry your request"
        raise GraphError(1, message, status=500)
    found = list(islice(items, start + limit + 1))
    chosen, more = found[start : start + limit], len(found) > start + limit
    end = start + len(chosen)
    if found and aim.strike("repeated_cursor"):
        chosen, end, more = chosen or found[:limit], start or limit, True
    if not chosen:
        return {"data": []}
    after = str(end)
    if aim.strike("empty_page"):
        # Another cursor for the same position: clients take a repeated cursor for one that does not advance.
        chosen, after, more = [], f"0{params.get('after') or start}", True
    paging: dict[str, Any] = {"cursors": {"before": str(start), "after": after}}
    if more:
        kept = {name: value for name, value in params.items() if name in _KEPT}
        again = {"access_token": call.reader.token, **kept, "limit": str(limit), "after": after}
        paging["next"] = f"{call.base_url}/{call.version}/{path}?{urlencode(again)}"
    return {"data": [row(one) for one in chosen], "paging": paging}


def _bounds(params: Params) -> tuple[int, int]:
    """Return the start of a page and its maximum number of items."""
    try:
        start, limit = int(params.get("after", "0") or 0), int(params.get("limit", 25))
    except ValueError:
        raise GraphError(100, "(#100) Invalid parameter") from None
    if start < 0 or limit < 0:
        raise GraphError(100, "(#100) Invalid parameter")
    return min(start, FURTHEST), min(limit, LONGEST_PAGE)


def apply_list_faults(
    aim: Target, items: Iterator[_One], name_of: Callable[[_One], str], find: Callable[[str], _One | None]
) -> Iterator[_One]:
    """Yield the items of a list under faults: without hidden items, and with a pinned one first.

    `find` returns the item with an id, or None if it does not belong to the list.
    """
    if not aim.faults.active:
        return items
    fault = aim.strike("pinned")
    top = find(str(fault.value)) if fault else None
    shown = (one for one in items if top is None or name_of(one) != name_of(top))
    whole = chain([top] if top is not None else [], shown)
    return (one for one in whole if not aim.hides_in_lists(name_of(one)))
