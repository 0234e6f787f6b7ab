"""Paging by time, as insights use it: consecutive windows of the same length.

Facts: docs/platform-facts.md#meta-batches-and-lists.

A page whose window ends after the present has no `next`, so a walk ends with an answer and not with an error (as
recorded for posts: a page with `since` of now and `until` of tomorrow has only `previous`).
"""

from datetime import datetime
from functools import lru_cache
from urllib.parse import urlencode

from simulator.graph.call import Call, Params

_SHORTEST = 86_400
"""Seconds of the windows before and after one that is shorter than a day, as recorded for `since=now`."""


def window_links(
    call: Call, path: str, params: Params, window: tuple[datetime, datetime], *, gap: int = 0
) -> dict[str, str]:
    """Return the links to the windows before and after a window; `gap` is the number of seconds between two windows."""
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
    """Return the query of a page; cached, because the posts of a batch have the same."""
    return urlencode(params)
