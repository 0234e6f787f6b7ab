"""Delete watched accounts: their public numbers, posts and rollups, and the accounts themselves at last."""

from collections import Counter

from metrics.documents import Document
from metrics.store import Store
from metrics.store.setup.namespaces import PUBLIC
from metrics.upkeep.erase.extent import filters_of


def delete_watched(store: Store, query: Document) -> Counter[str]:
    """Delete the watched accounts that match a query; return the number of deleted documents by collection.

    Runs that are under way discard what they read of them (`take_back`). After an interruption, call this again.

    Raises:
        MongoUnavailable: MongoDB does not answer; call this again.
    """
    gone: Counter[str] = Counter()
    store.watch_lists.mark_erasing(query)
    for row in store.deletion.find(PUBLIC.accounts, query):
        for name, of_account in filters_of("account", row["_id"], PUBLIC).items():
            gone[name] += store.deletion.delete(name, of_account)
    return gone
