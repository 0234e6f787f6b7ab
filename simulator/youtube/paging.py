"""Pages of lists, with opaque tokens that are valid for one list only."""

import base64
import binascii
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from simulator.youtube.call import Call, max_results
from simulator.youtube.problem import invalid


def page(call: Call, kind: str, of_list: str, items: Sequence[Any], total: int | None = None) -> dict[str, Any]:
    """Return the requested page of a list as an answer; `of_list` identifies the list.

    Raises:
        Problem: the token is not one of this list, or the size of the page is invalid.
    """
    size, start = max_results(call), start_of(call, of_list)
    chosen, more = list(items[start : start + size]), len(items) > start + size
    following = start + size if more else None
    if items and call.aim.strike("repeated_cursor"):
        chosen, following = chosen or list(items[:size]), start or size
    again = ""
    if chosen and call.aim.strike("empty_page"):
        # Another token for the same place: clients take a repeated token for one that does not advance.
        chosen, following, again = [], start, f"{call.text('pageToken') or ''}x"
    body: dict[str, Any] = {"kind": kind}
    if following is not None:
        body["nextPageToken"] = page_token(following, of_list, again)
    if start:
        body["prevPageToken"] = page_token(max(start - size, 0), of_list)
    return {
        **body,
        "pageInfo": {"totalResults": len(items) if total is None else total, "resultsPerPage": size},
        "items": chosen,
    }


def start_of(call: Call, of_list: str) -> int:
    """Return the place at which the requested page begins.

    Raises:
        Problem: the token is not one of this list.
    """
    token = call.text("pageToken")
    if token is None:
        return 0
    start = place_in(token)
    if start is None or token.partition("~")[0] != page_token(start, of_list):
        raise invalid("invalidPageToken", "The request specifies an invalid page token.", "pageToken")
    return start


def place_in(token: str) -> int | None:
    """Return the place in a token of any list, or None if it is no token."""
    text = token.partition("~")[0]
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return int.from_bytes(raw[4:], "big") if len(raw) == 8 else None


def page_token(start: int, of_list: str, again: str = "") -> str:
    """Return the token of the page of a list that begins at a place."""
    check = blake2b(f"{of_list}:{start}".encode(), digest_size=4).digest()
    text = base64.urlsafe_b64encode(check + start.to_bytes(4, "big")).decode().rstrip("=")
    return f"{text}~{len(again)}" if again else text
