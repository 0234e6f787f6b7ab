"""Users: the owner of the token, by id, and by name (docs/platform-facts.md#x-endpoints)."""

from collections.abc import Iterable
from typing import Any

from simulator.bill import charge
from simulator.twitter import objects, posts
from simulator.twitter.call import Call, id_of, ids_of
from simulator.twitter.problem import not_found, suspended, unauthorized, unsupported
from simulator.twitter.usage import OWN, USER
from simulator.world import SimAccount


def me(call: Call) -> dict[str, Any]:
    """Answer `GET /2/users/me`.

    Raises:
        Problem: the token is an app token, which has no user.
    """
    if call.account is None:
        raise unsupported("OAuth 2.0 Application-Only", "OAuth 1.0a User Context", "OAuth 2.0 User Context")
    return _one(call, call.account)


def by_id(call: Call, value: str) -> dict[str, Any]:
    """Answer `GET /2/users/:id`."""
    return _alone(call, _found(call, id_of(value), "id"))


def by_name(call: Call, value: str) -> dict[str, Any]:
    """Answer `GET /2/users/by/username/:username`."""
    return _alone(call, _found(call, id_of(value, "username"), "username"))


def several(call: Call, parameter: str) -> dict[str, Any]:
    """Answer `GET /2/users?ids=` and `GET /2/users/by?usernames=`."""
    answers = [_found(call, value, parameter) for value in ids_of(call.params, parameter)]
    users = [one for one in answers if isinstance(one, SimAccount)]
    errors = [one for one in answers if not isinstance(one, SimAccount)]
    return {**_shown(call, users), **({"errors": errors} if errors else {})}


def of_timeline(call: Call, value: str) -> SimAccount | dict[str, Any]:
    """Return the user of a requested timeline, or the partial error for a missing or a protected one."""
    found = _found(call, id_of(value), "id")
    if isinstance(found, SimAccount) and not posts.may_see(call, found):
        return unauthorized(value, "id", "user")
    return found


def _found(call: Call, value: str, parameter: str) -> SimAccount | dict[str, Any]:
    if parameter in ("id", "ids"):
        account = call.state.world.find("twitter", value)
    else:
        account = call.state.named("twitter", value, call.aim)
    fate = None if account is None else call.state.fate(account, call.aim)
    if account is None or fate == "deleted":
        return not_found(value, parameter, "user")
    return suspended(value, parameter) if fate == "suspended" else account


def _alone(call: Call, found: SimAccount | dict[str, Any]) -> dict[str, Any]:
    return _one(call, found) if isinstance(found, SimAccount) else {"errors": [found]}


def _one(call: Call, account: SimAccount) -> dict[str, Any]:
    body = _shown(call, [account])
    return {**body, "data": body["data"][0]}


def _shown(call: Call, users: Iterable[SimAccount]) -> dict[str, Any]:
    there = list(users)
    for account in there:
        price = OWN if call.account is not None and call.account.index == account.index else USER
        charge(call.state, "twitter", "user", [account.platform_account_id], price)
    data = [objects.user(call, account) for account in there]
    return {**({"data": data} if data else {}), **posts.of_users(call, there)}
