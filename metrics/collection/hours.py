"""What became of an hour of a platform: its accounts that were observed, those that failed, and those without a word.

An hour is complete when every account that was connected in it, and is not paused, has a record of it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from metrics.documents import AccountState, Platform
from metrics.expected import Connection
from metrics.periods import DAY, HOUR, midnight
from metrics.store import Store
from metrics.upkeep.retention import Horizon

Holes = Mapping[datetime, Mapping[Platform, Sequence[str]]]
"""Accounts without a record, by hour and platform. Hours and platforms without any are left out."""

_BEING_COLLECTED = HOUR / 4
"""How long the collection of an hour may take before its accounts count as missing."""

_WAITING: tuple[AccountState, ...] = ("needs_reauth", "unreachable", "disconnected")
"""States of accounts that cannot be asked now, but were connected in the past. Paused ones are left out: somebody
paused them on purpose, and it is not kept since when."""


@dataclass(frozen=True, slots=True)
class HourState:
    """Counts of the accounts that were connected in an hour of a platform, and of its observations.

    `observed` accounts were read in time, `late` ones when their levels were gone; `waiting` ones have no record and
    wait for a person. `missing` are the ids of the others without a record: they can be asked for.
    """

    platform: Platform
    slot: datetime
    expected: int
    observed: int
    late: int
    failed: int
    skipped: int
    waiting: int
    missing: tuple[str, ...]
    observations: int

    @property
    def complete_percent(self) -> float | None:
        """The share of the hour's accounts whose levels were read; None where no account was connected."""
        return round(100 * self.observed / self.expected, 2) if self.expected else None


def hour_states(
    store: Store, platform: Platform, slots: Collection[datetime], horizon: Horizon
) -> dict[datetime, HourState]:
    """Return the states of hours of a platform; accounts of workspaces that no longer keep an hour do not count in it.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    known = store.collections.states(platform, slots)
    active = [one for one in store.accounts.connections(states=["active"]) if one.platform == platform]
    waiting = [one for one in store.accounts.connections(states=_WAITING) if one.platform == platform]
    states = {}
    for slot in slots:
        older = _older(store, slot, horizon)
        askable, others = (_expected(group, slot) - older for group in (active, waiting))
        records = {one: found for one, found in known.get(slot, {}).items() if one in askable or one in others}
        counts = Counter(state for state, _ in records.values())
        states[slot] = HourState(
            platform,
            slot,
            expected=len(askable | others),
            observed=counts["collected"],
            late=counts["late"],
            failed=counts["failed"],
            skipped=counts["skipped"],
            waiting=len(others - records.keys()),
            missing=tuple(sorted(askable - records.keys())),
            observations=sum(rows for _, rows in known.get(slot, {}).values()),
        )
    return states


def holes(store: Store, slots: Collection[datetime], horizon: Horizon) -> Holes:
    """Return, for hours that have ended, the active accounts that were connected in them and have no record of them.

    They can be asked for. Hours that a workspace no longer keeps are left out for it.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    connections = store.accounts.connections(states=["active"])
    recorded = store.collections.recorded(slots) if connections else {}
    nothing: set[datetime] = set()
    found: dict[datetime, dict[Platform, list[str]]] = {}
    for one in connections:
        known = recorded.get(one.account_id, nothing)
        if len(known) == len(slots):
            continue
        for slot in slots:
            if slot not in known and one.expected(slot, slot + HOUR):
                found.setdefault(slot, {}).setdefault(one.platform, []).append(one.account_id)
    kept = ((slot, _without(found[slot], _older(store, slot, horizon))) for slot in sorted(found, reverse=True))
    return {slot: accounts for slot, accounts in kept if accounts}


def hours_to_look_at(now: datetime) -> list[datetime]:
    """Return yesterday's hours and today's that have ended; one that ended just now is left to its collection."""
    first = midnight(now.date()) - DAY
    ended = (now - _BEING_COLLECTED - first) // HOUR
    return [first + number * HOUR for number in range(ended)]


def missing_accounts(found: Holes) -> dict[Platform, int]:
    """Count the accounts that have no record of an hour, by platform; one counts as often as it has such hours."""
    counts: Counter[Platform] = Counter()
    for platforms in found.values():
        for platform, accounts in platforms.items():
            counts[platform] += len(accounts)
    return dict(counts)


def _expected(connections: Iterable[Connection], slot: datetime) -> set[str]:
    return {one.account_id for one in connections if one.expected(slot, slot + HOUR)}


def _older(store: Store, slot: datetime, horizon: Horizon) -> set[str]:
    """Return the accounts of workspaces whose observations of the hour would be deleted at once."""
    workspaces = horizon.older(slot, store.accounts.workspaces)
    return {one.account_id for one in store.accounts.connections(workspaces)} if workspaces else set()


def _without(accounts: Mapping[Platform, Sequence[str]], gone: Collection[str]) -> dict[Platform, list[str]]:
    left = {platform: [one for one in ids if one not in gone] for platform, ids in accounts.items()}
    return {platform: ids for platform, ids in left.items() if ids}
