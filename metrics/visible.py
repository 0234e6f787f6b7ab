"""Characters that nobody sees: escaped where other people's text is shown, dropped around values that people send."""

import re

_MARKS = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
"""Marks without a width: soft hyphen, direction of writing, joiners, byte order."""
_AROUND = re.compile(f"^[\\s{_MARKS}]+|[\\s{_MARKS}]+$")


def trimmed(text: str) -> str:
    """Return a text without the blanks, of every kind, and the marks without a width around it."""
    return _AROUND.sub("", text)


def visible(text: str) -> str:
    """Return a text on one line, with what `str.isprintable` denies as Python's escapes: `\\x1b`, `\\n`, `\\u202e`.

    These are control and format characters (bidirectional marks, zero width), all blanks but the plain one, and code
    points that are no characters. The plain space and every letter, sign and emoji stay as they are.
    """
    return text if text.isprintable() else "".join(one if one.isprintable() else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
