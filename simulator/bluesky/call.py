"""One call of XRPC, and the parsing of its parameters, which the lexicon of its method declares."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from simulator.bluesky.problem import invalid_params
from simulator.faults import Target
from simulator.state import State
from simulator.world import SimAccount

Params = Mapping[str, Sequence[str]]
FILTERS = (
    "posts_with_replies", "posts_no_replies", "posts_with_media", "posts_and_author_threads", "posts_with_video"
)  # fmt: skip
MOST_ACTORS = MOST_URIS = 25
MOST_ITEMS, USUAL_ITEMS = 100, 50
_DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]+")
_HANDLE = re.compile(r"([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
_AT_URI = re.compile(r"at://[A-Za-z0-9._:%-]+(/[A-Za-z0-9-.]+(/[A-Za-z0-9._:~-]+)?)?")


@dataclass(frozen=True)
class Call:
    """One call of a method; `account` is that of the session, None without one."""

    state: State
    method: str
    params: Params
    account: SimAccount | None
    now: datetime
    aim: Target
    base_url: str
    authors: dict[int, dict[str, Any]] = field(default_factory=dict)
    """The short profiles that this answer has so far, by number of the account."""

    def one(self, name: str) -> str:
        """Return a required parameter; of repeated ones, the last counts.

        Raises:
            Problem: it is missing.
        """
        if not (values := self.params.get(name)):
            raise invalid_params(self.method, f'Params must have the property "{name}"')
        return values[-1]

    def several(self, name: str, most: int) -> list[str]:
        """Return a required, repeatable parameter.

        Raises:
            Problem: it is missing, or comes more often than `most` times.
        """
        values = list(self.params.get(name, ()))
        if not values:
            raise invalid_params(self.method, f'Params must have the property "{name}"')
        if len(values) > most:
            raise invalid_params(self.method, f"{name} must not have more than {most} elements")
        return values

    def limit(self) -> int:
        """Return how many items a page may have.

        Raises:
            Problem: the parameter is no number from 1 to 100.
        """
        text = self.params.get("limit", (str(USUAL_ITEMS),))[-1]
        if not text.isdecimal():
            raise invalid_params(self.method, "limit must be an integer")
        if not 1 <= int(text) <= MOST_ITEMS:
            word = "less than 1" if int(text) < 1 else f"greater than {MOST_ITEMS}"
            raise invalid_params(self.method, f"limit can not be {word}")
        return int(text)

    def flag(self, name: str) -> bool:
        """Return an optional boolean parameter, False if it is missing.

        Raises:
            Problem: it is neither `true` nor `false`.
        """
        text = self.params.get(name, ("false",))[-1]
        if text not in ("true", "false"):
            raise invalid_params(self.method, f"{name} must be a boolean")
        return text == "true"


def params_of(query: str) -> Params:
    """Return the parameters of a query, each with all its values: lists are sent as repeated parameters."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def check_actor(method: str, text: str, name: str) -> None:
    """Refuse what is neither a DID nor a handle.

    Raises:
        Problem: in the words of the lexicon.
    """
    if not (_DID.fullmatch(text) or _HANDLE.fullmatch(text)):
        raise invalid_params(method, f"{name} must be a valid did or a handle")


def check_uri(method: str, text: str, name: str) -> None:
    """Refuse what is not a URI of the AT protocol.

    Raises:
        Problem: in the words of the lexicon.
    """
    if not _AT_URI.fullmatch(text):
        raise invalid_params(method, f"{name} must be a valid at-uri")
