"""Call of Pinterest's API, and the parsing of its parameters: lists are comma-joined, enumerations are strict.

Booleans are accepted in any case, because Pinterest's own generated client sends `True`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from urllib.parse import parse_qsl

from simulator.faults import Target
from simulator.pictures import picture_url
from simulator.pinterest.problem import Problem, invalid
from simulator.state import State
from simulator.world import SimAccount, slug

Params = Mapping[str, str]

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Call:
    """One call: the account of the token, the parameters, and the instant. `refused` is the message of a wrong one."""

    state: State
    account: SimAccount
    params: Params
    now: datetime
    aim: Target
    base_url: str
    refused: str = "Invalid parameters."

    @cached_property
    def username(self) -> str:
        """The name of the account as addresses have it: without dots."""
        return slug(self.state.handle(self.account, self.aim), "_")

    @cached_property
    def pictures(self) -> str:
        """The beginning of the URLs of pictures."""
        return picture_url(self.base_url, "").removesuffix(".png")

    def wrong(self, message: str = "") -> Problem:
        """Return the error for a parameter that is missing or wrong."""
        return invalid(message or self.refused)

    def needed(self, name: str) -> str:
        """Return a parameter.

        Raises:
            Problem: it is missing.
        """
        if not self.params.get(name):
            raise self.wrong()
        return self.params[name]

    def one_of(self, name: str, known: Collection[str], usual: str) -> str:
        """Return a parameter that has one of some values.

        Raises:
            Problem: it has another one.
        """
        found = self.params.get(name, usual)
        if found not in known:
            raise self.wrong()
        return found

    def some_of(self, name: str, known: Collection[str]) -> list[str]:
        """Return the items of a list, each of which is one of some values; all of them if the parameter is missing.

        Raises:
            Problem: it has another one.
        """
        if name not in self.params:
            return list(known)
        found = [item.strip() for item in self.params[name].split(",")]
        if not set(found) <= set(known):
            raise self.wrong()
        return found

    def flag(self, name: str) -> bool:
        """Return a boolean, false if it is missing.

        Raises:
            Problem: it is neither true nor false.
        """
        text = self.params.get(name, "false").lower()
        if text not in ("true", "false"):
            raise self.wrong()
        return text == "true"

    def number(self, name: str, usual: int, most: int) -> int:
        """Return a whole number from 1 to `most`.

        Raises:
            Problem: it is another one, or none.
        """
        text = self.params.get(name, str(usual))
        if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= most:
            raise self.wrong()
        return int(text)

    def day(self, name: str) -> date:
        """Return a day.

        Raises:
            Problem: it is missing, or no date.
        """
        text = self.needed(name)
        try:
            return date.fromisoformat(text if _DAY.fullmatch(text) else "")
        except ValueError:
            raise self.wrong() from None


def parse(query: str) -> dict[str, str]:
    """Return the parameters of a query; several values of one are joined by commas."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found
