"""The end of a login: the code becomes tokens, the platform says whose they are, and the account is stored."""

from redis import Redis

from metrics.clock import utcnow
from metrics.connecting.accounts import connect_accounts, refuse_what_is_being_erased
from metrics.connecting.authorization import Authorization
from metrics.connecting.candidates import candidates, new_accounts, wanted_of
from metrics.connecting.choice import Choice, keep_choice
from metrics.connecting.flows import Flow
from metrics.connecting.second_grant import add_second_grant
from metrics.documents import AccountDocument
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault


def finish(store: Store, redis: Redis, settings: Settings, flow: Flow, code: str) -> list[AccountDocument] | Choice:
    """Connect the account of a flow, and return it. If anything is wrong, nothing is stored.

    If the login can read several accounts and none was named, nothing is stored either: the choice is returned, which
    `choice.connect_chosen` takes.

    Raises:
        NotConnected: the code, the scopes, or the account are not those that are needed, or the platform failed.
        InvalidInput: the account is being erased.
        CredentialError: the verifier was sealed with a key that is no longer known.
        Unavailable: a store does not answer.
    """
    offer, vault = flow.offer, Vault(settings.secret_keys)
    authorization = Authorization(settings, offer.platform, second_grant=offer.second_grant)
    grant = authorization.redeem(code, flow.verifier(vault), utcnow())
    if offer.second_grant:
        return [add_second_grant(store, redis, vault, offer, authorization, grant)]
    found = wanted_of(candidates(authorization, grant, offer.platform), offer.account, authorization)
    if len(found) > 1:
        return keep_choice(redis, vault, flow, found, grant.credentials)
    accounts = new_accounts(offer.workspace_id, offer.platform, grant.credentials, found)
    refuse_what_is_being_erased(store, accounts)
    return connect_accounts(store, redis, vault, accounts)
