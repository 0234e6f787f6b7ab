"""Detection of misspelt settings: environment variables with the prefix TIDEMARK_ that nothing would read."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values

from metrics import clock
from metrics.errors import SettingsError
from metrics.settings import PREFIX, Settings

OTHERS = frozenset({"TIDEMARK_FIXTURES", clock.VARIABLE})
"""Valid variables that are not settings: where tests find recorded answers, and how far a stack's clock is ahead."""

_ALIKE = 0.84


@dataclass(frozen=True, slots=True)
class Stray:
    """A variable that is not a setting; `meant` is the setting that its name resembles, if any."""

    name: str
    meant: str | None

    def __str__(self) -> str:
        hint = f"did you mean {self.meant}?" if self.meant else "docs/settings.md lists all; remove it"
        return f"{self.name} is no setting: {hint}"


def strays(names: Iterable[str]) -> list[Stray]:
    """Return the variables among `names` that have the prefix of settings but are not settings, sorted by name."""
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    unknown = sorted({n.upper() for n in names if n.upper().startswith(PREFIX)} - known - OTHERS)
    return [Stray(name, next(iter(get_close_matches(name, known, 1, _ALIKE)), None)) for name in unknown]


def names_here() -> set[str]:
    """Return the names of all environment variables of this process, and of those in `.env` in the working folder."""
    return {*os.environ, *(dotenv_values(".env") if Path(".env").is_file() else ())}


def refuse_misspelt() -> None:
    """Refuse to go on if a variable was probably meant to be a setting.

    Raises:
        SettingsError: a variable resembles a setting; the message names both.
    """
    if misspelt := [stray for stray in strays(names_here()) if stray.meant]:
        raise SettingsError("; ".join(map(str, misspelt)))
