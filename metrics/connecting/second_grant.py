"""The login of a second grant: its tokens are added to those of an account that is connected already.

The other app knows the account by another id, so the usernames are compared. The tokens of the first grant may be
renewed at the same time, and a refresh token that works once must not be overwritten by an older one. Therefore this
holds the lock of renewals, and replaces only the credentials that it read.
"""

from redis import Redis

from metrics.connecting.accounts import SECOND
from metrics.connecting.authorization import Authorization, Grant
from metrics.connecting.errors import NotConnected
from metrics.connecting.flows import Offer
from metrics.documents import AccountDocument
from metrics.errors import CredentialError
from metrics.identity import account_number
from metrics.redis.errors import redis_errors
from metrics.redis.keys import renewal_key
from metrics.store import Store
from metrics.vault import Vault
from metrics.visible import visible

_LOCK_SECONDS = 20.0


def add_second_grant(
    store: Store, redis: Redis, vault: Vault, offer: Offer, authorization: Authorization, grant: Grant
) -> AccountDocument:
    """Store the tokens of a second grant with those of the account of an offer, and return the account.

    Raises:
        NotConnected: the account is not connected, or the login is that of another one; nothing was stored.
        Unavailable: a store does not answer.
    """
    account = _connected(store, offer, authorization.title)
    (owned,) = authorization.owned_accounts(grant)
    if (owned.handle or "").casefold() != account["handle"].casefold():
        raise NotConnected(
            "account",
            f"This {authorization.title} login belongs to {visible(owned.handle or '')}, and the account "
            f"{offer.account} is called {visible(account['handle'])}. Log out at {authorization.title}, start again, "
            "and log in with the right account. If they are the same account, connect it again with the permission for "
            "its username first.",
        )
    second = {
        f"{SECOND}account_id": grant.told["open_id"],
        **{
            f"{SECOND}{name}": grant.credentials[name]
            for name in ("access_token", "refresh_token", "client_id", "client_secret")
            if name in grant.credentials
        },
    }
    lock = redis.lock(renewal_key(account["platform"], account["platformAccountId"]), timeout=_LOCK_SECONDS)
    with redis_errors(), lock:
        now = store.accounts.get(account["_id"])
        try:
            credentials = vault.open(now.get("credentials", b""), account["_id"])
        except CredentialError:
            raise NotConnected("account", _missing(offer, authorization.title)) from None
        sealed = vault.seal({**credentials, **second}, account["_id"])
        if not store.accounts.set_credentials(account["_id"], sealed, expected=now["credentials"]):
            raise NotConnected("platform", "The account was connected again in this moment. Start again.")
    return now


def _connected(store: Store, offer: Offer, title: str) -> AccountDocument:
    wanted = str(offer.account)
    known = store.accounts.connected([(offer.workspace_id, offer.platform, wanted)])
    account = known.get((offer.workspace_id, offer.platform, account_number(wanted)))
    if account is None or account["state"] == "disconnected":
        raise NotConnected("account", _missing(offer, title))
    return account


def _missing(offer: Offer, title: str) -> str:
    return (
        f"The {title} account {offer.account} is not connected to the workspace {offer.workspace_id}: connect it "
        "first, then add its second grant."
    )
