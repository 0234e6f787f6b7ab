"""Parser of the file of accounts to watch: CSV with a header or without one, or JSON objects.

The columns are `platform, handle, label, group`; the last two may be left out. A file without a header has them in this
order. A file is accepted or refused as a whole.
"""

from collections.abc import Mapping
from typing import Any

from metrics.errors import InvalidInput
from metrics.identity import watched_key
from metrics.ids import check_text
from metrics.visible import trimmed
from metrics.watching.lists import NewWatch
from tidemark.rows import check_texts, platform_of, read_all

COLUMNS = ("platform", "handle", "label", "group")


def parse(content: bytes) -> list[NewWatch]:
    """Return the accounts of a file.

    Raises:
        InvalidInput: at least one row is wrong; the message names the first of these with their numbers.
    """
    found = read_all(content, COLUMNS, _account, _identity, "nothing was added", header_optional=True)
    if not found:
        raise InvalidInput(f"the file has no account; its columns are {', '.join(COLUMNS)}")
    return found


def _account(row: Mapping[str, Any]) -> NewWatch:
    check_texts(row, COLUMNS)
    values = {name: check_text(trimmed(str(row.get(name) or "")), name) for name in COLUMNS}
    if missing := [name for name in COLUMNS[:2] if not values[name]]:
        raise InvalidInput(f"{', '.join(missing)} missing")
    # Spreadsheets mark a cell that begins with `@` as text with an apostrophe, which no handle has.
    name, platform = values["handle"].removeprefix("'"), platform_of(values["platform"])
    watched_key(platform, name)
    return NewWatch(platform, name, values["label"] or None, values["group"] or None)


def _identity(one: NewWatch) -> tuple[str, str]:
    return one.platform, watched_key(one.platform, one.name)
