"""Migration: set the time of disconnection that older versions did not store."""

from datetime import datetime

from pymongo.collection import Collection
from pymongo.database import Database

from metrics.documents import Document
from metrics.periods import HOUR


def note_disconnections(db: Database[Document]) -> int:
    """Set `disconnectedAt` of disconnected accounts that lack it; return how many were changed.

    The time is the end of the last collected slot. An account that was never collected gets the time of its connection:
    it is then expected in no hour. Several processes can run this at once.
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
