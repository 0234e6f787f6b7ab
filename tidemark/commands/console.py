"""What the commands print with: answers to standard output, progress and errors to standard error."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_WIDE = 1000
"""Columns where nobody looks: a program that reads a table gets it unshortened."""


def print_json(value: Any) -> None:
    """Print a value for a program to read; instants as ISO 8601."""
    out.print_json(json.dumps(value, default=lambda v: v.isoformat() if hasattr(v, "isoformat") else str(v)))


def print_line(text: str) -> None:
    """Print a line as it is: unstyled, and wrapped by the terminal alone."""
    out.print(text, markup=False, soft_wrap=True)


def print_table(table: Table) -> None:
    """Print a table, as wide as it is where no terminal bounds it."""
    console = out if out.is_terminal else Console(width=_WIDE, highlight=False)
    console.print(table)


def print_error(message: str) -> None:
    """Print what went wrong, on one line."""
    err.print(f"tidemark: {' '.join(message.split())}", style="red", markup=False, soft_wrap=True)


@contextmanager
def progress(description: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far something long is, on a terminal alone; yield what takes how much is done, and of how much."""
    # A third of the time of `tidemark --help` otherwise.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
