"""When accounts were disconnected, where an older version did not note it."""

from datetime import datetime

from pymongo.collection import Collection
from pymongo.database import Database

from metrics.documents import Document
from metrics.periods import HOUR


def note_disconnections(db: Database[Document]) -> int:
    """Note of accounts that were disconnected without a time when their last collected slot ended; return how many.

    One that was never collected counts as disconnected when it was connected: it is expected in no hour. Safe to run
    twice at once.
    """
    accounts: Collection[Document] = db["accounts"]
    query = {"state": "disconnected", "disconnectedAt": {"$exists": False}}
    written = 0
    for account in list(accounts.find(query, {"workspaceId": 1, "connectedAt": 1})):
        last = db["collections"].find_one(
            {"accountId": account["_id"], "state": "collected"}, {"slot": 1}, sort=[("slot", -1)]
        )
        at: datetime = last["slot"] + HOUR if last else account["connectedAt"]
        change = {"$set": {"disconnectedAt": max(at, account["connectedAt"])}}
        written += accounts.update_one({**query, "_id": account["_id"]}, change).modified_count
    return written
