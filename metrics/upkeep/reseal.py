"""Key rotation: seal credentials, channels of alerts and URLs of warehouses with the newest key."""

from collections.abc import Iterator

from metrics.errors import CredentialError
from metrics.store import Store
from metrics.store.workspace.alerts import owner_of_channels
from metrics.store.workspace.anomaly_alerts import owner_of_anomaly_channels
from metrics.store.workspace.channels import ChannelDocument, Outbox
from metrics.store.workspace.warehouses import owner_of_url
from metrics.vault import Vault


def reseal_all(store: Store, vault: Vault) -> tuple[int, list[str]]:
    """Seal the credentials of every account with the newest key, and bind them to it; the same for channels of alerts
    and URLs of warehouses.

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
    for outbox, name, owner_id, owner, channels in _owners(store):
        for channel in channels:
            try:
                resealed += outbox.reseal(owner_id, channel, vault.reseal(channel["sealed"], owner))
            except CredentialError:
                unopened.append(f"{name}/{channel['id']}")
    for warehouse in store.warehouses.all():
        if sealed := warehouse.get("sealed"):
            name, owner = warehouse["_id"], owner_of_url(warehouse["_id"])
            try:
                resealed += store.warehouses.reseal(name, sealed, vault.reseal(sealed, owner))
            except CredentialError:
                unopened.append(f"warehouse {name}")
    return resealed, unopened


def _owners(store: Store) -> Iterator[tuple[Outbox, str, str, str, list[ChannelDocument]]]:
    """Yield what has channels: its outbox, a name to show, its id, what its channels are bound to, and these."""
    for alert in store.alerts.everywhere():
        shown = f"{alert['workspaceId']}/{alert['name']}"
        yield store.alerts.outbox, shown, alert["_id"], owner_of_channels(alert["_id"]), alert["channels"]
    for rule in store.anomaly_alerts.everywhere():
        owner = owner_of_anomaly_channels(rule["_id"])
        yield store.anomaly_alerts.outbox, f"{rule['_id']}/anomalies", rule["_id"], owner, rule["channels"]
