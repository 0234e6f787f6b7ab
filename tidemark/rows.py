"""Reader for tabular files: CSV in the dialects of spreadsheets, JSON lines, or a JSON array.

It accepts UTF-8 with and without a byte order mark, and UTF-16 with one (Excel's "Unicode text"); commas, semicolons
and tabs as separators; line ends of every system; quoted line breaks; column names in any case and spacing; empty rows
and columns. Ambiguous input is refused with a one-line message.
"""

import codecs
import csv
import json
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from io import StringIO
from typing import Any, TypeVar

from metrics.documents import PLATFORMS, Platform
from metrics.errors import InvalidInput
from metrics.visible import trimmed, visible

_ENCODINGS = (
    # The four-byte marks come first, because UTF-32's mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_BYTE_ORDER_MARK = "\ufeff"
_SEPARATORS = (",", ";", "\t")
_EXCEL_SEPARATOR = re.compile(r"sep=([,;\t])[\r\n]+", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\n|\r")
_BROKEN = (ValueError, RecursionError)
"""Exceptions of parsing invalid JSON."""
_LONGEST_HEADER = 64 * 1024
_SHOWN = 32
"""Maximum number of characters shown of an unknown value or name."""
MAX_PROBLEMS = 5
"""Maximum number of problems shown; if more rows are wrong, they usually share one cause."""
_SAVE_AS = "save it as «CSV UTF-8»"

T = TypeVar("T")
Row = tuple[str, Mapping[str, Any] | InvalidInput]
"""The place of the row (`row 3`), and its values by column, or the error that makes it invalid."""


def read_all(
    content: bytes,
    columns: Sequence[str],
    make: Callable[[Mapping[str, Any]], T],
    identity: Callable[[T], Hashable],
    refused: str,
    *,
    header_optional: bool = False,
) -> list[T]:
    """Return what `make` makes of the rows of a file, which is accepted or refused as a whole.

    No two rows may have the same `identity`. `refused` says in messages that nothing was done.

    Raises:
        InvalidInput: at least one row is wrong, or there is none; the message names the first of these with their
            numbers, their columns and the accepted values.
    """
    found: list[T] = []
    problems: list[str] = []
    seen: dict[Hashable, str] = {}
    try:
        for place, row in read_rows(content, columns, header_optional=header_optional):
            try:
                if isinstance(row, InvalidInput):
                    raise row
                one = make(row)
            except InvalidInput as error:
                problems.append(f"{place}: {error}")
                continue
            first = seen.setdefault(identity(one), place)
            if first != place:
                problems.append(f"{place}: the same account as {first}")
            found.append(one)
    except InvalidInput as error:
        raise InvalidInput(f"{refused}; {error}") from None
    if problems:
        more = [f"and {len(problems) - MAX_PROBLEMS} more"] if len(problems) > MAX_PROBLEMS else []
        raise InvalidInput(f"{refused}; " + "; ".join([*problems[:MAX_PROBLEMS], *more]))
    return found


def check_texts(row: Mapping[str, Any], columns: Sequence[str]) -> None:
    """Check that a row has only known columns, and text in all of them.

    Raises:
        InvalidInput: the message names the columns.
    """
    if odd := sorted(str(name) for name, value in row.items() if isinstance(value, bool | float | list | dict)):
        raise InvalidInput(f"{', '.join(odd)}: is not text: put it in quotation marks")
    if unknown := sorted(set(row) - set(columns)):
        named = ", ".join(visible(name) for name in unknown)
        raise InvalidInput(f"{named}: no such column; the columns are {', '.join(columns)}")


def platform_of(text: str) -> Platform:
    """Return the platform of a cell.

    Raises:
        InvalidInput: there is no such platform.
    """
    platform = next((one for one in PLATFORMS if one == text.lower()), None)
    if platform is None:
        raise InvalidInput(f"platform {visible(text[:_SHOWN])} is none of {', '.join(PLATFORMS)}")
    return platform


def read_rows(content: bytes, columns: Sequence[str], *, header_optional: bool = False) -> Iterator[Row]:
    """Yield the rows of a file that are not empty.

    With `header_optional`, the first row of a table that begins with no column name has values, in the order of the
    columns. Values in CSV are texts; those in JSON keep their types. Places are counted from 1 as people see them: rows
    of a spreadsheet including its header, lines of JSON lines, elements of an array.

    Raises:
        InvalidInput: the whole file cannot be read, because of its encoding, its header, or an open quote.
    """
    text = _decoded(content)
    first = text.lstrip()[:1]
    if first == "[":
        return _of_array(text, columns)
    return _of_json(text, columns) if first == "{" else _of_table(text, columns, header_optional=header_optional)


def _decoded(content: bytes) -> str:
    encoding = next((name for mark, name in _ENCODINGS if content.startswith(mark)), "UTF-8")
    try:
        text = content.decode(encoding).lstrip(_BYTE_ORDER_MARK)
    except UnicodeDecodeError:
        raise InvalidInput(f"it is not {encoding} text: {_SAVE_AS}") from None
    if "\0" in text:
        raise InvalidInput(f"it has NUL characters, like UTF-16 without a byte order mark: {_SAVE_AS}")
    return text


def _of_table(text: str, columns: Sequence[str], *, header_optional: bool) -> Iterator[Row]:
    declared = _EXCEL_SEPARATOR.match(text)
    skipped, text = (1, text[declared.end() :]) if declared else (0, text)
    rows = _filled(text, declared[1] if declared else _separator(text, columns), skipped)
    number, cells = next(rows, (skipped + 1, []))
    if header_optional and cells and _canonical(cells[0], columns) not in columns:
        names = list(columns)
        yield f"row {number}", _named(names, cells)
    else:
        names = _header(number, cells, columns)
    for number, cells in rows:
        yield f"row {number}", _named(names, cells)


def _filled(text: str, separator: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, with their numbers: emptied rows stay in a file as `,,,,`."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    number = skipped
    try:
        for row in reader:
            number += 1
            cells = [trimmed(cell) for cell in row]
            if any(cells):
                yield number, cells
    except csv.Error as error:
        reason = visible(str(error))
        raise InvalidInput(
            f"row {number + 1}: {reason}: is a quote left open, or a quotation mark not doubled?"
        ) from None


def _separator(text: str, columns: Sequence[str]) -> str:
    """Return the separator with which the first line has the most known columns, or else the most cells."""
    header = _LINE_END.split(text.lstrip()[:_LONGEST_HEADER], maxsplit=1)[0]

    def known(separator: str) -> tuple[int, int]:
        names = [name.strip('" ') for name in header.split(separator)]
        return sum(_canonical(name, columns) in columns for name in names), len(names)

    return max(_SEPARATORS, key=known)


def _canonical(name: str, columns: Sequence[str]) -> str:
    """Return the column with this name, ignoring case and blanks; if there is none, the trimmed name."""
    bare = "".join(trimmed(name).split()).casefold()
    return next((column for column in columns if column.casefold() == bare), trimmed(name))


def _header(number: int, cells: Sequence[str], columns: Sequence[str]) -> list[str]:
    names = [_canonical(cell, columns) for cell in cells]
    if not set(names) & set(columns):
        # The row is not shown: in a file without a header it contains a token.
        raise InvalidInput(f"row {number}: it names no columns; the columns are {', '.join(columns)}")
    if unknown := [name for name in names if name and name not in columns]:
        named = ", ".join(visible(name[:_SHOWN]) for name in unknown)
        raise InvalidInput(f"row {number}: {named}: no such column; the columns are {', '.join(columns)}")
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise InvalidInput(f"row {number}: {', '.join(twice)} twice")
    return names


def _named(names: Sequence[str], values: Sequence[str]) -> Mapping[str, str] | InvalidInput:
    """Return the values by column. Cells beyond the header, or in a column without a name, must be empty."""
    for place, value in enumerate(values):
        if value and (place >= len(names) or not names[place]):
            return InvalidInput(f"cell {place + 1} has no column: is a value with a separator in it not quoted?")
    return {name: value for name, value in zip(names, values, strict=False) if name}


def _of_json(text: str, columns: Sequence[str]) -> Iterator[Row]:
    try:
        yield "line 1", _object(_loads(text), columns)
    except _BROKEN:
        for number, line in enumerate(_LINE_END.split(text), start=1):
            if line.strip():
                yield f"line {number}", _of_line(line, columns)


def _of_line(line: str, columns: Sequence[str]) -> Mapping[str, Any] | InvalidInput:
    try:
        return _object(_loads(line), columns)
    except _BROKEN:
        return InvalidInput("it is not a JSON object: write one on each line, or an array of them")


def _of_array(text: str, columns: Sequence[str]) -> Iterator[Row]:
    try:
        found = _loads(text)
    except _BROKEN as error:
        raise InvalidInput(f"it is not a JSON array: {error}") from None
    for number, element in enumerate(found, start=1):
        yield f"account {number}", _object(element, columns)


class _Duplicates(list[str]):
    """The names that occur more than once in a JSON object; stands for the object."""


def _loads(text: str) -> Any:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any] | _Duplicates:
        names = [name for name, _ in found]
        twice = sorted({name for name in names if names.count(name) > 1})
        return _Duplicates(twice) if twice else dict(found)

    return json.loads(text, object_pairs_hook=pairs)


def _object(found: Any, columns: Sequence[str]) -> Mapping[str, Any] | InvalidInput:
    if isinstance(found, _Duplicates):
        return InvalidInput(f"{', '.join(visible(name) for name in found)} twice")
    if not isinstance(found, dict):
        return InvalidInput("it is not a JSON object")
    return {_canonical(name, columns): value for name, value in found.items()}
