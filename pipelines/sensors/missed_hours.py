"""The sensor `missed_hours`: requests runs for holes, that is, ended hours without a record of an active account.

It uses the records of accounts and not the list of runs, because a run that ended early has collected a part of its
accounts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import dagster as dg
from dagster import DagsterInstance

from metrics.clock import utcnow
from metrics.collection.hours import Holes, holes
from metrics.documents import Platform
from metrics.periods import HOUR
from metrics.upkeep.retention import Horizon
from pipelines import jobs, partitions
from pipelines.partitions import has_hour, recent_slots
from pipelines.resources import Tidemark
from pipelines.runs.attempts import attempts
from pipelines.runs.automation import SENSOR_STATUS
from pipelines.runs.tags import (
    MISSED,
    ONE_PARTITION,
    RANGE_END,
    RANGE_START,
    Priority,
)
from pipelines.sensors.collecting import is_collecting

LOOK_BACK_HOURS = 48
MAX_RUNS_PER_TICK = 3
_LEFT_TO_THE_SCHEDULE = HOUR / 4


@dataclass(frozen=True, slots=True)
class Missed:
    """Consecutive ended hours, and the platforms with accounts that have no record in any of them."""

    first: datetime
    last: datetime
    platforms: tuple[Platform, ...]


def slots_to_look_at(now: datetime, kept: datetime) -> list[datetime]:
    """Return the ended hours of the last two days, newest first, that may be requested.

    For a quarter of an hour, the newest hour is left to the schedule. Hours before `kept` cannot be collected.
    """
    return [
        slot
        for slot in recent_slots(now, LOOK_BACK_HOURS)
        if now - (slot + HOUR) >= _LEFT_TO_THE_SCHEDULE and has_hour(slot, now) and slot >= kept
    ]


def runs_to_request(holes: Holes, now: datetime, grace: timedelta) -> list[Missed]:
    """Return the runs to request, newest first.

    An hour whose levels can still be read has a run of its own. Older consecutive hours of a day share a run, because a
    run requests each provider's day only once.
    """
    found: list[Missed] = []
    for slot in sorted(holes, reverse=True):
        platforms = tuple(sorted(holes[slot]))
        newer = found[-1] if found else None
        if newer and _may_share(newer, slot, now, grace):
            found[-1] = Missed(slot, newer.last, tuple(sorted({*newer.platforms, *platforms})))
        else:
            found.append(Missed(slot, slot, platforms))
    return found


def _may_share(newer: Missed, slot: datetime, now: datetime, grace: timedelta) -> bool:
    in_time = now - (newer.last + HOUR) <= grace
    return not in_time and slot + HOUR == newer.first and slot.date() == newer.last.date()


@dg.sensor(
    job=jobs.collect_hourly,
    minimum_interval_seconds=60,
    default_status=SENSOR_STATUS,
    description="Finds ended hours of which active accounts have no record, newest first, and requests a collection of "
    "these accounts alone: after downtime, a terminated run, or an outage of a store.",
)
def missed_hours(context: dg.SensorEvaluationContext, tidemark: Tidemark) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request runs for hours with holes, of the platforms that have accounts without a record."""
    clients = tidemark.clients()
    if is_collecting(context.instance):
        yield dg.SkipReason("an hour is being collected")
        return
    now, store, settings = utcnow(), clients.store, clients.settings
    horizon = Horizon.of(store, settings, now)
    found = holes(store, slots_to_look_at(now, horizon.first_day(horizon.observations)), horizon)
    missed = runs_to_request(found, now, timedelta(minutes=settings.collect_grace_minutes))
    requests = [request for one in missed if (request := _missed_request(context.instance, one))]
    yield from requests[:MAX_RUNS_PER_TICK]
    if not missed:
        yield dg.SkipReason("every account has a record of every hour")
    elif not requests:
        yield dg.SkipReason(f"the last attempt at {len(found)} hours failed; the next one comes later")


def _missed_request(instance: DagsterInstance, missed: Missed) -> dg.RunRequest | None:
    first, last = partitions.slot_key(missed.first), partitions.slot_key(missed.last)
    key = first if first == last else f"{first} to {last}"
    attempt = attempts(instance, MISSED, key).next(utcnow())
    if attempt is None:
        return None
    span = dict(ONE_PARTITION) if first == last else {RANGE_START: first, RANGE_END: last}
    return dg.RunRequest(
        run_key=f"missed:{key}:{attempt}",
        partition_key=first if first == last else None,
        asset_selection=[dg.AssetKey(f"raw_{platform}") for platform in missed.platforms],
        tags={MISSED: key, **Priority.MISSED, **span},
    )
