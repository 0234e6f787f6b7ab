"""The collection `shard_reports`: reports of the parallel steps of a collection to the step that joins them."""

from collections.abc import Collection

from pymongo.database import Database

from metrics.clock import utcnow
from metrics.documents import Document
from metrics.errors import NotFound
from metrics.store.errors import mongo_errors


class ShardReportStore:
    """Reads and writes of reports. A report is bytes; the ids of its workspaces and accounts are stored beside it."""

    def __init__(self, db: Database[Document]) -> None:
        self._reports = db["shard_reports"]

    def put(self, key: str, report: bytes, *, workspace_ids: Collection[str], account_ids: Collection[str]) -> None:
        """Store a report, in place of an earlier one with the same key."""
        document: Document = {
            "_id": key,
            "at": utcnow(),
            "workspaceIds": sorted(workspace_ids),
            "accountIds": sorted(account_ids),
            "report": report,
        }
        with mongo_errors():
            self._reports.replace_one({"_id": key}, document, upsert=True)

    def get(self, key: str) -> bytes:
        """Return a report.

        Raises:
            NotFound: there is no report with that key.
        """
        with mongo_errors():
            found = self._reports.find_one({"_id": key}, {"report": 1})
        if found is None:
            raise NotFound(f"the report {key} is no longer there: execute the whole run again")
        return bytes(found["report"])
