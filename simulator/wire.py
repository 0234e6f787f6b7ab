"""JSON encoder that also writes integers beyond 64 bits, which platforms have sent."""

import json
from typing import Any

import orjson


def encode_json(value: Any) -> bytes:
    """Return a value as JSON; an integer beyond 64 bits is written in full.

    Raises:
        TypeError: a part of the value has no JSON form.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
