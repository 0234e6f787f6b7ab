"""Paging by time, as insights have it: windows of one length that follow one another (platforms.md, 1.5).

The page after one that reaches beyond the present has no `next`: there a walk ends, with an answer and not with an
error (recorded of posts: `since` of now and `until` of tomorrow have `previous` alone).
"""

from datetime import datetime
from functools import lru_cache
from urllib.parse import urlencode

from simulator.graph.call import Call, Params

_SHORTEST = 86_400
"""Seconds of the windows beside one that is shorter than a day, as recorded of `since=now`."""


def around(call: Call, path: str, params: Params, window: tuple[datetime, datetime], *, gap: int = 0) -> dict[str, str]:
    """Return the links to the windows before and after a window; `gap` are the seconds between two of them."""
    start, end = (int(bound.timestamp()) for bound in window)
    kept = {"access_token": call.reader.token, **params}
    query = _query(tuple((name, value) for name, value in kept.items() if name not in ("since", "until")))
    base = f"{call.base_url}/{call.version}/{path}?{query}"
    length = max(end - start, _SHORTEST)
    found = {"previous": f"{base}&since={start - gap - length}&until={start - gap}"}
    if window[1] <= call.now:
        found["next"] = f"{base}&since={end + gap}&until={end + gap + length}"
    return found


@lru_cache(maxsize=1024)
def _query(params: tuple[tuple[str, str], ...]) -> str:
    """Return the query of a page: the posts of a batch have the same."""
    return urlencode(params)
