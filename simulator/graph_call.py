"""One call of the Graph API, as the modules of the platforms get it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.fields import Field, parse_fields
from simulator.graph_errors import GraphError
from simulator.state import State
from simulator.world import SimAccount

Params = Mapping[str, str]


@dataclass(frozen=True)
class Call:
    """One call; `version` is the one that answers.

    `account` is the account that the call is about, `reader` the one whose token it carries: a token reads a Page and
    the Instagram account that is linked with it.
    """

    state: State
    account: SimAccount
    reader: SimAccount
    params: Params
    base_url: str
    version: str
    now: datetime


@dataclass(frozen=True)
class GraphPlatform:
    """What the Graph API needs of a platform.

    `node` answers `GET /{object}` and `GET /{object}/{edge}`, and raises GraphError. `owner` tells, of the form of an
    id alone, which account of the platform an object belongs to, by its index.
    """

    node: Callable[[Call, str, str | None], Any]
    owner: Callable[[str], int | None]


def parse(text: str) -> tuple[Field, ...]:
    """Return the fields asked for.

    Raises:
        GraphError: the text is no list of fields.
    """
    try:
        return parse_fields(text)
    except ValueError as error:
        raise GraphError(2500, str(error)) from None


def names(text: str) -> list[str]:
    """Return a list of names: separated by commas, or as JSON, which other people's clients send."""
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            raise GraphError(100, "(#100) Invalid parameter") from None
        return [str(name) for name in found]
    return [name for name in text.split(",") if name]


def permissions(scopes: Sequence[str]) -> dict[str, Any]:
    """Answer `GET /me/permissions`: what a token was granted."""
    return {"data": [{"permission": scope, "status": "granted"} for scope in scopes]}
