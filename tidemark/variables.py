"""Detection of misspelt settings: environment variables with the prefix TIDEMARK_ that nothing would read."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values

from metrics import clock
from metrics.errors import SettingsError
from metrics.settings import PREFIX, Settings

OTHERS = frozenset({"TIDEMARK_FIXTURES", "TIDEMARK_DAGSTER_CHART", clock.VARIABLE})
"""Valid variables that are not settings: where tests find recorded answers, where they find Dagster's Helm chart, and
how far a stack's clock is ahead."""

_ALIKE = 0.84
_SERVICE = re.compile(r"(.+)_SERVICE_HOST")
_OF_SERVICE = r"_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"


@dataclass(frozen=True, slots=True)
class Stray:
    """A variable that is not a setting; `meant` is the setting that its name resembles, if any."""

    name: str
    meant: str | None

    def __str__(self) -> str:
        hint = f"did you mean {self.meant}?" if self.meant else "docs/settings.md lists all; remove it"
        return f"{self.name} is no setting: {hint}"


def strays(names: Iterable[str]) -> list[Stray]:
    """Return the variables among `names` that have the prefix of settings but are not settings, sorted by name.

    Variables that Kubernetes sets in each pod for the Services of its namespace are not among them, such as
    `TIDEMARK_SERVING_SERVICE_HOST` for the Service `tidemark-serving`.
    """
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    present = {n.upper() for n in names if n.upper().startswith(PREFIX)}
    unknown = sorted(present - known - OTHERS - _of_services(present))
    return [Stray(name, next(iter(get_close_matches(name, known, 1, _ALIKE)), None)) for name in unknown]


def _of_services(names: set[str]) -> set[str]:
    """Return the variables among `names` that Kubernetes sets for Services: each Service has `…_SERVICE_HOST`."""
    services = [re.escape(found[1]) for name in names if (found := _SERVICE.fullmatch(name))]
    pattern = re.compile(f"({'|'.join(services)}){_OF_SERVICE}")
    return {name for name in names if pattern.fullmatch(name)} if services else set()


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
