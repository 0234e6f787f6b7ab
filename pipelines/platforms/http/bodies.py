"""Bodies of answers as JSON. One broken value does not make the rest of an answer unreadable.

JSON has no NaN, no half of a character and no bytes that are no UTF-8, and orjson refuses a body for any of these.
Real answers hold them all the same: a text that was cut within an emoji, a quotient of nothing, a byte order mark. Such
a body is read once more by a parser that is less strict. NaN is then refused by `numbers` and loses one metric alone;
what is no character becomes U+FFFD.
"""

import codecs
import json
from typing import Any

import orjson

from pipelines.platforms.answers import UNEXPECTED

_MARK = codecs.BOM_UTF8
_TOO_DEEP = "depth limit exceeded"
"""What orjson says of more than 1,024 levels."""


def parsed(content: bytes | str) -> Any:
    """Return what a body holds.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return orjson.loads(content)
    except ValueError as error:
        if _TOO_DEEP in str(error):
            # The other parser would go as deep as Python itself can, and end there.
            raise ValueError("it is no JSON: it is nested too deep") from None
    text = content if isinstance(content, str) else content.removeprefix(_MARK).decode(errors="replace")
    try:
        return _whole(json.loads(text))
    except UNEXPECTED as error:
        raise ValueError(f"it is no JSON: {type(error).__name__}") from None


def _whole(value: Any) -> Any:
    """Return a value with U+FFFD for each half of a character: nothing could store those."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {_whole(name): _whole(one) for name, one in value.items()}
    return value
