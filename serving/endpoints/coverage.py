"""`meta.coverage` of an answer: how many of the expected hours were observed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from metrics.clock import utcnow
from metrics.documents import AggregatedDocument
from metrics.errors import NotFound
from metrics.expected import Connection
from metrics.periods import slot_of
from metrics.store import Store
from metrics.store.api_keys import ApiKey

Scope = Mapping[str, Any]
"""A filter on the fields of an observation's metadata, which always includes `workspaceId`."""


def scope_of(workspace_id: str, platform: str | None = None, account_id: str | None = None) -> dict[str, Any]:
    """Return the scope of a workspace, narrowed to a platform or an account where one is given."""
    scope = {"workspaceId": workspace_id, "platform": platform, "accountId": account_id}
    return {name: value for name, value in scope.items() if value}


def accounts_of(store: Store, key: ApiKey, workspace_id: str) -> list[Connection]:
    """Return the accounts of a workspace with the times at which they were connected, by account id.

    Raises:
        NotFound: the workspace has no account, and the key does not name it: it does not exist.
        MongoUnavailable: MongoDB does not answer.
    """
    found = store.accounts.connections([workspace_id])
    if not found and not key.names(workspace_id):
        raise NotFound(f"no workspace {workspace_id}")
    return found


def in_scope(accounts: Iterable[Connection], scope: Scope) -> list[Connection]:
    """Return the accounts within a scope."""
    account_id, platform = scope.get("accountId"), scope.get("platform")
    return [a for a in accounts if account_id in (None, a.account_id) and platform in (None, a.platform)]


def coverage_of_days(
    accounts: Sequence[Connection], days: Iterable[AggregatedDocument], start: datetime, end: datetime
) -> dict[str, int]:
    """Return the coverage of the range by the daily rollups in it; see `coverage`.

    Unlike `coverage`, this reads no observation, and knows the hours whose observations are no longer kept.
    """
    known = {account.account_id for account in accounts}
    observed = sum(day["coverage"]["observedSlots"] for day in days if day["accountId"] in known)
    return {"expectedSlots": _expected(accounts, start, _ended(end)), "observedSlots": observed}


def coverage(
    store: Store, accounts: Sequence[Connection], scope: Scope, start: datetime, end: datetime
) -> dict[str, int]:
    """Return how many hours of the accounts are expected in the range so far, and how many of them were observed."""
    end = _ended(end)
    expected = _expected(accounts, start, end)
    if not expected:
        return {"expectedSlots": 0, "observedSlots": 0}
    names = ("workspaceId", "accountId", "platform")
    # Accounts that were not connected all the time: only their connected times count.
    partly = {a.account_id: tuple(a.within(start, end)) for a in accounts if not a.throughout(start, end)}
    observed = store.observations.observed_slots({n: scope[n] for n in names if n in scope}, start, end, partly)
    return {"expectedSlots": expected, "observedSlots": sum(observed.values())}


def _ended(end: datetime) -> datetime:
    """Return the end of a range, or the beginning of the present hour if that is earlier."""
    return min(end, slot_of(utcnow()))


def _expected(accounts: Iterable[Connection], start: datetime, end: datetime) -> int:
    return sum(account.hours(start, end) for account in accounts)
