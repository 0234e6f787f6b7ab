"""The checks of hours, which are evaluated in runs of the raw assets."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg

from metrics.clock import utcnow
from metrics.collection.hours import hour_states
from metrics.documents import Platform, Problem
from metrics.periods import HOUR
from metrics.store import Store
from metrics.upkeep.retention import Horizon
from pipelines.checks.account_lists import MOST_NAMED, format_accounts
from pipelines.collect.report import NO_IMPOSSIBLE_VALUES, CollectReport
from pipelines.partitions import recent_slots, slot_key
from pipelines.resources import Clients
from pipelines.rollup import Unexplained, Where, count_unexplained

_AHEAD = timedelta(days=3650)
"""How far into the future observations with wrong timestamps are searched."""

_ENDED = 2
"""Ended hours among which the newest collected one is searched: the hour that just ended may still be collected."""

_NO_FUTURE_TIMESTAMPS = "no_future_timestamps"
_READ_IN_WHOLE = "read_in_whole"
_PARTLY = {
    "state": "collected",
    "problems.what": {"$nin": [NO_IMPOSSIBLE_VALUES, _NO_FUTURE_TIMESTAMPS], "$exists": True},
}
"""Query for records of accounts that were collected in part. Problems with the name of a check have their own check."""

_WARN = dg.AssetCheckSeverity.WARN


def specs(asset: str) -> list[dg.AssetCheckSpec]:
    """Return the specs of the checks that a raw asset evaluates."""
    return [
        dg.AssetCheckSpec(
            "completeness",
            asset=asset,
            description="In the newest hour and those of the run, every connected account has a record, and none "
            "failed.",
        ),
        dg.AssetCheckSpec(
            _READ_IN_WHOLE,
            asset=asset,
            description=(
                "In the newest hour and those of the run, every collected account was read completely: no page of a "
                "list, post or day is missing."
            ),
        ),
        dg.AssetCheckSpec(_NO_FUTURE_TIMESTAMPS, asset=asset, description="No observation is of a slot in the future."),
        dg.AssetCheckSpec(
            NO_IMPOSSIBLE_VALUES,
            asset=asset,
            description="In the newest hour and those of the run, every value is a number of a metric in the catalog.",
        ),
    ]


def results(
    clients: Clients, asset: str, reports: Sequence[CollectReport], older: Mapping[datetime, int]
) -> list[dg.AssetCheckResult]:
    """Evaluate the checks of the hours of a run, and add the findings to the records of the accounts.

    `older` counts, by hour, the workspaces that no longer keep it and were left out.

    Raises:
        MongoUnavailable: MongoDB does not answer.
        RedisUnavailable: Redis does not answer; the findings were stored, but not announced.
    """
    store, platform = clients.store, reports[0].platform
    start, end = min(r.slot for r in reports), max(r.slot for r in reports) + HOUR
    workspaces = sorted({workspace for report in reports for workspace in report.workspaces})
    found = count_unexplained(store, start, end, workspaces)
    now = utcnow()
    ahead = count_unexplained(store, now, now + _AHEAD, workspaces, now)
    _add_to_records(clients, NO_IMPOSSIBLE_VALUES, found.where)
    # An hour in the future has no record, so the finding is added to the record of the run's newest hour.
    _add_to_records(clients, _NO_FUTURE_TIMESTAMPS, {(w, a, end - HOUR): n for (w, a, _), n in ahead.where.items()})
    newest = _newest(store, platform, now)
    noted = {
        check: store.collections.accounts_by_slot(platform, newest, {"problems.what": check}, MOST_NAMED)
        for check in (_NO_FUTURE_TIMESTAMPS, NO_IMPOSSIBLE_VALUES)
    }
    left_out = {(name, report.slot): n for report in reports for name, n in report.impossible.items()}
    return [
        _completeness(store, asset, reports, newest, older, Horizon.of(store, clients.settings, now)),
        _read_in_whole(store, asset, reports, newest),
        _values(asset, _NO_FUTURE_TIMESTAMPS, ahead, noted[_NO_FUTURE_TIMESTAMPS], {}),
        _values(asset, NO_IMPOSSIBLE_VALUES, found, noted[NO_IMPOSSIBLE_VALUES], left_out),
    ]


def _newest(store: Store, platform: Platform, now: datetime) -> list[datetime]:
    """Return the newest hour that was collected after its end, or nothing."""
    return [slot for slot in recent_slots(now, _ENDED) if store.collections.has_ended_slot(slot, platform)][:1]


@dataclass(frozen=True, slots=True)
class _Incomplete:
    """Reasons why hours are not complete: hours by their keys, newest first, and the accounts concerned."""

    failed: list[str]
    """Hours in which an account failed."""
    without_record: list[str]
    """Hours in which a connected account has no record."""
    accounts: set[str]
    internal_errors: list[str]
    """Places in the code at which an unforeseen error arose."""
    left_out: list[str]
    """Hours that some or all workspaces no longer keep."""

    def findings(self) -> list[str]:
        """Return one sentence per kind of finding."""
        found = [f"accounts failed in {', '.join(self.failed)}"] if self.failed else []
        found += [f"accounts have no record of {', '.join(self.without_record)}"] if self.without_record else []
        found += [f"an error of Tidemark's own: {place}" for place in self.internal_errors]
        if self.left_out:
            found.append(f"older than kept, and left out for some or all workspaces: {', '.join(self.left_out)}")
        return found


def _find_incomplete(
    store: Store,
    reports: Sequence[CollectReport],
    slots: Collection[datetime],
    older: Mapping[datetime, int],
    horizon: Horizon,
) -> _Incomplete:
    platform = reports[0].platform
    failed = store.collections.accounts_by_slot(platform, slots, {"state": "failed"}, MOST_NAMED)
    ended = [slot for slot in slots if slot + HOUR <= horizon.now]
    holes = {
        slot: state.missing for slot, state in hour_states(store, platform, ended, horizon).items() if state.missing
    }
    accounts = {account for names in (*failed.values(), *holes.values()) for account in names}
    # If an account fails that had been collected before, its record still says `collected`: use the reports as well.
    failures = [failure for report in reports for failure in report.failures if failure.state == "failed"]
    return _Incomplete(
        failed=_keys({*failed, *(report.slot for report in reports if report.failed)}),
        without_record=_keys(holes),
        accounts=accounts | {failure.account_id for failure in failures},
        internal_errors=sorted({place for report in reports for place in report.unforeseen}),
        left_out=_keys([slot for slot, workspaces in older.items() if workspaces]),
    )


def _completeness(
    store: Store,
    asset: str,
    reports: Sequence[CollectReport],
    newest: Collection[datetime],
    older: Mapping[datetime, int],
    horizon: Horizon,
) -> dg.AssetCheckResult:
    """Evaluate whether every connected account has a record of each hour, and none failed."""
    found = _find_incomplete(store, reports, {*newest, *(report.slot for report in reports)}, older, horizon)
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="completeness",
        passed=not found.failed and not found.without_record,
        severity=_WARN,
        description="; ".join(found.findings()) or None,
        metadata={
            "expected": sum(report.expected for report in reports),
            "collected": sum(report.ok for report in reports),
            "waiting_for_a_person": sum(report.skipped for report in reports),
            "hours_with_failures": ", ".join(found.failed) or "none",
            "hours_with_accounts_without_record": ", ".join(found.without_record) or "none",
            "accounts": format_accounts(found.accounts),
            "internal_errors": ", ".join(found.internal_errors) or "none",
            "hours_older_than_kept": ", ".join(found.left_out) or "none",
            "newest_hour": ", ".join(_keys(newest)) or "none",
        },
    )


def _read_in_whole(
    store: Store, asset: str, reports: Sequence[CollectReport], newest: Collection[datetime]
) -> dg.AssetCheckResult:
    """Evaluate whether any account was collected in part."""
    slots = {*newest, *(report.slot for report in reports)}
    partly = store.collections.accounts_by_slot(reports[0].platform, slots, _PARTLY, MOST_NAMED)
    accounts = {name for names in partly.values() for name in names}
    hours = _keys(partly)
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=_READ_IN_WHOLE,
        passed=not partly,
        severity=_WARN,
        description=(
            f"accounts were collected in part in {', '.join(hours)}: `lastProblems` of the accounts, at "
            "/analytics/workspace/{workspaceId}/accounts, says what was missing in the newest hour"
            if partly
            else None
        ),
        metadata={"hours": ", ".join(hours) or "none", "accounts": format_accounts(accounts)},
    )


def _values(
    asset: str,
    name: str,
    found: Unexplained,
    noted: Mapping[datetime, Sequence[str]],
    left_out: Mapping[tuple[str, datetime], int],
) -> dg.AssetCheckResult:
    """Evaluate a check of wrong values.

    `found` are the observations with such values in the run's hours, `left_out` counts values that were not stored, by
    account and hour, and `noted` are the accounts whose records of the newest hour have such a problem.
    """
    hours = _keys({*noted, *(slot for _, _, slot in found.where), *(slot for _, slot in left_out)})
    accounts = {account for _, account, _ in found.where} | {account for account, _ in left_out}
    accounts |= {account for names in noted.values() for account in names}
    findings = [_stay_out(found.total)] if found.total else []
    findings += [f"{sum(left_out.values())} values that are no numbers were left out"] if left_out else []
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=name,
        passed=not hours,
        severity=_WARN,
        description="; ".join([*findings, f"hours: {', '.join(hours)}"]) if hours else None,
        metadata={
            "observations": found.total,
            "values_left_out": sum(left_out.values()),
            "hours": ", ".join(hours) or "none",
            "accounts": format_accounts(accounts),
            **({"samples": list(found.samples)} if found.samples else {}),
        },
    )


def _keys(slots: Collection[datetime]) -> list[str]:
    return [slot_key(slot) for slot in sorted(slots, reverse=True)]


def _add_to_records(clients: Clients, check: str, counts: Mapping[Where, int]) -> None:
    def problem(count: int) -> Problem:
        return {"what": check, "reason": "check_failed", "message": _stay_out(count)}

    clients.store.collections.add_problems({where: problem(count) for where, count in counts.items()})
    for workspace_id in sorted({workspace_id for workspace_id, _, _ in counts}):
        clients.announce(workspace_id, [])


def _stay_out(count: int) -> str:
    return f"{count} observations stay in the log and enter no rollup"
