"""Encode answers, events and exports as JSON: UTF-8, with instants as RFC 3339 in UTC with `Z`."""

from datetime import datetime
from functools import lru_cache

import orjson

from metrics.clock import isoformat

cached_isoformat = lru_cache(maxsize=4096)(isoformat)
"""`isoformat` with a cache, because instants repeat: all documents of a period have the same start and end."""


def dump_json(value: object) -> bytes:
    """Return a value as JSON.

    Raises:
        TypeError: the value holds an object that has no JSON form.
    """
    return orjson.dumps(value, default=_to_json, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _to_json(value: object) -> str:
    if isinstance(value, datetime):
        return cached_isoformat(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
