"""One call of the Graph API, as the modules of the platforms get it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.graph_errors import GraphError
from simulator.state import State
from simulator.world import SimAccount

Params = Mapping[str, str]


@dataclass(frozen=True)
class Call:
    """One call of one account's token; `version` is the one that answers."""

    state: State
    account: SimAccount
    params: Params
    base_url: str
    version: str
    now: datetime


Node = Callable[[Call, str, str | None], Any]
"""Answers `GET /{object}` and `GET /{object}/{edge}`; raises GraphError."""


def names(text: str) -> list[str]:
    """Return a list of names: separated by commas, or as JSON, which other people's clients send."""
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            raise GraphError(100, "(#100) Invalid parameter") from None
        return [str(name) for name in found]
    return [name for name in text.split(",") if name]
