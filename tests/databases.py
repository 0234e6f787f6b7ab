"""The database that the tests of a worker use one after the other.

To make one takes about a second: twenty collections and more than fifty indexes, each of which is written to the disk.
To empty it takes a tenth of that. A test that leaves another schema behind, be it an index, a validator or a
collection, has the database made anew for the next one.
"""

from typing import Any
from uuid import uuid4

from pymongo import WriteConcern

from metrics.settings import Settings
from metrics.store import Store
from metrics.store.setup.lifetimes import lifetimes


class Spare:
    """One database of one worker; a test that asks for it finds it empty and with the schema of its settings."""

    def __init__(self) -> None:
        self.name = f"test_{uuid4().hex[:12]}"
        self._made: tuple[object, dict[str, Any]] | None = None

    def prepare(self, store: Store, settings: Settings) -> None:
        """Empty the database, or make it where the one that is there has another schema."""
        kept = lifetimes(settings)
        schema = _schema(store)
        if self._made == (kept, schema):
            _empty(store, [n for n, (kind, *_) in schema.items() if not n.startswith("system.") and kind != "view"])
            return
        store.client.drop_database(self.name)
        store.ensure(settings)
        self._made = kept, _schema(store)


def _empty(store: Store, names: list[str]) -> None:
    """Empty collections. Only the last deletion waits for its majority, which the ones before it have by then."""
    quick = store.db.with_options(write_concern=WriteConcern(1))
    for name in names[:-1]:
        quick[name].delete_many({})
    store.db[names[-1]].delete_many({})


def _schema(store: Store) -> dict[str, Any]:
    """Return kind, options and indexes of each collection, and whether an index has seen lists, which it remembers."""
    stages: list[dict[str, Any]] = [{"$listCatalog": {}}, {"$match": {"db": store.db.name}}]
    return {one["name"]: _shape(one) for one in store.client.admin.aggregate(stages)}


def _shape(one: dict[str, Any]) -> tuple[Any, ...]:
    about = one.get("md", {})
    options = {name: value for name, value in about.get("options", {}).items() if name != "uuid"}
    indexes = {index["spec"]["name"]: (index["spec"], index["multikey"]) for index in about.get("indexes", ())}
    return one["type"], options, indexes
