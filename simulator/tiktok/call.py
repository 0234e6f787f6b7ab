"""One call of the Display API: the account of its token, the requested fields, and the JSON body."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from simulator.faults import Target
from simulator.state import Request, State
from simulator.tiktok.problem import invalid, missing_scope
from simulator.world import SimAccount


@dataclass(frozen=True)
class Call:
    """One call with a valid token, whose scopes are `granted`; `body` is empty for a GET request."""

    state: State
    account: SimAccount
    request: Request
    body: Mapping[str, Any]
    now: datetime
    aim: Target
    granted: Collection[str]

    def fields(self, scopes: Mapping[str, str]) -> Sequence[str]:
        """Return the requested fields; `scopes` has the known ones, each with the scope that it needs.

        One field that is unknown, or that the user did not allow, fails the whole call.

        Raises:
            Problem: there are none, or one is unknown or not allowed.
        """
        names = [name for name in self.request.params.get("fields", "").split(",") if name]
        if not names:
            raise invalid("Fields is required")
        for name in names:
            if name not in scopes or self.state.faults.retires(name):
                raise invalid(f"Fields contain an unknown name: {name}")
        for scope in dict.fromkeys(scopes[name] for name in names):
            if scope not in self.granted or self.aim.refuses(scope):
                raise missing_scope()
        return list(dict.fromkeys(names))

    def number(self, name: str, default: int) -> int:
        """Return a number of the body.

        Raises:
            Problem: it is no number.
        """
        value = self.body.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid(f"{name} is not a number")
        return value


def body_of(request: Request) -> Mapping[str, Any]:
    """Return the JSON object in the body of a POST request.

    Raises:
        Problem: it is none, or its content type is not JSON.
    """
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise invalid("The content type must be application/json")
    try:
        found = orjson.loads(request.body) if request.body else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise invalid("The body is not a JSON object")
    return found
