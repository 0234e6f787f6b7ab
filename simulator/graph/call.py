"""Call of the Graph API, as it is passed to the modules of the platforms."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.faults import Target
from simulator.graph.errors import GraphError, forbidden
from simulator.graph.fields import Field, parse_fields
from simulator.logins import granted
from simulator.state import State
from simulator.world import SimAccount

Params = Mapping[str, str]


@dataclass(slots=True)
class Call:
    """One call; `version` is the version that answers.

    `account` is the account that the call is about, `reader` the one whose token it carries: a token may read a Page
    and the Instagram account that is linked with it. `aim` holds the properties by which faults select the call;
    `at_instagram` says that the call was sent to the host of Instagram Login.
    """

    state: State
    account: SimAccount
    reader: SimAccount
    params: Params
    base_url: str
    version: str
    now: datetime
    aim: Target
    at_instagram: bool = False

    def aimed(self, name: str, path: str, page: int | None = None) -> Target:
        """Return the target for faults of one part of the call: an object or a list within its answer."""
        if not self.state.faults.active:
            return self.aim
        return Target(self.state.faults, self.account.platform_account_id, frozenset([name]), path, page)

    def check_insights(self, name: str, edge: str) -> Target:
        """Return the target for faults of a read of insights, as an edge or within another answer.

        Raises:
            GraphError: a fault denies the permission for the insights, but not for the call as a whole.
        """
        if not self.state.faults.active:
            return self.aim
        aim = self.aimed(name, f"{name}/{edge}")
        if aim.strike_first("permission", lambda fault: not self.aim.is_chosen_by(fault)):
            raise forbidden(self.account)
        return aim


@dataclass(frozen=True)
class GraphPlatform:
    """Functions and lists that a platform provides to the Graph API.

    `node` answers `GET /{object}` and `GET /{object}/{edge}`, and raises GraphError. `owner` returns, from the form of
    an id, the index of the account that the object belongs to. `lists` are the edges that are paged.
    """

    node: Callable[[Call, str, str | None], Any]
    owner: Callable[[str], int | None]
    lists: Collection[str]


def parse(text: str) -> tuple[Field, ...]:
    """Return the requested fields.

    Raises:
        GraphError: the text is no list of fields.
    """
    try:
        return parse_fields(text)
    except ValueError as error:
        raise GraphError(2500, str(error)) from None


def names(text: str) -> list[str]:
    """Return a list of names, separated by commas or as JSON, which some third-party clients send."""
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            raise GraphError(100, "(#100) Invalid parameter") from None
        return [str(name) for name in found]
    return [name for name in text.split(",") if name]


def permissions(call: Call, scopes: Sequence[str]) -> dict[str, Any]:
    """Answer `GET /me/permissions`: `scopes`, each granted to the token, or declined in the login that gave it."""
    chosen = granted(call.state, call.reader.token)
    return {
        "data": [
            {"permission": scope, "status": "granted" if chosen is None or scope in chosen else "declined"}
            for scope in scopes
        ]
    }
