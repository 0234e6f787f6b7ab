"""Key rotation: seal the credentials of all accounts, and the channels of alerts, with the newest key."""

from metrics.errors import CredentialError
from metrics.store import Store
from metrics.store.workspace.alerts import owner_of_channels
from metrics.vault import Vault


def reseal_all(store: Store, vault: Vault) -> tuple[int, list[str]]:
    """Seal the credentials of every account with the newest key, and bind them to it; the same for channels of alerts.

    Return how many were sealed again, and the ids of the accounts and the channels that cannot be opened: no key opens
    them, or they were sealed for another one. A token that is
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
    for alert in store.alerts.everywhere():
        owner = owner_of_channels(alert["_id"])
        for channel in alert["channels"]:
            try:
                resealed += store.alerts.outbox.reseal(alert["_id"], channel, vault.reseal(channel["sealed"], owner))
            except CredentialError:
                unopened.append(f"{alert['workspaceId']}/{alert['name']}/{channel['id']}")
    return resealed, unopened
