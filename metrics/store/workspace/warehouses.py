"""The collection `warehouses`: the databases of analysts into which days are loaded."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal, NotRequired, TypedDict, cast

from pymongo.database import Database

from metrics.documents import Document
from metrics.store.errors import mongo_errors

NAME = "warehouses"
WarehouseKind = Literal["duckdb", "postgres"]


class LastLoad(TypedDict):
    """How the newest attempt to load ended; `error` is one line, absent if it succeeded."""

    at: datetime
    error: NotRequired[str]


class WarehouseDocument(TypedDict):
    """A warehouse of one workspace, or of all of them without `workspaceId`.

    `options` are what may be shown: the path of a file, the name of a schema. `sealed` is its URL, encrypted.
    """

    _id: str
    kind: WarehouseKind
    options: dict[str, str]
    createdAt: datetime
    createdBy: str
    workspaceId: NotRequired[str]
    sealed: NotRequired[bytes]
    last: NotRequired[LastLoad]


def owner_of_url(name: str) -> str:
    """Return what the sealed URL of a warehouse is bound to."""
    return f"warehouse:{name}"


class Warehouses:
    """Reads and writes of warehouses. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        self._warehouses = db[NAME]

    def all(self) -> list[WarehouseDocument]:
        """Return all warehouses by name."""
        with mongo_errors():
            return cast("list[WarehouseDocument]", list(self._warehouses.find().sort("_id", 1)))

    def find(self, name: str) -> WarehouseDocument | None:
        """Return a warehouse; None if there is none of this name."""
        with mongo_errors():
            return cast("WarehouseDocument | None", self._warehouses.find_one({"_id": name}))

    def names_for(self, workspace_ids: Collection[str]) -> list[tuple[str, str | None]]:
        """Return the names of the warehouses that load any of some workspaces, each with its only workspace or None."""
        query = {"$or": [{"workspaceId": {"$exists": False}}, {"workspaceId": {"$in": list(workspace_ids)}}]}
        with mongo_errors():
            found = self._warehouses.find(query, {"workspaceId": 1})
            return sorted((row["_id"], row.get("workspaceId")) for row in found)

    def put(self, warehouse: WarehouseDocument) -> None:
        """Store a warehouse in place of one with the same name."""
        with mongo_errors():
            self._warehouses.replace_one({"_id": warehouse["_id"]}, cast("Document", dict(warehouse)), upsert=True)

    def reseal(self, name: str, before: bytes, sealed: bytes) -> bool:
        """Replace the sealed URL of a warehouse; False if it was replaced meanwhile."""
        with mongo_errors():
            done = self._warehouses.update_one({"_id": name, "sealed": before}, {"$set": {"sealed": sealed}})
            return done.modified_count > 0

    def note(self, name: str, last: LastLoad) -> None:
        """Store how the newest attempt ended."""
        with mongo_errors():
            self._warehouses.update_one({"_id": name}, {"$set": {"last": last}})

    def remove(self, name: str) -> bool:
        """Delete a warehouse; False if there was none of this name."""
        with mongo_errors():
            return self._warehouses.delete_one({"_id": name}).deleted_count > 0
