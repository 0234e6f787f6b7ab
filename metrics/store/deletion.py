"""Count, find and delete documents of any collection by a query: for erasure and retention."""

from collections.abc import Mapping

from pymongo.database import Database

from metrics.documents import Document
from metrics.store.errors import mongo_errors

Filters = Mapping[str, Document]
"""Queries by the name of the collection."""


class Deletion:
    """Counts, finds and deletes documents of named collections.

    Each method raises `MongoUnavailable` if MongoDB does not answer; all of them can be called again.
    """

    def __init__(self, db: Database[Document]) -> None:
        self._db = db

    def count(self, filters: Filters) -> dict[str, int]:
        """Count the documents that match, by collection; collections without any are left out."""
        with mongo_errors():
            counts = {name: self._db[name].count_documents(query) for name, query in filters.items()}
        return {name: count for name, count in counts.items() if count}

    def find(self, collection: str, query: Document, *fields: str) -> list[Document]:
        """Return `_id` and these fields of the documents that match."""
        with mongo_errors():
            return list(self._db[collection].find(query, dict.fromkeys(fields, 1)))

    def find_one(self, collection: str, query: Document, *fields: str) -> Document | None:
        """Return `_id` and these fields of any document that matches, or None if there is none."""
        with mongo_errors():
            return self._db[collection].find_one(query, dict.fromkeys(fields, 1))

    def delete(self, collection: str, query: Document) -> int:
        """Delete the documents that match; return how many there were."""
        with mongo_errors():
            return self._db[collection].delete_many(query).deleted_count
