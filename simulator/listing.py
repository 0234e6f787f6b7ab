"""Lists of the Graph API by cursor: which part is asked for, and one page of it (platforms.md, 1.5)."""

from typing import Any
from urllib.parse import urlencode

from simulator.graph_call import Call, Params
from simulator.graph_errors import GraphError

LONGEST_PAGE = 100


def page_number(params: Params) -> int:
    """Return which page of a list is asked for; 1 is the first."""
    limit, after = params.get("limit") or "25", params.get("after") or "0"
    if not (limit.isdecimal() and after.isdecimal() and int(limit)):
        return 1
    return int(after) // min(int(limit), LONGEST_PAGE) + 1


def page(items: list[dict[str, Any]], call: Call, path: str, params: Params) -> dict[str, Any]:
    """Return one page of a list by cursor; `after` stands on the last page too, only `next` is missing there."""
    try:
        limit = min(int(params.get("limit", 25)), LONGEST_PAGE)
        start = int(params.get("after", "0") or 0)
    except ValueError:
        raise GraphError(100, "(#100) Invalid parameter") from None
    chosen = items[start : start + limit]
    if chosen and call.state.faults.strike("empty_page", call.account.platform_account_id):
        chosen = []
    elif not chosen:
        return {"data": []}
    cursors = {"before": str(start), "after": str(start + len(chosen))}
    paging: dict[str, Any] = {"cursors": cursors}
    if start + len(chosen) < len(items):
        again = {"access_token": call.reader.token, **params, "limit": str(limit), "after": cursors["after"]}
        paging["next"] = f"{call.base_url}/{call.version}/{path}?{urlencode(again)}"
    return {"data": chosen, "paging": paging}
