"""Answers as bytes: JSON, also with whole numbers that no 64 bits hold, as platforms have sent them."""

import json
from typing import Any

import orjson


def encoded(value: Any) -> bytes:
    """Return a value as JSON; a number beyond 64 bits is written out in full.

    Raises:
        TypeError: something in it has no JSON form.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
