"""Variables that look like settings and are none: a misspelt one would be ignored in silence."""

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
"""Variables of ours that are no settings: where tests find recorded answers, and how far a stack's clock is ahead."""

_ALIKE = 0.84


@dataclass(frozen=True, slots=True)
class Stray:
    """A variable that no setting has the name of; `meant` is the one it resembles."""

    name: str
    meant: str | None

    def __str__(self) -> str:
        hint = f"did you mean {self.meant}?" if self.meant else "docs/settings.md lists all; remove it"
        return f"{self.name} is no setting: {hint}"


def strays(names: Iterable[str]) -> list[Stray]:
    """Return those of `names` that begin like a setting and are none, by name."""
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    unknown = sorted({n.upper() for n in names if n.upper().startswith(PREFIX)} - known - OTHERS)
    return [Stray(name, next(iter(get_close_matches(name, known, 1, _ALIKE)), None)) for name in unknown]


def names_here() -> set[str]:
    """Return the names of all variables of this process, and of `.env` in the working folder."""
    return {*os.environ, *(dotenv_values(".env") if Path(".env").is_file() else ())}


def refuse_misspelt() -> None:
    """Refuse variables that were surely meant as settings.

    Raises:
        SettingsError: one resembles a setting; the message names both.
    """
    if misspelt := [stray for stray in strays(names_here()) if stray.meant]:
        raise SettingsError("; ".join(map(str, misspelt)))
