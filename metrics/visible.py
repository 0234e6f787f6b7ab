"""Other people's text made safe to show: characters that nobody sees, or that move others, become escapes."""


def visible(text: str) -> str:
    """Return a text on one line, with what `str.isprintable` denies as Python's escapes: `\\x1b`, `\\n`, `\\u202e`.

    These are control and format characters (bidirectional marks, zero width), all blanks but the plain one, and code
    points that are no characters. The plain space and every letter, sign and emoji stay as they are.
    """
    return text if text.isprintable() else "".join(one if one.isprintable() else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
