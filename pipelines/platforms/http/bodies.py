"""A lenient JSON parser for response bodies: one broken value does not make the rest of an answer unreadable.

JSON allows no NaN, no lone surrogates and only valid UTF-8; orjson refuses a body that violates this. Real answers do:
with a text that was cut inside an emoji, a division by zero, or a byte order mark. Such a body is parsed again by a
less strict parser. A NaN is then rejected by `numbers`, which costs only one metric; invalid characters become U+FFFD.
"""

import codecs
import json
from typing import Any

import orjson

from pipelines.platforms.answers import UNEXPECTED

_MARK = codecs.BOM_UTF8
_TOO_DEEP = "depth limit exceeded"
"""Part of orjson's error message for more than 1,024 levels of nesting."""


def parse_body(content: bytes | str) -> Any:
    """Return the parsed JSON of a body.

    Raises:
        ValueError: the body is not JSON.
    """
    try:
        return orjson.loads(content)
    except ValueError as error:
        if _TOO_DEEP in str(error):
            # The lenient parser would fail too, at Python's recursion limit.
            raise ValueError("the body is not JSON: it is nested too deep") from None
    text = content if isinstance(content, str) else content.removeprefix(_MARK).decode(errors="replace")
    try:
        return _without_surrogates(json.loads(text))
    except UNEXPECTED as error:
        raise ValueError(f"the body is not JSON: {type(error).__name__}") from None


def _without_surrogates(value: Any) -> Any:
    """Return a value with U+FFFD instead of each lone surrogate, because these cannot be stored."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value
