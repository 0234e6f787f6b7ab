"""The database of a worker is as new for each test, and it is made anew only where another schema is in it."""

from typing import Any

from metrics.settings import Settings
from metrics.store import Store
from tests.databases import Spare, _schema
from tests.retained import keep


def test_database_is_as_new_and_is_made_anew_only_for_another_schema(settings: Settings, store: Store) -> None:
    spare = Spare()
    there = settings.model_copy(update={"mongo_db": spare.name})
    with Store.connect(there).client as client:
        opened = Store(client, client[spare.name])
        spare.prepare(opened, there)
        new, made = _schema(opened), identities(opened)
        filled = sorted(name for name, (kind, *_) in new.items() if kind == "collection" and "system." not in name)
        for name in filled:
            opened.db[name].insert_one({"workspaceId": "w"}, bypass_document_validation=True)
        opened.db.posts.insert_one({"workspaceId": ["w", "v"], "accountId": "a"}, bypass_document_validation=True)
        assert _schema(opened)["posts"] != new["posts"], "indexes of posts have seen a list"
        spare.prepare(opened, there)
        assert _schema(opened) == new
        assert identities(opened) == made
        assert [name for name in filled if opened.db[name].find_one() is not None] == []
        keep(opened, there.model_copy(update={"retention_days": 30, "rollup_retention_days": 40}))
        assert _schema(opened) != new
        spare.prepare(opened, there)
        assert _schema(opened) == new
        assert identities(opened) == made, "expiries are set back, and nothing is made anew"
        opened.db.posts.create_index("other")
        spare.prepare(opened, there)
        assert _schema(opened) == new
        assert identities(opened) != made
        client.drop_database(spare.name)


def identities(store: Store) -> dict[str, Any]:
    """The identity of each collection; one that is made anew has another."""
    return {one["name"]: one.get("info", {}).get("uuid") for one in store.db.list_collections()}
