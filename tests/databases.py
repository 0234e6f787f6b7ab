"""The database that the tests of a worker use one after the other.

To make one costs 120 ms of processor time: twenty collections and more than sixty indexes. To empty it costs a
hundredth of that, for only collections that hold something are emptied. An index remembers that it has seen lists, and
queries use it differently from then on: such an index is made anew. Expiries that a test has changed are set back. A
test that leaves another schema behind, be it an index, a validator or a collection, has the whole database made anew
for the next one. To connect costs as much as to empty, and so the stores of all tests have their connections in
common.
"""

from typing import Any
from uuid import uuid4

from pymongo import MongoClient, WriteConcern

from metrics.documents import Document
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.lifetimes import lifetimes
from tests.retained import keep

Shape = tuple[str, dict[str, Any], dict[str, Any], frozenset[str]]
"""Kind, options, and indexes by their names of a collection, and the names of those that have seen lists."""


class Spare:
    """One database of one worker; a test that asks for it finds it empty and with the schema of its settings."""

    def __init__(self) -> None:
        self.name = f"test_{uuid4().hex[:12]}"
        self._made: tuple[object, dict[str, Shape]] | None = None
        self._client: MongoClient[Document] | None = None

    def open(self, settings: Settings) -> Store:
        """Return the store of a test, which has its connections in common with the stores of the other tests."""
        if self._client is None:
            self._client = Store.connect(settings).client
        return Store(self._client, self._client[settings.mongo_db])

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def prepare(self, store: Store, settings: Settings) -> None:
        """Empty the database, or make it where the one that is there has another schema."""
        kept = lifetimes(settings)
        if self._made is not None and self._made[0] == kept:
            if _restored(store, self._made[1]):
                return
            keep(store, settings)
            if _restored(store, self._made[1]):
                return
        store.client.drop_database(self.name)
        store.ensure(settings)
        self._made = kept, _schema(store)


def _restored(store: Store, made: dict[str, Shape]) -> bool:
    """Empty the database and its indexes' memory; tell whether it has the schema that was made."""
    found = _schema(store)
    if {name: shape[:3] for name, shape in found.items()} != {name: shape[:3] for name, shape in made.items()}:
        return False
    _empty(store, [n for n, (kind, *_) in found.items() if not n.startswith("system.") and kind != "view"])
    changed = {name: found[name][3] ^ made[name][3] for name in made if found[name][3] != made[name][3]}
    for name, indexes in changed.items():
        store.db.command("dropIndexes", name, index=sorted(indexes))
        store.db.command("createIndexes", name, indexes=[made[name][2][index] for index in sorted(indexes)])
    return not changed or _schema(store) == made


def _empty(store: Store, names: list[str]) -> None:
    """Empty collections. Only the last deletion waits for its majority, which the ones before it have by then."""
    first, *others = names
    unions = [{"$unionWith": {"coll": name, "pipeline": _name_if_filled(name)}} for name in others]
    filled = [found["_id"] for found in store.db[first].aggregate([*_name_if_filled(first), *unions])]
    quick = store.db.with_options(write_concern=WriteConcern(1))
    for number, name in enumerate(filled, 1):
        (store.db if number == len(filled) else quick)[name].delete_many({})


def _name_if_filled(name: str) -> list[dict[str, Any]]:
    """Return the stages that yield one document with the name of the collection, unless the collection is empty."""
    return [{"$limit": 1}, {"$project": {"_id": {"$literal": name}}}]


def _schema(store: Store) -> dict[str, Shape]:
    stages: list[dict[str, Any]] = [{"$listCatalog": {}}, {"$match": {"db": store.db.name}}]
    return {one["name"]: _shape(one) for one in store.client.admin.aggregate(stages)}


def _shape(one: dict[str, Any]) -> Shape:
    about = one.get("md", {})
    options = {name: value for name, value in about.get("options", {}).items() if name != "uuid"}
    indexes = about.get("indexes", ())
    seen_lists = frozenset(index["spec"]["name"] for index in indexes if index["multikey"])
    return one["type"], options, {index["spec"]["name"]: index["spec"] for index in indexes}, seen_lists
