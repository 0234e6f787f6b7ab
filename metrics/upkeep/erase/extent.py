"""What belongs to an account or a workspace: its documents in MongoDB, and the ids that name it elsewhere."""

from collections.abc import Mapping

from metrics.documents import Document
from metrics.store import Store
from metrics.store.erasures import Kind, Named
from metrics.store.errors import mongo_errors
from metrics.store.setup.schema import METRICS

_OF_ACCOUNT = (
    "subject_rollups",
    "aggregated_metrics",
    "roll_openings",
    "reading_memory",
    "collections",
    "operations",
    "posts",
)
_OF_WORKSPACE = ("roll_marks", "export_marks")

Filters = Mapping[str, Document]
"""Queries by collection, in the order in which they are erased: accounts are last."""


def filters_of(kind: Kind, name: str) -> Filters:
    """Return what finds the documents of an account or a workspace."""
    return _account_filters(name) if kind == "account" else _workspace_filters(name)


def _account_filters(account_id: str) -> Filters:
    of: dict[str, Document] = {name: {"accountId": account_id} for name in _OF_ACCOUNT}
    return {
        METRICS: {"metadata.accountId": account_id},
        **of,
        "shard_reports": {"accountIds": account_id},
        "accounts": {"_id": account_id},
    }


def _workspace_filters(workspace_id: str) -> Filters:
    of: dict[str, Document] = {name: {"workspaceId": workspace_id} for name in (*_OF_ACCOUNT, *_OF_WORKSPACE)}
    return {
        METRICS: {"metadata.workspaceId": workspace_id},
        **of,
        "shard_reports": {"workspaceIds": workspace_id},
        "workspace_settings": {"_id": workspace_id},
        "accounts": {"workspaceId": workspace_id},
    }


def left_of(store: Store, kind: Kind, name: str) -> dict[str, int]:
    """Count what is left of an account or a workspace, by collection; empty where there is nothing.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    with mongo_errors():
        found = {one: store.db[one].count_documents(query) for one, query in filters_of(kind, name).items()}
    return {one: count for one, count in found.items() if count}


def named_by(store: Store, kind: Kind, name: str) -> Named:
    """Return the ids that name an account or a workspace elsewhere, as far as its documents are still there.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    filters = filters_of(kind, name)
    with mongo_errors():
        accounts = list(store.db["accounts"].find(filters["accounts"], {"platform": 1, "platformAccountId": 1}))
        posts = list(store.db["posts"].find(filters["posts"], {"platformPostId": 1}))
    return Named(
        name if kind == "workspace" else _workspace_of(store, filters),
        (name,) if kind == "account" else tuple(row["_id"] for row in accounts),
        tuple(row["_id"] for row in posts),
        tuple(row["platformPostId"] for row in posts),
        tuple((row["platform"], row["platformAccountId"]) for row in accounts),
    )


def _workspace_of(store: Store, filters: Filters) -> str | None:
    """Return the workspace of an account, of which an older version may have erased a part."""
    with mongo_errors():
        for name in ("accounts", *_OF_ACCOUNT):
            if found := store.db[name].find_one(filters[name], {"workspaceId": 1}):
                return str(found["workspaceId"])
        row = store.db[METRICS].find_one(filters[METRICS], {"metadata": 1})
    return str(row["metadata"]["workspaceId"]) if row else None
