"""The end of a login: the code becomes tokens, the platform says whose they are, and that account is stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from redis import Redis

from metrics.clock import utcnow
from metrics.connecting.accounts import connect_accounts, refuse_what_is_being_erased
from metrics.connecting.authorization import Authorization, Grant
from metrics.connecting.errors import NotConnected
from metrics.connecting.flows import Flow
from metrics.connecting.new_account import NewAccount
from metrics.documents import AccountDocument, Platform
from metrics.errors import InvalidInput
from metrics.identity import account_number, normal_account_id
from metrics.platforms.login import OwnedAccount
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault
from metrics.visible import visible

_SHOWN = 5
_LONGEST_HANDLE = 200


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An account of the new token, with its normal id."""

    platform_account_id: str
    owned: OwnedAccount

    def __str__(self) -> str:
        handle = self.owned.handle
        return f"{visible(handle)} ({self.platform_account_id})" if handle else self.platform_account_id


def finish(store: Store, redis: Redis, settings: Settings, flow: Flow, code: str) -> AccountDocument:
    """Connect the account of a flow, and return it. If anything is wrong, nothing is stored.

    Raises:
        NotConnected: the code, the scopes, or the account are not those that are needed, or the platform failed.
        InvalidInput: the account is being erased.
        CredentialError: the verifier was sealed with a key that is no longer known.
        Unavailable: a store does not answer.
    """
    offer, vault = flow.offer, Vault(settings.secret_keys)
    authorization = Authorization(settings, offer.platform)
    grant = authorization.redeem(code, flow.verifier(vault), utcnow())
    chosen = _choose(_candidates(offer.platform, authorization.owned_accounts(grant)), offer.account, authorization)
    account = NewAccount(
        offer.workspace_id,
        offer.platform,
        chosen.platform_account_id,
        _handle(chosen),
        _credentials(grant, chosen.owned),
    )
    refuse_what_is_being_erased(store, [account])
    (document,) = connect_accounts(store, redis, vault, [account])
    return document


def _candidates(platform: Platform, owned: Sequence[OwnedAccount]) -> list[_Candidate]:
    found = []
    for account in owned:
        try:
            found.append(_Candidate(normal_account_id(platform, account.platform_account_id), account))
        except InvalidInput:
            # LinkedIn, for example, may list objects that are no pages.
            continue
    return found


def _choose(found: Sequence[_Candidate], wanted: str | None, authorization: Authorization) -> _Candidate:
    """Return the wanted account, or the only one.

    Raises:
        NotConnected: there is none, it is another one, or there are several to choose from.
    """
    title, steps = authorization.title, authorization.login.steps
    if not found:
        raise NotConnected("account", f"This {title} login can read no account. {steps} Then start again.")
    shown = ", ".join(map(str, found[:_SHOWN])) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")
    if wanted is not None:
        same = [one for one in found if account_number(one.platform_account_id) == account_number(wanted)]
        if not same:
            raise NotConnected(
                "account",
                f"This {title} login belongs to {shown}, and not to the account {wanted} that was to be connected. "
                f"Log out at {title}, start again, and log in with the right account.",
            )
        return same[0]
    if len(found) > 1:
        raise NotConnected(
            "account",
            f"This {title} login can read several accounts: {shown}. Start again and name one of them, with "
            "`--account` at the command line or `platformAccountId` in the API.",
        )
    return found[0]


def _handle(chosen: _Candidate) -> str:
    return (chosen.owned.handle or "").strip()[:_LONGEST_HANDLE]


def _credentials(grant: Grant, owned: OwnedAccount) -> dict[str, str | float]:
    if owned.token is None:
        return dict(grant.credentials)
    # The account's own token does not end when the person's does.
    kept = {name: value for name, value in grant.credentials.items() if name != "expires_at"}
    return {**kept, "access_token": owned.token}
