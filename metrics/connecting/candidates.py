"""The accounts that a login can read: with their normal ids, and with the names by which a person tells them apart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from metrics.connecting.authorization import Authorization, Grant
from metrics.connecting.errors import NotConnected
from metrics.connecting.new_account import NewAccount
from metrics.documents import Platform
from metrics.errors import InvalidInput
from metrics.identity import account_number, normal_account_id
from metrics.visible import visible

_SHOWN = 5
_LONGEST_HANDLE = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that a new token can read.

    `platform_account_id` is the normal form of its id, and `handle` is None if the platform tells no name. `token` is
    the account's own token, which is stored in place of the person's; its repr is not shown.
    """

    platform_account_id: str
    handle: str | None
    token: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{visible(self.handle)} ({self.platform_account_id})" if self.handle else self.platform_account_id


def candidates(authorization: Authorization, grant: Grant, platform: Platform) -> list[Candidate]:
    """Ask the platform which accounts a login can read, and what they are called.

    Raises:
        NotConnected: the platform does not answer, or refuses its own token.
    """
    found: dict[str, Candidate] = {}
    for owned in authorization.owned_accounts(grant):
        try:
            normal = normal_account_id(platform, owned.platform_account_id)
        except InvalidInput:
            # LinkedIn, for example, may list objects that are no pages.
            continue
        handle = (owned.handle or "").strip()[:_LONGEST_HANDLE] or None
        found.setdefault(account_number(normal), Candidate(normal, handle, owned.token))
    nameless = [number for number, one in found.items() if one.handle is None]
    names = authorization.names(grant, nameless) if nameless else {}
    return [replace(one, handle=names.get(number, one.handle)) for number, one in found.items()]


def wanted_of(found: Sequence[Candidate], wanted: str | None, authorization: Authorization) -> list[Candidate]:
    """Return the named account alone, or all accounts if none was named; never an empty list.

    Raises:
        NotConnected: the login can read no account, or not the named one.
    """
    title = authorization.title
    if not found:
        raise NotConnected(
            "account", f"This {title} login can read no account. {authorization.login.steps} Then start again."
        )
    if wanted is None:
        return list(found)
    same = [one for one in found if account_number(one.platform_account_id) == account_number(wanted)]
    if not same:
        raise NotConnected(
            "account",
            f"This {title} login belongs to {listed(found)}, and not to the account {wanted} that was to be connected. "
            f"Log out at {title}, start again, and log in with the right account.",
        )
    return same


def listed(found: Sequence[object]) -> str:
    """Return the first few of several accounts as text."""
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(map(str, found[:_SHOWN])) + more


def new_accounts(
    workspace_id: str, platform: Platform, credentials: Mapping[str, Any], chosen: Iterable[Candidate]
) -> list[NewAccount]:
    """Return candidates as accounts to connect; `credentials` are those of the person's token."""
    return [
        NewAccount(
            workspace_id,
            platform,
            one.platform_account_id,
            one.handle or "",
            _credentials(credentials, one),
            keeps_second_grant=True,
        )
        for one in chosen
    ]


def _credentials(credentials: Mapping[str, Any], chosen: Candidate) -> dict[str, str | float]:
    if chosen.token is None:
        return dict(credentials)
    # The account's own token does not end when the person's does.
    kept = {name: value for name, value in credentials.items() if name != "expires_at"}
    return {**kept, "access_token": chosen.token}
