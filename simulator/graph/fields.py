"""Parser of the Graph API's field lists: `id,media.limit(5){id,insights.metric(views,reach)}`, or a JSON list."""

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache

_MODIFIER = re.compile(r"\.(\w+)\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Field:
    """A field or an edge, with its modifiers, `{"limit": "5"}`, and the fields requested below it."""

    name: str
    modifiers: dict[str, str] = field(default_factory=dict)
    below: "tuple[Field, ...]" = ()


@lru_cache(maxsize=1024)
def parse_fields(text: str) -> tuple[Field, ...]:
    """Return the fields of a list that is separated by commas, or a JSON array (some clients serialise arrays so).

    Raises:
        ValueError: the brackets do not match, or the JSON is no list of strings.
    """
    parts = _of_json(text) if text.startswith("[") else _split(text)
    return tuple(_field(part) for part in parts if part)


def _of_json(text: str) -> list[str]:
    found = json.loads(text)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError("Syntax error: fields are a list of names")
    return found


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
