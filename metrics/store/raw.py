"""Whole collections as raw BSON, for backups: read as of one instant, and inserted as they are."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database

from metrics.documents import Document
from metrics.store.errors import mongo_errors

_SYSTEM = "system."
"""The names of MongoDB's own collections begin with this."""


class RawCollections:
    """Reads and inserts of whole collections. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        self._db = db

    @contextmanager
    def snapshot(self) -> Iterator[ClientSession]:
        """Open a session in which every read shows the same instant."""
        with mongo_errors(), self._db.client.start_session(snapshot=True) as session:
            yield session

    def described(self) -> list[Mapping[str, Any]]:
        """Return name and options of each collection as MongoDB lists them, by name; without MongoDB's own."""
        with mongo_errors():
            listed = sorted(self._db.list_collections(), key=lambda one: str(one["name"]))
        return [one for one in listed if not one["name"].startswith(_SYSTEM)]

    def first_with_documents(self) -> str | None:
        """Return the name of a collection that holds any document, or None if the database is empty."""
        with mongo_errors():
            for name in self._db.list_collection_names():
                if not name.startswith(_SYSTEM) and self._db[name].find_one({}, {"_id": 1}) is not None:
                    return name
        return None

    def batches(self, name: str, session: ClientSession, size: int) -> Iterator[bytes]:
        """Yield the documents of a collection as concatenated BSON, `size` documents at a time."""
        with mongo_errors():
            for batch in self._db[name].find_raw_batches(session=session, batch_size=size):
                yield cast("bytes", batch)

    def indexes(self, name: str) -> list[Document]:
        """Return the indexes of a collection as MongoDB describes them."""
        with mongo_errors():
            return [dict(index) for index in self._db[name].list_indexes()]

    def create_if_missing(self, name: str, options: Mapping[str, Any]) -> None:
        """Create a collection with MongoDB's options, unless there is one of that name."""
        with mongo_errors():
            if name not in self._db.list_collection_names():
                self._db.create_collection(name, **options)

    def insert(self, name: str, documents: Sequence[RawBSONDocument | Document]) -> None:
        """Insert documents into a collection, in any order."""
        if documents:
            with mongo_errors():
                self._db[name].insert_many(cast("Any", documents), ordered=False)
