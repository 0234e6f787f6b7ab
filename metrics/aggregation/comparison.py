"""Compare two periods over the accounts that both have completely (docs/metrics.md, 6): functions over documents."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from metrics.aggregation.totals import ACCOUNT_SUMS, POST_SUMS, PeriodRollups, add_up
from metrics.documents import AggregatedDocument
from metrics.expected import Connection

LeftOut = Literal["connected_within", "disconnected_within", "not_expected", "no_observation", "partial"]
COMPARED = (*(name for name in POST_SUMS if name not in ("deletedPostCount", "postsMeasured")), "engagementRate",
            *ACCOUNT_SUMS)  # fmt: skip
COMPARED_OF_ACCOUNT = (*COMPARED, "reach")


def compare_totals(
    current: PeriodRollups, previous: PeriodRollups, accounts: Iterable[Connection], now: datetime
) -> dict[str, Any]:
    """Compare two periods over the accounts that were expected and observed in every hour of both.

    Return `{comparable, changes: {name: {current, previous, delta, deltaPercent}}, leftOut: [{accountId, reason}]}`.
    `changes` are over the accounts that are not left out. Accounts that are expected in neither period are ignored.
    """
    left_out, compared = [], []
    for account in accounts:
        if account.expected(current.start, current.end) or account.expected(previous.start, previous.end):
            reason = _left_out(account, current, previous)
            if reason is None:
                compared.append(account.account_id)
            else:
                left_out.append({"accountId": account.account_id, "reason": reason})
    values = _sums(current, compared), _sums(previous, compared)
    some_open = current.is_open(now) or previous.is_open(now)
    return {
        "comparable": not left_out and not some_open,
        "changes": _changes(COMPARED, *values),
        "leftOut": left_out,
    }


def compare_account(
    current: PeriodRollups, previous: PeriodRollups, account: Connection, now: datetime
) -> dict[str, Any]:
    """Compare an account's documents of two periods; rule and result are those of `compare_totals`."""
    reason = _left_out(account, current, previous)
    if reason is not None:
        return {
            "comparable": False,
            "changes": {},
            "leftOut": [{"accountId": account.account_id, "reason": reason}],
        }
    documents = [side.documents[account.account_id] for side in (current, previous)]
    some_open = current.end > now or any(document["status"] == "open" for document in documents)
    values = [document["aggregatedMetrics"] for document in documents]
    return {"comparable": not some_open, "changes": _changes(COMPARED_OF_ACCOUNT, *values), "leftOut": []}


def _left_out(account: Connection, current: PeriodRollups, previous: PeriodRollups) -> LeftOut | None:
    """Return why an account cannot be compared, or None if it can."""
    if not (account.throughout(previous.start, previous.end) and account.throughout(current.start, current.end)):
        return _not_throughout(account, (previous, current))
    now_, before = current.documents.get(account.account_id), previous.documents.get(account.account_id)
    if now_ is None or before is None:
        return "no_observation"
    return None if _is_complete(now_) and _is_complete(before) else "partial"


def _not_throughout(account: Connection, sides: tuple[PeriodRollups, PeriodRollups]) -> LeftOut:
    if any(side.start < first < side.end for side in sides for first, _ in account.spans):
        return "connected_within"
    if any(side.start < last < side.end for side in sides for _, last in account.spans):
        return "disconnected_within"
    return "not_expected"


def _is_complete(document: AggregatedDocument) -> bool:
    """Tell whether every expected hour so far was observed."""
    return document["coverage"]["observedSlots"] >= document["coverage"]["expectedSlots"]


def _sums(side: PeriodRollups, account_ids: Iterable[str]) -> dict[str, Any]:
    """Return the sums over accounts, without the accounts' own metrics that any of them lacks."""
    metrics, missing = add_up([side.documents[account_id] for account_id in account_ids])
    return {name: value for name, value in metrics.items() if name not in missing}


def _changes(
    names: Iterable[str], current: Mapping[str, Any], previous: Mapping[str, Any]
) -> dict[str, dict[str, float]]:
    return {name: change for name in names if (change := _change(current.get(name), previous.get(name)))}


def _change(current: float | None, previous: float | None) -> dict[str, float]:
    """Return the change of a value; `delta` needs both values, `deltaPercent` a previous value other than 0."""
    change = {name: value for name, value in (("current", current), ("previous", previous)) if value is not None}
    if current is not None and previous is not None:
        change["delta"] = current - previous
        if previous != 0:
            change["deltaPercent"] = 100 * (current - previous) / abs(previous)
    return change
