"""Call of LinkedIn's API, as passed to its resources, and answer forms that several of them share."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.faults import Target
from simulator.linkedin.problem import Problem, invalid
from simulator.linkedin.protocol import Params
from simulator.state import State
from simulator.world import SimAccount

ORGANIZATION = "urn:li:organization:"
PERSON = "urn:li:person:"


@dataclass(frozen=True)
class Call:
    """One call: the account, the parameters and the instant. `path` and `query` are as sent."""

    state: State
    account: SimAccount
    params: Params
    now: datetime
    aim: Target
    path: str
    query: str

    @property
    def urn(self) -> str:
        """URN of the organization that the token's member administers."""
        return ORGANIZATION + self.account.platform_account_id

    def finder(self, *names: str) -> str:
        """Return the requested finder.

        Raises:
            Problem: the resource has no such finder.
        """
        requested = self.params.get("q")
        if requested not in names:
            raise Problem(400, "Invalid query parameters passed to request", "ILLEGAL_ARGUMENT")
        return str(requested)

    def check_owned(self, urn: object, name: str = "organizationalEntity", *, is_key: bool = False) -> None:
        """Refuse an organization that the token's member does not administer, or that is gone.

        Raises:
            Problem: 400 if the URN is of no organization, 403 if it is of another or a gone one; 404 for a deleted key.
        """
        if not isinstance(urn, str) or not urn.startswith(ORGANIZATION):
            raise invalid(name)
        fate = self.state.fate(self.account, self.aim) if urn == self.urn else None
        if fate == "deleted" and is_key:
            raise not_found(urn)
        if urn != self.urn or fate is not None:
            raise Problem(403, f"Not enough permissions to access: {urn}", "ACCESS_DENIED", 100)

    def ids(self) -> list[str]:
        """Return the keys of a batch.

        Raises:
            Problem: the parameter is no list of keys.
        """
        found = self.params.get("ids")
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise invalid("ids")
        return found


def batch(keys: Iterable[str], read: Callable[[str], Any]) -> dict[str, Any]:
    """Return the answer to a batch: the result of `read` for each key, or the problem that it raises."""
    results: dict[str, Any] = {}
    statuses: dict[str, int] = {}
    errors: dict[str, Any] = {}
    for key in keys:
        try:
            results[key] = read(key)
            statuses[key] = 200
        except Problem as problem:
            statuses[key], errors[key] = problem.status, problem.body
    return {"results": results, "statuses": statuses, "errors": errors}


def page(
    elements: list[Any], start: int = 0, count: int = 10, *, following: str | None = None, total: int | None = None
) -> dict[str, Any]:
    """Return a page of a list; `following` is the address of the next page. LinkedIn omits `total` at times."""
    links = [{"rel": "next", "type": "application/json", "href": following}] if following else []
    more = {} if total is None else {"total": total}
    return {"paging": {"start": start, "count": count, "links": links, **more}, "elements": elements}


def not_found(key: str) -> Problem:
    """Return the 404 error for a missing object."""
    return Problem(404, f"Could not find entity {key}", "NOT_FOUND")


def project_fields(body: Any, params: Mapping[str, Any]) -> Any:
    """Return only those fields of an answer, or of each of its elements, that `fields` or `projection` names."""
    requested = params.get("fields", params.get("projection"))
    if not isinstance(requested, str):
        return body
    wanted = _fields(requested)

    def chosen(one: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in one.items() if name in wanted or "*" in wanted}

    if "elements" in body:
        return {**body, "elements": [chosen(one) for one in body["elements"]]}
    if "results" in body:
        return {**body, "results": {key: chosen(one) for key, one in body["results"].items()}}
    return chosen(body)


def _fields(text: str) -> set[str]:
    """Return the top-level names of a list, `id,name:(localized)`; names below them are ignored."""
    names, depth, name = set(), 0, ""
    inner = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    for char in f"{inner},":
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            names.add(name.partition(":")[0].strip())
            name = ""
        elif depth == 0 and char != ")":
            name += char
    return names
