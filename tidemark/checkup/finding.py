"""The result of a check (`Finding`), its failure (`Trouble`), and the function that runs a check (`look`)."""

from collections.abc import Callable
from dataclasses import dataclass

from metrics.errors import TidemarkError


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `remedy` tells what to do if it is not `well`.

    A `warning` is not `well` either, but nothing has failed yet.
    """

    name: str
    well: bool
    detail: str
    remedy: str = ""
    warning: bool = False


class Trouble(TidemarkError):
    """A check found a problem; `remedy` tells what to do about it."""

    def __init__(self, detail: str, remedy: str, *, warning: bool = False) -> None:
        super().__init__(detail)
        self.remedy = remedy
        self.warning = warning


def look(name: str, at: Callable[[], str], remedy: str = "") -> Finding:
    """Run a check and return its finding; `remedy` is used for errors other than `Trouble`, which has its own."""
    try:
        return Finding(name, True, at())
    except Trouble as trouble:
        return Finding(name, False, str(trouble), trouble.remedy, trouble.warning)
    except TidemarkError as error:
        return Finding(name, False, " ".join(str(error).split()), remedy)
