"""A finding, and how a look becomes one."""

from collections.abc import Callable
from dataclasses import dataclass

from metrics.errors import TidemarkError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `remedy` says what to do where it is not well.

    A `warning` is not well either, but nothing has failed yet.
    """

    name: str
    well: bool
    detail: str
    remedy: str = ""
    warning: bool = False


class Trouble(TidemarkError):
    """A look found something that is not well, and knows what to do about it."""

    def __init__(self, detail: str, remedy: str, *, warning: bool = False) -> None:
        super().__init__(detail)
        self.remedy = remedy
        self.warning = warning


def look(name: str, at: Callable[[], str], remedy: str = "") -> Finding:
    """Return what a look saw; `remedy` is for errors that bring none of their own."""
    try:
        return Finding(name, True, at())
    except Trouble as trouble:
        return Finding(name, False, str(trouble), trouble.remedy, trouble.warning)
    except TidemarkError as error:
        return Finding(name, False, " ".join(str(error).split()), remedy)
