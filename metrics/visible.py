"""Invisible characters: escape them in text from outside, and trim them from values that clients send."""

import re

_MARKS = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
"""Zero-width characters: soft hyphen, direction marks, joiners, byte order mark."""
_AROUND = re.compile(f"^[\\s{_MARKS}]+|[\\s{_MARKS}]+$")


def trimmed(text: str) -> str:
    """Return a text without leading and trailing whitespace and zero-width characters."""
    return _AROUND.sub("", text)


def visible(text: str) -> str:
    """Return a text on one line; characters that are not `str.isprintable` become escapes: `\\x1b`, `\\n`, `\\u202e`.

    Escaped are control and format characters (bidirectional marks, zero width), all whitespace except the plain space,
    and unassigned code points. The plain space, letters, signs and emoji stay as they are.
    """
    return text if text.isprintable() else "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
