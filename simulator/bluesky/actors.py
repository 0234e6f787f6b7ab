"""Accounts: profiles one by one and in batches, and the resolution of handles."""

from typing import Any

from simulator.bluesky import views
from simulator.bluesky.call import MOST_ACTORS, Call, check_actor
from simulator.bluesky.problem import Problem, invalid
from simulator.bluesky.world import DOMAIN
from simulator.world import SimAccount

_NOT_FOUND = "Profile not found"


def profile(call: Call) -> dict[str, Any]:
    """Answer `app.bsky.actor.getProfile`, for a DID or a handle.

    Raises:
        Problem: there is no such account, or it is suspended.
    """
    return views.profile(call, found_actor(call, call.one("actor")))


def profiles(call: Call) -> dict[str, Any]:
    """Answer `app.bsky.actor.getProfiles`; unknown and suspended accounts are left out without an error.

    Raises:
        Problem: there are none or too many, or one has another form.
    """
    actors = call.several("actors", MOST_ACTORS)
    for number, actor in enumerate(actors):
        check_actor(call.method, actor, f"actors/{number}")
    found = [account for actor in actors if (account := actor_of(call, actor)) is not None]
    there = [one for one in found if call.state.fate(one, call.aim) is None and not call.aim.hides(one.handle)]
    return {"profiles": [views.profile(call, account) for account in there]}


def resolve_handle(call: Call) -> dict[str, Any]:
    """Answer `com.atproto.identity.resolveHandle`.

    Raises:
        Problem: no account has this handle.
    """
    handle = call.one("handle")
    check_actor(call.method, handle, "handle")
    account = None if handle.startswith("did:") else actor_of(call, handle)
    if account is None:
        raise invalid("Unable to resolve handle")
    return {"did": account.platform_account_id}


def found_actor(call: Call, actor: str) -> SimAccount:
    """Return the account with a DID or a handle.

    Raises:
        Problem: there is none, or it is suspended.
    """
    check_actor(call.method, actor, "actor")
    account = actor_of(call, actor)
    fate = None if account is None else call.state.fate(account, call.aim)
    if account is None or fate == "deleted":
        raise invalid(_NOT_FOUND)
    if fate == "suspended":
        raise Problem(400, "AccountTakedown", "Account has been suspended")
    return account


def actor_of(call: Call, actor: str) -> SimAccount | None:
    """Return the account with a DID or a handle, or None."""
    if actor.startswith("did:"):
        return call.state.world.find("bluesky", actor)
    name = actor.lower()
    return call.state.named("bluesky", name.removesuffix(DOMAIN), call.aim) if name.endswith(DOMAIN) else None
