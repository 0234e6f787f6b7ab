"""The documents of an account or a workspace in MongoDB, and the ids that name it elsewhere."""

from metrics.documents import Document
from metrics.store import Store
from metrics.store.deletion import Filters
from metrics.store.erasures import ErasureIds, Kind
from metrics.store.insights import OF_POSTS
from metrics.store.insights.workspace_sums import OF_DAYS, OF_HOURS
from metrics.store.rollup.export_marks import WAREHOUSE_MARKS
from metrics.store.setup.namespaces import NAMESPACES, OWN, PUBLIC, Namespace

_STATEMENTS = (
    "forecasts",
    "hourly_forecasts",
    "anomalies",
    "hourly_nets",
    "watched_series",
    *OF_POSTS,
    "reading_memory",
    "operations",
)
_OF_ACCOUNT = (*_STATEMENTS, *OWN.of_accounts)
_OF_WORKSPACE = (
    *OWN.marks,
    *PUBLIC.of_accounts,
    *PUBLIC.marks,
    "announcement_marks",
    "metric_definitions",
    "campaigns",
    "alerts",
    "alert_firings",
    OF_DAYS,
    OF_HOURS,
    "anomaly_alerts",
    "anomaly_messages",
    PUBLIC.accounts,
    WAREHOUSE_MARKS,
)

LISTING_ACCOUNTS = ("campaigns", "alerts")
"""Collections whose documents may list accounts, and stay when one of these is erased."""


def filters_of(kind: Kind, name: str, names: Namespace = OWN) -> Filters:
    """Return queries for the documents of an account or a workspace, in the order of erasure: accounts are last.

    A workspace has its documents in both namespaces. With `PUBLIC`, the account is a watched one; a connected account
    has no more there than the documents of `watched_accounts` that name it as `own`.
    """
    if kind == "workspace":
        return _workspace_filters(name)
    return _account_filters(name) if names is OWN else _watched_filters(name)


def _account_filters(account_id: str) -> Filters:
    of: dict[str, Document] = {name: {"accountId": account_id} for name in _OF_ACCOUNT}
    return {
        OWN.log: {"metadata.accountId": account_id},
        **of,
        **{name: {"$or": [{"accountIds": account_id}, {"leftOut": account_id}]} for name in (OF_DAYS, OF_HOURS)},
        "shard_reports": {"accountIds": account_id},
        PUBLIC.accounts: {"own": account_id},
        OWN.accounts: {"_id": account_id},
    }


def _watched_filters(watched_id: str) -> Filters:
    of: dict[str, Document] = {name: {"accountId": watched_id} for name in (*PUBLIC.of_accounts, "reading_memory")}
    return {PUBLIC.log: {"metadata.accountId": watched_id}, **of, PUBLIC.accounts: {"_id": watched_id}}


def _workspace_filters(workspace_id: str) -> Filters:
    of: dict[str, Document] = {name: {"workspaceId": workspace_id} for name in (*_OF_ACCOUNT, *_OF_WORKSPACE)}
    logs: dict[str, Document] = {names.log: {"metadata.workspaceId": workspace_id} for names in NAMESPACES}
    return {
        **logs,
        **of,
        "shard_reports": {"workspaceIds": workspace_id},
        "workspace_settings": {"_id": workspace_id},
        OWN.accounts: {"workspaceId": workspace_id},
    }


def left_of(store: Store, kind: Kind, name: str) -> dict[str, int]:
    """Count the documents of an account or a workspace by collection; empty if there are none.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    return store.deletion.count(filters_of(kind, name))


def ids_to_erase(store: Store, kind: Kind, name: str) -> ErasureIds:
    """Return the ids that name an account or a workspace elsewhere; they are read from its remaining documents.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    filters = filters_of(kind, name)
    accounts = store.deletion.find(OWN.accounts, filters[OWN.accounts], "platform", "platformAccountId")
    watched = [row["_id"] for row in store.deletion.find(PUBLIC.accounts, filters[PUBLIC.accounts])]
    posts = store.deletion.find(OWN.posts, filters[OWN.posts], "platformPostId")
    posts += store.deletion.find(PUBLIC.posts, {"accountId": {"$in": watched}}, "platformPostId")
    owned = (name,) if kind == "account" else tuple(row["_id"] for row in accounts)
    return ErasureIds(
        name if kind == "workspace" else _workspace_of(store, filters),
        (*owned, *watched),
        tuple(row["_id"] for row in posts),
        tuple(row["platformPostId"] for row in posts),
        tuple((row["platform"], row["platformAccountId"]) for row in accounts),
    )


def _workspace_of(store: Store, filters: Filters) -> str | None:
    """Return the workspace of an account, a part of which an older version may have erased already."""
    for name in (OWN.accounts, *_OF_ACCOUNT):
        if found := store.deletion.find_one(name, filters[name], "workspaceId"):
            return str(found["workspaceId"])
    observation = store.deletion.find_one(OWN.log, filters[OWN.log], "metadata")
    return str(observation["metadata"]["workspaceId"]) if observation else None
