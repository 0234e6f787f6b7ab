"""Versions of the Graph API: their end dates, and the version that answers a call.

Facts: docs/platform-facts.md#meta-versions.

A version that is no longer usable is not refused: the oldest usable version answers in its place. It also answers a
call that names no version. The header `facebook-api-version` states which version answered.
"""

import re
from datetime import date, datetime
from functools import lru_cache

from simulator.graph.errors import GraphError

_NEVER = date(9999, 1, 1)
_UNUSABLE_FROM = {
    (19, 0): date(2026, 5, 21),
    (20, 0): date(2026, 9, 24),
    (21, 0): date(2027, 1, 21),
    (22, 0): date(2027, 5, 20),
    (23, 0): date(2027, 10, 8),
    (24, 0): date(2028, 2, 18),
    (25, 0): date(2028, 7, 29),
    (26, 0): _NEVER,
}
_VERSION = re.compile(r"v(\d{1,3})\.(\d{1,2})")
_LIKE_A_VERSION = re.compile(r"v(?!2$)[0-9a-z.]{0,6}")
"""Anything in the place of a version, except `v2`, with which paths of LinkedIn begin."""


def split_version(path: str) -> tuple[str | None, str]:
    """Return the version at the beginning of a path, None if it has none, and the rest without outer slashes."""
    first, _, rest = path.strip("/").partition("/")
    return (first, rest.strip("/")) if _LIKE_A_VERSION.fullmatch(first) else (None, path.strip("/"))


def answering_version(version: str | None, now: datetime) -> str:
    """Return the version that answers a call.

    Raises:
        GraphError: there never was such a version.
    """
    return _answering(version, now.date())


@lru_cache(maxsize=256)
def _answering(version: str | None, today: date) -> str:
    oldest = min(number for number, end in _UNUSABLE_FROM.items() if today < end)
    if version is None:
        return _text(oldest)
    found = _VERSION.fullmatch(version)
    if found is None:
        raise GraphError(2500, f"Unknown path components: /{version}")
    number = int(found[1]), int(found[2])
    if number > oldest and number not in _UNUSABLE_FROM:
        raise GraphError(2635, f"You are calling a deprecated version of the API: {version}.")
    return _text(max(number, oldest))


def _text(number: tuple[int, int]) -> str:
    return f"v{number[0]}.{number[1]}"
