"""Encoder for Rest.li 2.0 query strings: `List(a,b)`, `(key:value)`, values percent-encoded.

Facts: docs/platform-facts.md#linkedin-protocol.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import quote


def query(params: Mapping[str, object]) -> str:
    """Return a query string: sequences become `List(…)`, mappings `(…)`, other values text.

    Parentheses, commas and colons of the syntax are not encoded; those within a value, as in a URN, are.
    """
    return "&".join(f"{name}={value_of(value)}" for name, value in params.items())


def value_of(value: object) -> str:
    """Return one value in Rest.li's encoding."""
    if isinstance(value, Mapping):
        return f"({','.join(f'{name}:{value_of(member)}' for name, member in value.items())})"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"List({','.join(value_of(member) for member in value)})"
    return quote(str(value), safe="")


def key(text: str) -> str:
    """Return a key, encoded for use in a path."""
    return quote(text, safe="")
