"""Migration of platform ids in stored accounts into their normal form; it runs at each start, before the unique index.

Older versions stored ids as they were typed. Only the platform's id is changed: our own id of the account stays, and
with it all its data. If an account was connected twice under two spellings, the younger one keeps its spelling. Both
are collected until a person erases one; `tidemark doctor` names them. The next connection of the other one then brings
its id into the normal form.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pymongo.collection import Collection

from metrics.documents import Document
from metrics.errors import InvalidInput
from metrics.identity import same_account_ids, stored_account_id

_PLAIN = "^[1-9][0-9]*$"


def normalise_accounts(accounts: Collection[Document], scope: Mapping[str, str] = MappingProxyType({})) -> int:
    """Change the platform ids of accounts into their normal form; return how many were changed.

    `scope` restricts the accounts to those with equal fields. Several processes can run this at once.
    """
    fields = {"workspaceId": 1, "platform": 1, "platformAccountId": 1}
    odd = accounts.find({**scope, "platformAccountId": {"$not": {"$regex": _PLAIN}}}, fields).sort("connectedAt", 1)
    written = 0
    for account in list(odd):
        stored = account["platformAccountId"]
        try:
            normal = stored_account_id(account["platform"], stored)
        except (InvalidInput, KeyError):
            continue  # Not an id at all: `tidemark doctor` names the account and what to do.
        if normal == stored:
            continue
        same = {
            "_id": {"$ne": account["_id"]},
            "workspaceId": account["workspaceId"],
            "platform": account["platform"],
            "platformAccountId": {"$in": list(same_account_ids(account["platform"], normal))},
        }
        if accounts.find_one(same, {"_id": 1}) is None:
            query = {"_id": account["_id"], "workspaceId": account["workspaceId"], "platformAccountId": stored}
            written += accounts.update_one(query, {"$set": {"platformAccountId": normal}}).modified_count
    return written
