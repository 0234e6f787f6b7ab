"""The Graph API's field lists: `id,media.limit(5){id,insights.metric(views,reach)}`."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

_MODIFIER = re.compile(r"\.(\w+)\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Field:
    """A field or an edge, with its modifiers, `{"limit": "5"}`, and the fields asked for below it."""

    name: str
    modifiers: dict[str, str] = field(default_factory=dict)
    below: "tuple[Field, ...]" = ()


@lru_cache(maxsize=1024)
def parse_fields(text: str) -> tuple[Field, ...]:
    """Return the fields of a list.

    Raises:
        ValueError: the brackets do not match.
    """
    return tuple(_field(part) for part in _split(text) if part)


def _split(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for place, char in enumerate(text):
        depth += char in "{("
        depth -= char in "})"
        if depth < 0:
            break
        if char == "," and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    if depth != 0:
        raise ValueError(f"Syntax error \"Expected end of string instead of '{text[-1:]}'\"")
    return [*parts, text[start:].strip()]


def _field(text: str) -> Field:
    head, brace, rest = text.partition("{")
    below = parse_fields(rest.rstrip()[:-1]) if brace else ()
    name = re.split(r"[.(]", head, maxsplit=1)[0].strip()
    return Field(name, dict(_MODIFIER.findall(head)), below)
