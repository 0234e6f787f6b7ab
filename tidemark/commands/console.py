"""What the commands print with: answers to standard output, progress and errors to standard error.

Nothing else prints, and nothing else imports Rich: every text is taken as it is, without Rich's markup and emoji codes,
and with characters that nobody sees as escapes. Names of accounts and keys, reasons that platforms gave and paths are
other people's text, which may hold `[/x]` or codes that a terminal obeys.
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
"""Columns where nobody looks: a program that reads a table gets it unshortened."""


def print_json(value: Any) -> None:
    """Print a value for a program to read; instants as ISO 8601."""
    _out.print_json(json.dumps(value, default=lambda v: v.isoformat() if hasattr(v, "isoformat") else str(v)))


def print_line(text: str, *, mark: str = "", style: str = "") -> None:
    """Print a line, wrapped by the terminal alone; before it a mark in a style of Rich, as `green`."""
    _out.print(_line(text, mark, style), soft_wrap=True)


def print_exact(text: str) -> None:
    """Print a line for a program that takes it byte by byte, as a shell: nothing in it is escaped."""
    typer.echo(text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table, as wide as it is where no terminal bounds it; `columns` are names of ours."""
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    console = _out if _out.is_terminal else Console(width=_WIDE, highlight=False, markup=False, emoji=False)
    console.print(table)


def print_note(text: str) -> None:
    """Print a line beside the answer."""
    _err.print(_line(text), soft_wrap=True)


def print_error(message: str) -> None:
    """Print what went wrong, on one line."""
    _err.print(_line(f"tidemark: {' '.join(message.split())}"), style="red", soft_wrap=True)


def print_traceback(text: str) -> None:
    """Print a traceback, line by line."""
    for line in text.splitlines():
        _err.print(_line(line), soft_wrap=True)


def confirm(question: str) -> None:
    """Ask at the terminal; anything but a yes ends the command."""
    typer.confirm(visible(question), abort=True)


def _line(text: str, mark: str = "", style: str = "") -> Text:
    return Text.assemble((mark, style), visible(text))


@contextmanager
def progress(description: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far something long is, on a terminal alone; yield what takes how much is done, and of how much."""
    # A third of the time of `tidemark --help` otherwise.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_err, transient=True, disable=not _err.is_terminal) as bar:
        task = bar.add_task(visible(description), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class Starting:
    """Lines of a long start with the seconds they were said at, above a bar on a terminal."""

    def __init__(self, bar: "Progress", task: "TaskID") -> None:
        self._bar, self._task, self._since = bar, task, time.monotonic()
        self._said, self._at = "", self._since

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self._since

    def say(self, line: str) -> None:
        """Print a line; the bar shows its beginning."""
        print_line(line, mark=f"{self.seconds:5.1f} s  ", style="dim")
        self._said, self._at = line, time.monotonic()
        self._bar.update(self._task, description=visible(line)[:28], completed=0, total=None)

    def progress(self, done: int, total: int) -> None:
        """Move the bar; where there is none, print a line every ten seconds."""
        self._bar.update(self._task, completed=done, total=total)
        if self._bar.disable and time.monotonic() - self._at >= _EVERY_SECONDS:
            self._at = time.monotonic()
            print_line(f"{self._said}: {done} of {total}", mark=f"{self.seconds:5.1f} s  ", style="dim")

    def end(self) -> None:
        """Take the bar away."""
        self._bar.stop()


@contextmanager
def starting() -> Iterator[Starting]:
    """Show how a long start goes on."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<28}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_out, transient=True, disable=not _out.is_terminal) as bar:
        yield Starting(bar, bar.add_task("starting", total=None))
