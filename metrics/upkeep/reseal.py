"""Key rotation: seal the credentials of all accounts with the newest key, bound to their account."""

from metrics.errors import CredentialError
from metrics.store import Store
from metrics.vault import Vault


def reseal_all(store: Store, vault: Vault) -> tuple[int, list[str]]:
    """Seal the credentials of every account with the newest key, and bind them to it.

    Return how many were sealed again, and the ids of the accounts whose credentials cannot be opened: no key opens
    them, or they were sealed for another account. A token that is
    renewed meanwhile is left as it is: its renewal sealed it with the newest key.

    Raises:
        MongoUnavailable: MongoDB does not answer; call again.
    """
    resealed, unopened = 0, []
    for account in store.accounts.find():
        if sealed := account.get("credentials"):
            try:
                resealed += store.accounts.reseal(account["_id"], sealed, vault.reseal(sealed, account["_id"]))
            except CredentialError:
                unopened.append(account["_id"])
    return resealed, unopened
