"""The accounts that a run works on: all, those of an operation, those without a record, or those that failed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from metrics.clock import utcnow
from metrics.collection.hours import holes
from metrics.documents import Platform
from metrics.upkeep.retention import Horizon
from pipelines.resources import Clients
from pipelines.runs.retry import MAY_PASS
from pipelines.runs.tags import MISSED, OPERATION, RETRY


@dataclass(frozen=True, slots=True)
class WorkScope:
    """The workspaces and accounts that a run works on; None means all.

    `every_post` says that every living post is read, not only those that are due.
    """

    workspace_ids: tuple[str, ...] | None = None
    account_ids: tuple[str, ...] | None = None
    every_post: bool = False


def scope(clients: Clients, tags: Mapping[str, str]) -> WorkScope:
    """Return the workspace, and the account if there is one, of a run's operations; all if the run has none.

    Raises:
        NotFound: there is no such operation.
    """
    if OPERATION not in tags:
        return WorkScope()
    batch = clients.store.operation_queue.batch(tags[OPERATION])
    accounts = (batch.first["accountId"],) if "accountId" in batch.first else None
    # The operations of a batch differ at most in the posts that they want.
    every_post = any(operation.get("posts") == "all" for operation in batch.operations)
    return WorkScope((batch.first["workspaceId"],), accounts, every_post)


def scope_of_hour(clients: Clients, tags: Mapping[str, str], platform: Platform, slot: datetime) -> WorkScope:
    """Return the accounts that a run collects in one of its hours.

    A run for missed hours collects the accounts that still have no record of the hour. A run that retries an hour
    collects those that failed in it for a reason that may be over.

    Raises:
        MongoUnavailable: MongoDB does not answer.
        NotFound: there is no such operation.
    """
    now = utcnow()
    if MISSED in tags:
        found = holes(clients.store, [slot], Horizon.of(clients.store, clients.settings, now))
        return WorkScope(account_ids=tuple(found.get(slot, {}).get(platform, ())))
    if RETRY in tags:
        return WorkScope(
            account_ids=tuple(clients.store.collections.failed_before(slot, MAY_PASS, now).get(platform, ()))
        )
    return scope(clients, tags)
