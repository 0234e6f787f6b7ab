"""Platform ids in stored accounts: brought into their normal form at each start, before the index of unique ids.

Older versions stored ids as they were typed. Our id of such an account stays, and with it its history: only the
platform's id is written again. An account that was connected twice, by two spellings, keeps the odd spelling on the
younger of the two: both go on being collected until a person chooses, and `tidemark doctor` names them. When one is
erased, the next connection of the other brings it into its normal form.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pymongo.collection import Collection

from metrics.documents import Document
from metrics.errors import InvalidInput
from metrics.identity import same_account_ids, stored_account_id

_PLAIN = "^[1-9][0-9]*$"


def normalise_accounts(accounts: Collection[Document], scope: Mapping[str, str] = MappingProxyType({})) -> int:
    """Write platform ids of accounts in their normal form; return how many were written. Safe to run twice at once.

    `scope` narrows the accounts by equality of fields.
    """
    fields = {"workspaceId": 1, "platform": 1, "platformAccountId": 1}
    odd = accounts.find({**scope, "platformAccountId": {"$not": {"$regex": _PLAIN}}}, fields).sort("connectedAt", 1)
    written = 0
    for account in list(odd):
        stored = account["platformAccountId"]
        try:
            normal = stored_account_id(account["platform"], stored)
        except (InvalidInput, KeyError):
            continue  # No spelling of an id: `tidemark doctor` names the account and says what to do.
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
