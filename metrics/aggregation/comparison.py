"""Compare two spans over the accounts that both have completely (docs/metrics.md, 6): functions over documents."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from metrics.aggregation.sides import NotCompared
from metrics.aggregation.totals import ACCOUNT_SUMS, NOT_SUMMED, POST_SUMS, PeriodRollups, add_up, is_over_level
from metrics.documents import AggregatedDocument
from metrics.expected import Connection

LeftOut = Literal["connected_within", "disconnected_within", "not_expected", "no_observation", "partial"]
COMPARED = (*(name for name in POST_SUMS if name not in ("deletedPostCount", "postsMeasured")), "engagementRate",
            *ACCOUNT_SUMS)  # fmt: skip
COMPARED_OF_ACCOUNT = (*COMPARED, *NOT_SUMMED)


def compare_totals(
    current: PeriodRollups, previous: PeriodRollups, accounts: Iterable[Connection], now: datetime
) -> dict[str, Any]:
    """Compare the totals of two spans; accounts that are expected in neither of them are ignored."""
    expected = [
        account
        for account in accounts
        if account.expected(current.start, current.end) or account.expected(previous.start, previous.end)
    ]
    return compare(COMPARED, current, previous, expected, now)


def compare_account(
    current: PeriodRollups, previous: PeriodRollups, account: Connection, now: datetime
) -> dict[str, Any]:
    """Compare the documents of one account, including its unique people, which do not add up over accounts."""
    return compare(COMPARED_OF_ACCOUNT, current, previous, [account], now)


def compare(
    names: Iterable[str],
    current: PeriodRollups,
    previous: PeriodRollups,
    accounts: Iterable[Connection],
    now: datetime,
) -> dict[str, Any]:
    """Compare two spans over the accounts that were expected and observed in every hour of both.

    Return `{comparable, changes: {name: {current, previous, delta, deltaPercent}}, leftOut: [{accountId, reason}]}`.
    `changes` are over the accounts that are not left out; if all are left out, there are none.
    """
    left_out, compared = [], []
    for account in accounts:
        reason = _left_out(account, current, previous)
        if reason is None:
            compared.append(account.account_id)
        else:
            left_out.append({"accountId": account.account_id, "reason": reason})
    some_open = current.is_open(now, compared) or previous.is_open(now, compared)
    return {
        "comparable": not left_out and not some_open,
        "changes": _changes(names, _sums(current, compared), _sums(previous, compared)),
        "leftOut": left_out,
    }


def not_compared(reason: NotCompared) -> dict[str, Any]:
    """Return the comparison of spans that cannot be compared at all, whatever the accounts."""
    return {"comparable": False, "changes": {}, "leftOut": [], "reason": reason}


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


def _sums(side: PeriodRollups, account_ids: Sequence[str]) -> dict[str, Any]:
    """Return the sums over accounts, without the accounts' own metrics that any of them lacks.

    Unique people and extremes do not add up, so they are returned for a single account only.
    """
    documents = [side.documents[account_id] for account_id in account_ids]
    metrics, missing = add_up(documents)
    found = {name: value for name, value in metrics.items() if name not in missing}
    if len(documents) == 1:
        row = documents[0]["aggregatedMetrics"]
        found |= {name: row[name] for name in NOT_SUMMED if name in row}
    return found


def _changes(
    names: Iterable[str], current: Mapping[str, Any], previous: Mapping[str, Any]
) -> dict[str, dict[str, float]]:
    found = {name: change for name in names if (change := change_of(current.get(name), previous.get(name)))}
    rates = [side for side in (current, previous) if "engagementRate" in side]
    if len({is_over_level(side) for side in rates}) > 1:
        # One side is over followers and the other over views, because only one has posts with known views.
        found.pop("engagementRate", None)
    return found


def change_of(current: float | None, previous: float | None) -> dict[str, float]:
    """Return the change of a value; `delta` needs both values, `deltaPercent` a previous value other than 0."""
    change = {name: value for name, value in (("current", current), ("previous", previous)) if value is not None}
    if current is not None and previous is not None:
        change["delta"] = current - previous
        if previous != 0:
            change["deltaPercent"] = 100 * (current - previous) / abs(previous)
    return change
