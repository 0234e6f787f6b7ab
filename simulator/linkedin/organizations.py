"""Organizations: profiles, administrators, numbers of followers (docs/platform-facts.md#linkedin-statistics).

For an organization that the token's member does not administer, the API returns only a few fields, in
`organizationsLookup` and by vanity name; `organizations/{id}` and its batch are for administrators (LinkedIn's page
"Organization Lookup").
"""

from typing import Any

from simulator import truth
from simulator.linkedin.call import ORGANIZATION, PERSON, Call, batch, not_found, page
from simulator.linkedin.members import member_id
from simulator.linkedin.problem import Problem, invalid
from simulator.logins import managed
from simulator.world import SimAccount, display_name, slug

_LOCALE = {"country": "US", "language": "en"}
_ROLES = ("ADMINISTRATOR", "ANALYST", "CONTENT_ADMINISTRATOR", "CURATOR", "DIRECT_SPONSORED_CONTENT_POSTER",
          "LEAD_CAPTURE_ADMINISTRATOR", "LEAD_GEN_FORMS_MANAGER", "RECRUITING_POSTER")  # fmt: skip
_LISTED_ACL = {"role": "ADMINISTRATOR", "state": "APPROVED"}
_STATES = ("APPROVED", "REJECTED", "REQUESTED", "REVOKED")


def network_size(call: Call, urn: str) -> Any:
    """Answer `GET /networkSizes/{urn}`: the only total of followers.

    Whether LinkedIn answers about an organization that the member does not administer is told both ways. Here it does;
    a fault of kind `permission` with the path `networkSizes` makes it refuse.
    """
    if call.params.get("edgeType") != "COMPANY_FOLLOWED_BY_MEMBER":
        raise invalid("edgeType")
    other = _other(call, urn)
    if other is None:
        call.check_owned(urn, is_key=True)
    account = other or call.account
    return {"firstDegreeSize": truth.account_value(call.state.world, account, "firstDegreeSize", call.now)}


def _other(call: Call, urn: str) -> SimAccount | None:
    """Return the organization of somebody else that a URN stands for, None if it is the member's own or none.

    Raises:
        Problem: it is gone.
    """
    key = urn.removeprefix(ORGANIZATION)
    found = call.state.world.find("linkedin", key) if urn != key else None
    return None if found is None or found.index == call.account.index else _account(call, key)


def organizations(call: Call, key: str) -> Any:
    """Answer `GET /organizations/{id}`, `?ids=List(…)` and `?q=vanityName`."""
    if key:
        return _administered(call, key)
    if "ids" in call.params:
        return batch(call.ids(), lambda one: _administered(call, one))
    call.finder("vanityName")
    found = call.state.named("linkedin", str(call.params.get("vanityName", "")), call.aim)
    there = found is not None and call.state.fate(found, call.aim) is None
    return page([_public(call, found)] if found is not None and there else [])


def organizations_lookup(call: Call, key: str) -> Any:
    """Answer `GET /organizationsLookup/{id}` and `?ids=List(…)`: the public fields of any organization."""
    return _looked_up(call, key) if key else batch(call.ids(), lambda one: _looked_up(call, one))


def organization_acls(call: Call) -> Any:
    """Answer the finders of `GET /organizationAcls`: a member's roles, or all roles in an organization."""
    requested = call.finder("roleAssignee", "organization")
    if requested == "organization":
        call.check_owned(call.params.get("organization"), "organization")
    for name, known in (("role", _ROLES), ("state", _STATES)):
        if call.params.get(name, known[0]) not in known:
            raise invalid(name)
    acls = [
        {
            "role": "ADMINISTRATOR",
            "state": "APPROVED",
            "organization": ORGANIZATION + one.platform_account_id,
            "roleAssignee": PERSON + member_id(call.account),
        }
        for one in managed(call.state, call.account)
        if call.state.fate(one, call.aim) is None
    ]
    fits = all(call.params.get(name, value) == value for name, value in _LISTED_ACL.items())
    return page(acls if fits else [])


def _account(call: Call, key: str) -> SimAccount:
    found = call.state.world.find("linkedin", key)
    if found is None:
        raise not_found(key)
    fate = call.state.fate(found, call.aim)
    if fate == "deleted":
        raise Problem(404, f"Organization {key} is inactive", "NOT_FOUND")
    if fate == "suspended":
        raise _unseen(key)
    return found


def _looked_up(call: Call, key: str) -> dict[str, Any]:
    return _public(call, _account(call, key))


def _administered(call: Call, key: str) -> dict[str, Any]:
    account = _account(call, key)
    if account.index not in {one.index for one in managed(call.state, call.account)}:
        raise _unseen(key)
    return {**_public(call, account), "defaultLocale": _LOCALE}


def _unseen(key: str) -> Problem:
    message = f"Viewer don't have permission to the ADMIN_ONLY VisibilityReduction for {ORGANIZATION}{key}"
    return Problem(403, message, "ACCESS_DENIED")


def _public(call: Call, account: SimAccount) -> dict[str, Any]:
    """Return the public fields."""
    handle = call.state.handle(account, call.aim)
    name = display_name(handle)
    return {
        "id": int(account.platform_account_id),
        "vanityName": slug(handle, "-"),
        "localizedName": name,
        "name": {"localized": {"en_US": name}, "preferredLocale": _LOCALE},
        "primaryOrganizationType": "NONE",
        "locations": [],
    }
