"""Simulated API of Pinterest, version 5: authentication, limits, faults, and routing.

Facts: docs/platform-facts.md#pinterest. All reads are under `/v5/`; the token endpoint is `/v5/oauth/token`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from simulator.faults import Target
from simulator.pinterest import account, account_analytics, pin_analytics, pins, tokens
from simulator.pinterest.call import Call, parse
from simulator.pinterest.limits import ANALYTICS, READ, spend
from simulator.pinterest.problem import Problem, missing_scopes, not_authorized, too_many, unauthenticated
from simulator.state import Answer, Request, State, target
from simulator.world import SimAccount

ROOT, TOKEN = "/v5/", "/v5/oauth/token"
"""The paths of this API, and of its token endpoint."""

Read = Callable[[Call], Any]


class Resource(NamedTuple):
    """One path: how it is answered, its parameters, its category of limits, and its texts of errors.

    `what` names it in the error for a missing permission, `scopes` are those that a token needs for it.
    """

    read: Read
    parameters: tuple[str, ...]
    category: str
    what: str
    refused: str
    scopes: tuple[str, ...]


_OF_ACCOUNT, _OF_PINS = ("user_accounts:read",), ("pins:read", "boards:read")
_ANALYTICS_OF_ACCOUNT = ("the user account analytics", "Invalid user accounts analytics parameters.")
_RESOURCES: Mapping[str, Resource] = {
    "user_account": Resource(
        account.user_account,
        account.PARAMETERS,
        READ,
        "the user account",
        "Invalid user account parameters.",
        _OF_ACCOUNT,
    ),
    "user_account/analytics": Resource(
        account_analytics.user_account_analytics,
        account_analytics.PARAMETERS,
        ANALYTICS,
        *_ANALYTICS_OF_ACCOUNT,
        _OF_ACCOUNT,
    ),
    "user_account/analytics/top_pins": Resource(
        pin_analytics.top_pins,
        pin_analytics.TOP_PARAMETERS,
        ANALYTICS,
        *_ANALYTICS_OF_ACCOUNT,
        ("pins:read", *_OF_ACCOUNT),
    ),
    "pins": Resource(pins.pins, pins.PARAMETERS, READ, "board or Pin", "Invalid pin parameters.", _OF_PINS),
    "pins/analytics": Resource(
        pin_analytics.pins_analytics,
        pin_analytics.MANY_PARAMETERS,
        ANALYTICS,
        "board or Pin",
        "Invalid multi_pins analytics parameters.",
        _OF_PINS,
    ),
}


class Pinterest:
    """The API with the paths `/v5/…`."""

    def __init__(self, state: State) -> None:
        self.state = state

    def serves(self, path: str) -> bool:
        """Tell whether a path belongs to Pinterest."""
        return path.startswith(ROOT)

    def account(self, request: Request) -> SimAccount | None:
        """Return the account whose token a request carries."""
        return tokens.owner(self.state, request.bearer or "")

    def page(self, request: Request) -> int | None:
        """Return the number of the requested page of the list of pins."""
        return pins.page_of(parse(request.query)) if request.path == f"{ROOT}pins" else None

    def handle(self, request: Request) -> Answer:
        """Answer a request."""
        try:
            if request.path == TOKEN:
                return tokens.token(self.state, request)
            return Answer(200, self._answer(request))
        except Problem as problem:
            return problem.answer

    def _answer(self, request: Request) -> Any:
        now, aim = self.state.clock.now(), target(self.state, self, request)
        owner, token = self.account(request), request.bearer or ""
        if owner is None or tokens.has_ended(token, now) or tokens.is_revoked(self.state, token):
            raise unauthenticated()
        if self.state.is_dead(token, owner, aim):
            raise unauthenticated()
        name = request.plain_path.removeprefix(ROOT)
        resource = _resource(name)
        if resource is None or request.method != "GET":
            raise Problem(404, 404, "Not found.")
        spend(self.state, resource.category, token, owner.platform_account_id, now)
        if missing := set(resource.scopes) - set(tokens.scopes(self.state, token)):
            raise missing_scopes(missing)
        _raise_faults(aim, resource)
        if self.state.fate(owner, aim) is not None:
            raise Problem(403, 2625, "Your account is under review.")
        self.state.count(_kind(name), owner.platform_account_id)
        params = parse(request.query)
        call = Call(self.state, owner, params, now, aim, request.base_url, resource.refused)
        if not params.keys() <= set(resource.parameters):
            raise call.wrong()
        return resource.read(call)


def _kind(name: str) -> str:
    """Return the name under which a call is counted: without the id of a pin."""
    first, *rest = name.split("/")
    return "/".join([first, *("{pin}" if part.isdecimal() else part for part in rest)])


def _resource(name: str) -> Resource | None:
    """Return the resource of a path, or None if there is none."""
    if (known := _RESOURCES.get(name)) is not None:
        return known
    first, _, rest = name.partition("/")
    pin_id, slash, what = rest.partition("/")
    if first != "pins" or not pin_id.isdecimal():
        return None
    if not slash:
        return Resource(
            lambda call: pins.pin(call, pin_id),
            pins.ONE_PARAMETERS,
            READ,
            "board or Pin",
            "Invalid pin parameters.",
            _OF_PINS,
        )
    if what != "analytics":
        return None
    return Resource(
        lambda call: pin_analytics.pin_analytics(call, pin_id),
        pin_analytics.PARAMETERS,
        ANALYTICS,
        "board or Pin",
        "Invalid pin analytics parameters.",
        _OF_PINS,
    )


def _raise_faults(aim: Target, resource: Resource) -> None:
    """Raise the errors of the faults that hit a call.

    Raises:
        Problem: the error, in the words of Pinterest.
    """
    if aim.strike("error"):
        raise Problem(500, 500, "Something went wrong on our end. Sorry about that.")
    if aim.strike("account_limit"):
        raise too_many(30)
    if aim.strike("app_limit"):
        raise too_many()
    if aim.strike("permission"):
        raise not_authorized(resource.what)
