"""Console output of all commands: results go to standard output, progress and errors to standard error.

No other module prints or imports Rich. Texts are printed literally: Rich's markup and emoji codes are off, and
invisible characters are shown as escapes. This matters because names of accounts and keys, reasons from platforms, and
paths are written by others, and may contain `[/x]` or control codes of the terminal.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from metrics.visible import visible

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_out = Console(highlight=False, markup=False, emoji=False)
_err = Console(stderr=True, highlight=False, markup=False, emoji=False)

_EVERY_SECONDS = 10.0
_WIDE = 1000
"""Width of tables that are not printed to a terminal, so that programs get them unshortened."""


def print_json(value: Any) -> None:
    """Print a value as JSON, with instants in ISO 8601."""
    _out.print_json(json.dumps(value, default=lambda v: v.isoformat() if hasattr(v, "isoformat") else str(v)))


def print_line(text: str, *, mark: str = "", style: str = "") -> None:
    """Print a line, wrapped only by the terminal, after a mark in a style of Rich, such as `green`."""
    _out.print(_line(text, mark, style), soft_wrap=True)


def print_exact(text: str) -> None:
    """Print a line without any escaping, for programs that read it byte by byte, such as a shell."""
    typer.echo(text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, unshortened if the output is not a terminal; `columns` are not escaped."""
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    console = _out if _out.is_terminal else Console(width=_WIDE, highlight=False, markup=False, emoji=False)
    console.print(table)


def print_note(text: str) -> None:
    """Print a line that is not part of the result, to standard error."""
    _err.print(_line(text), soft_wrap=True)


def print_error(message: str) -> None:
    """Print an error message on one line."""
    _err.print(_line(f"tidemark: {' '.join(message.split())}"), style="red", soft_wrap=True)


def print_traceback(text: str) -> None:
    """Print a traceback, line by line."""
    for line in text.splitlines():
        _err.print(_line(line), soft_wrap=True)


def confirm(question: str) -> None:
    """Ask a question at the terminal; any answer but yes ends the command."""
    typer.confirm(visible(question), abort=True)


def _line(text: str, mark: str = "", style: str = "") -> Text:
    return Text.assemble((mark, style), visible(text))


@contextmanager
def progress(description: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar, only on a terminal; yield a function that takes the done and the total number."""
    # Imported late: it would take a third of the time of `tidemark --help`.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_err, transient=True, disable=not _err.is_terminal) as bar:
        task = bar.add_task(visible(description), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class Starting:
    """Shows the progress of a long start: lines with the elapsed seconds, above a progress bar on a terminal."""

    def __init__(self, bar: "Progress", task: "TaskID") -> None:
        self._bar, self._task, self._since = bar, task, time.monotonic()
        self._last_line, self._at = "", self._since

    @property
    def seconds(self) -> float:
        """The seconds since the start began."""
        return time.monotonic() - self._since

    def say(self, line: str) -> None:
        """Print a line; the bar shows its beginning."""
        print_line(line, mark=f"{self.seconds:5.1f} s  ", style="dim")
        self._last_line, self._at = line, time.monotonic()
        self._bar.update(self._task, description=visible(line)[:28], completed=0, total=None)

    def progress(self, done: int, total: int) -> None:
        """Move the bar; if there is no terminal, print a line every ten seconds instead."""
        self._bar.update(self._task, completed=done, total=total)
        if self._bar.disable and time.monotonic() - self._at >= _EVERY_SECONDS:
            self._at = time.monotonic()
            print_line(f"{self._last_line}: {done} of {total}", mark=f"{self.seconds:5.1f} s  ", style="dim")

    def end(self) -> None:
        """Remove the bar."""
        self._bar.stop()


@contextmanager
def starting() -> Iterator[Starting]:
    """Show the progress of a long start; yield the object that takes it."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<28}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_out, transient=True, disable=not _out.is_terminal) as bar:
        yield Starting(bar, bar.add_task("starting", total=None))
