"""How much of what was expected was observed: `meta.coverage`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from metrics.clock import utcnow
from metrics.errors import NotFound
from metrics.expected import Connection
from metrics.periods import slot_of
from metrics.store import Store

Scope = Mapping[str, Any]
"""What an answer is about, as fields of an observation's metadata; `workspaceId` is always among them."""


def accounts_of(store: Store, workspace_id: str) -> list[Connection]:
    """Return the hours of a workspace's accounts, by account id.

    Raises:
        NotFound: there is no account, so there is no workspace either.
        MongoUnavailable: MongoDB does not answer.
    """
    found = store.accounts.connections([workspace_id])
    if not found:
        raise NotFound(f"no workspace {workspace_id}")
    return found


def narrowed(accounts: Iterable[Connection], scope: Scope) -> list[Connection]:
    """Return the accounts within a scope."""
    account_id, platform = scope.get("accountId"), scope.get("platform")
    return [a for a in accounts if account_id in (None, a.account_id) and platform in (None, a.platform)]


def coverage(
    store: Store, accounts: Sequence[Connection], scope: Scope, start: datetime, end: datetime
) -> dict[str, int]:
    """Return how many hours of the accounts in scope have ended in the range, and how many of these were observed."""
    end = min(end, slot_of(utcnow()))
    expected = sum(one.hours(start, end) for one in accounts)
    if not expected:
        return {"expectedSlots": 0, "observedSlots": 0}
    names = ("workspaceId", "accountId", "platform")
    cut = {one.account_id: tuple(one.within(start, end)) for one in accounts if not one.throughout(start, end)}
    observed = store.observations.observed_slots({n: scope[n] for n in names if n in scope}, start, end, cut)
    return {"expectedSlots": expected, "observedSlots": sum(observed.values())}
