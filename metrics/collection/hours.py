"""The state of each hour of a platform: accounts that were observed, that failed, and that have no record (holes).

Nothing of an hour is left to request when every account that was connected in it, and is not paused, has a record of
it. Its completeness in percent counts only the accounts whose levels were read.
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
"""Accounts without a record, by hour and platform. Hours and platforms without holes are left out."""

_BEING_COLLECTED = HOUR / 4
"""The time that the collection of an hour may take before accounts without a record count as holes."""

_WAITING: tuple[AccountState, ...] = ("needs_reauth", "unreachable", "disconnected")
"""States of accounts that cannot be read now, but were connected in the past. Paused accounts are left out: a client
paused them on purpose, and the time of the pause is not stored."""


@dataclass(frozen=True, slots=True)
class HourState:
    """Counts of the accounts that were connected in an hour of a platform, and of its observations.

    `observed` accounts were read in time, `late` ones when their levels were no longer available. `waiting` accounts
    have no record and cannot be read until a person acts. `missing` are the ids of the other accounts without a record:
    they can still be collected.
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
        """The percentage of the hour's accounts whose levels were read; None if no account was connected."""
        return round(100 * self.observed / self.expected, 2) if self.expected else None


def hour_states(
    store: Store, platform: Platform, slots: Collection[datetime], horizon: Horizon
) -> dict[datetime, HourState]:
    """Return the states of hours of a platform.

    An account does not count in hours that its workspace no longer keeps.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    states_by_slot = store.collections.states(platform, slots)
    active = [account for account in store.accounts.connections(states=["active"]) if account.platform == platform]
    waiting = [account for account in store.accounts.connections(states=_WAITING) if account.platform == platform]
    states = {}
    for slot in slots:
        expired = _without_data(store, slot, horizon)
        askable, others = (_expected(group, slot) - expired for group in (active, waiting))
        every_record = states_by_slot.get(slot, {})
        records = {one: record for one, record in every_record.items() if one in askable or one in others}
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
            observations=sum(rows for _, rows in every_record.values()),
        )
    return states


def holes(store: Store, slots: Collection[datetime], horizon: Horizon) -> Holes:
    """Return the holes of ended hours: active accounts that were connected in an hour and have no record of it.

    They can still be collected. Hours that the workspace of an account no longer keeps are left out.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    connections = store.accounts.connections(states=["active"])
    recorded = store.collections.recorded(slots) if connections else {}
    nothing: set[datetime] = set()
    found: dict[datetime, dict[Platform, list[str]]] = {}
    for account in connections:
        recorded_slots = recorded.get(account.account_id, nothing)
        if len(recorded_slots) == len(slots):
            continue
        for slot in slots:
            if slot not in recorded_slots and account.expected(slot, slot + HOUR):
                found.setdefault(slot, {}).setdefault(account.platform, []).append(account.account_id)
    kept = ((slot, _without(found[slot], _without_data(store, slot, horizon))) for slot in sorted(found, reverse=True))
    return {slot: accounts for slot, accounts in kept if accounts}


def hours_to_look_at(now: datetime) -> list[datetime]:
    """Return the ended hours of yesterday and today, except one that ended just now and is being collected."""
    first = midnight(now.date()) - DAY
    ended = (now - _BEING_COLLECTED - first) // HOUR
    return [first + number * HOUR for number in range(ended)]


def missing_accounts(found: Holes) -> dict[Platform, int]:
    """Count holes by platform: an account counts once for each hour without a record."""
    counts: Counter[Platform] = Counter()
    for platforms in found.values():
        for platform, accounts in platforms.items():
            counts[platform] += len(accounts)
    return dict(counts)


def _expected(connections: Iterable[Connection], slot: datetime) -> set[str]:
    return {one.account_id for one in connections if one.expected(slot, slot + HOUR)}


def _without_data(store: Store, slot: datetime, horizon: Horizon) -> set[str]:
    """Return the accounts of workspaces that no longer keep the hour: its observations would be deleted at once."""
    workspaces = horizon.workspaces_without(slot, store.accounts.workspaces)
    return {one.account_id for one in store.accounts.connections(workspaces)} if workspaces else set()


def _without(accounts: Mapping[Platform, Sequence[str]], gone: Collection[str]) -> dict[Platform, list[str]]:
    left = {platform: [one for one in ids if one not in gone] for platform, ids in accounts.items()}
    return {platform: ids for platform, ids in left.items() if ids}
