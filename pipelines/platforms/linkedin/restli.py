"""Rest.li 2.0's query strings: `List(a,b)`, `(key:value)`, values percent-encoded (platforms.md, 5)."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote


def query(params: Mapping[str, object]) -> str:
    """Return a query string: sequences as `List(…)`, mappings as `(…)`, the rest as text.

    Parentheses, commas and colons of the syntax stay bare; those within a value, as in a URN, are encoded.
    """
    return "&".join(f"{name}={value_of(value)}" for name, value in params.items())


def value_of(value: object) -> str:
    """Return one value."""
    if isinstance(value, Mapping):
        return f"({','.join(f'{name}:{value_of(one)}' for name, one in value.items())})"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"List({','.join(value_of(one) for one in value)})"
    return quote(str(value), safe="")


def key(text: str) -> str:
    """Return a key as it stands in a path."""
    return quote(text, safe="")
