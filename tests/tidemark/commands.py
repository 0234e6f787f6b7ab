"""Helper: lists all commands of `tidemark` by walking the app, and runs a command in this process."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from typer.main import get_command

from tidemark.cli import app, main


def all_commands() -> list[str]:
    """Return the names of all commands, with the names of their groups before them."""
    return sorted(_walk(get_command(app), ""))


def _walk(command: object, path: str) -> Iterator[str]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path
        return
    for name, one in inner.items():
        yield from _walk(one, f"{path} {name}".strip())


@dataclass(frozen=True)
class Ran:
    """The exit code and output of a command."""

    code: int
    out: str
    err: str


class Cli:
    """Runs commands in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> Ran:
        self._capsys.readouterr()
        code = main(words)
        said = self._capsys.readouterr()
        return Ran(code, said.out, said.err)
