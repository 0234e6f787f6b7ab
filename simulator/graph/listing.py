"""Lists of the Graph API by cursor: one page, with what can be wrong with it (platforms.md, 1.4 and 1.5)."""

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
    """Return which page of a list is asked for; 1 is the first."""
    limit, after = params.get("limit") or "25", params.get("after") or "0"
    if not (limit.isdecimal() and after.isdecimal() and int(limit)):
        return 1
    return int(after) // min(int(limit), LONGEST_PAGE) + 1


def page(
    call: Call, path: str, items: Iterable[_One], row: Callable[[_One], dict[str, Any]], params: Params
) -> dict[str, Any]:
    """Return one page of a list by cursor; `after` stands on the last page too, only `next` is missing there.

    Of the items only those of the page are drawn and shown, and one more tells whether there is a next page.

    Raises:
        GraphError: a parameter is none, or a fault says that too much is asked for.
    """
    aim = call.aimed(path.partition("/")[0], path, page_number(params))
    start, limit = _bounds(params)
    if aim.first("too_much_data", lambda fault: limit > fault.value):
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
        # Another cursor for the same place: one that comes twice would not advance.
        chosen, after, more = [], f"0{params.get('after') or start}", True
    paging: dict[str, Any] = {"cursors": {"before": str(start), "after": after}}
    if more:
        kept = {name: value for name, value in params.items() if name in _KEPT}
        again = {"access_token": call.reader.token, **kept, "limit": str(limit), "after": after}
        paging["next"] = f"{call.base_url}/{call.version}/{path}?{urlencode(again)}"
    return {"data": [row(one) for one in chosen], "paging": paging}


def _bounds(params: Params) -> tuple[int, int]:
    """Return where a page begins, and how many items it has at most."""
    try:
        start, limit = int(params.get("after", "0") or 0), int(params.get("limit", 25))
    except ValueError:
        raise GraphError(100, "(#100) Invalid parameter") from None
    if start < 0 or limit < 0:
        raise GraphError(100, "(#100) Invalid parameter")
    return min(start, FURTHEST), min(limit, LONGEST_PAGE)


def arranged(
    aim: Target, items: Iterator[_One], name_of: Callable[[_One], str], find: Callable[[str], _One | None]
) -> Iterator[_One]:
    """Yield items as faults have them: without those that are taken out, and with what is pinned on top of them.

    `find` returns the item of an id, None where it does not belong to the list.
    """
    if not aim.faults.active:
        return items
    fault = aim.strike("pinned")
    top = find(str(fault.value)) if fault else None
    shown = (one for one in items if top is None or name_of(one) != name_of(top))
    whole = chain([top] if top is not None else [], shown)
    return (one for one in whole if not aim.takes_out(name_of(one)))
