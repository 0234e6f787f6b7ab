"""The laws of docs/metrics.md, 4, in any calendar of a workspace, and equality with a reference that counts minutes."""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from metrics.calendars import UTC_CALENDAR, Calendar
from metrics.calendars.parsing import WEEKDAYS
from metrics.catalog import CATALOG
from metrics.collection import appending
from metrics.documents import Observation
from metrics.periods import Period
from metrics.store import Store
from tests.metrics.calendars.reference import first_slot
from tests.metrics.calendars.strategies import ZONES
from tests.pipelines.rollup.reference import Entry, Reference
from tests.pipelines.rollup.test_laws import compare, few, heals, is_idempotent, is_pure, same, stored
from tests.pipelines.rollup.worlds import PERIODS, World, worlds

DAY = timedelta(days=1)
UNUSUAL = (
    *("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Kathmandu"),
    *("Asia/Beirut", "America/Havana", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Africa/Cairo"),
)
"""Zones with summer time, with half and quarter hours, whose midnight is skipped or comes twice, and the farthest."""
CALENDARS = st.builds(
    Calendar,
    st.one_of(
        st.sampled_from(UNUSUAL),
        st.sampled_from(ZONES),
    ),
    st.sampled_from(WEEKDAYS),
    version=st.just(1),
)
SETTLED = {"period_sum", "period_unique"}


def dates_of(calendar: Calendar, period: str, day: date) -> list[date]:
    """The dates of the period that holds a date, one by one."""
    if period == "daily":
        return [day]
    if period == "weekly":
        while day.strftime("%A").lower() != calendar.week_start:
            day -= DAY
        return [day + n * DAY for n in range(7)]
    return [d for d in (day.replace(day=1) + n * DAY for n in range(31)) if d.month == day.month]


def local_date(calendar: Calendar, slot: datetime) -> date:
    """The date whose hours include a slot."""
    near = (slot.date() + n * DAY for n in (2, 1, 0, -1, -2))
    return next(day for day in near if first_slot(calendar.time_zone, day)[0] <= slot)


def bounds(calendar: Calendar, dates: list[date]) -> tuple[datetime, datetime]:
    return first_slot(calendar.time_zone, dates[0])[0], first_slot(calendar.time_zone, dates[-1] + DAY)[0]


@dataclass
class LocalReference(Reference):
    """The reference for the dates of a calendar: a provider's day counts for the same date, whatever its hours are."""

    dates: tuple[date, ...] = ()

    def subject(self, subject_id: str, start: datetime, end: datetime, period: str) -> dict[str, Entry]:
        first, last = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (self.dates[0], self.dates[-1]))
        is_account = all(post["_id"] != subject_id for post in self.posts)
        local = super().subject(subject_id, start, end, period)
        if not is_account:
            return local
        # The parent's week ends with the date of its last day in UTC, which is that of the provider's last day.
        provided = super().subject(subject_id, first, last + DAY, period)
        names = {name for (subject, name), metric in CATALOG.items() if subject == "account" and metric.kind in SETTLED}
        return {name: entry for name, entry in local.items() if name not in names} | {
            name: entry for name, entry in provided.items() if name in names
        }


@dataclass
class LocalWorld(World):
    """A world whose workspace has a calendar."""

    calendar: Calendar = UTC_CALENDAR

    def write(self, store: Store, observations: Iterable[Observation] | None = None) -> None:
        store.calendars.prepare(self.workspace_id, self.calendar)
        assert store.calendars.switch(self.workspace_id, self.calendar, [])
        super().write(store, observations)

    def append(self, store: Store, observations: Any) -> None:
        appending.append_and_mark(store, [appending.Entry(self.workspace_id, list(observations))])

    def labels(self) -> list[date]:
        """The dates with observations, of slots or of provider's days."""
        slots = {o.slot for o in self.observations}
        return sorted({local_date(self.calendar, slot) for slot in slots} | {slot.date() for slot in slots})

    def starts(self, period: str) -> list[datetime]:
        """The partitions of the periods with observations that have begun."""
        found = set()
        for day in self.labels():
            dates = dates_of(self.calendar, period, day)
            if bounds(self.calendar, dates)[0] <= self.now:
                label = next(d for d in dates if d.weekday() == 0) if period == "weekly" else dates[0]
                found.add(datetime(label.year, label.month, label.day, tzinfo=UTC))
        return sorted(found)

    def may_roll(self, period: Period, start: datetime) -> bool:
        return bounds(self.calendar, dates_of(self.calendar, period, start.date()))[0] <= self.now

    def periods(self, period: str) -> list[tuple[list[date], datetime, datetime]]:
        found = {tuple(dates_of(self.calendar, period, day)) for day in self.labels()}
        return [(list(dates), *bounds(self.calendar, list(dates))) for dates in sorted(found)]


@st.composite
def local_worlds(draw: st.DrawFn) -> LocalWorld:
    world, calendar = draw(worlds()), draw(CALENDARS)
    return LocalWorld(**{name: getattr(world, name) for name in World.__dataclass_fields__}, calendar=calendar)


def reference_of(world: LocalWorld, dates: list[date]) -> LocalReference:
    return LocalReference(world.accounts, world.posts, world.observations, world.now, tuple(dates))


@given(local_worlds())
@few
def test_every_rollup_equals_the_reference(store: Store, world: LocalWorld) -> None:
    world.write(store)
    world.roll_all(store)
    for period in PERIODS:
        for dates, start, end in world.periods(period):
            if start > world.now or start == end:
                continue
            key = {"workspaceId": world.workspace_id, "period": period, "periodStart": start}
            reference = reference_of(world, dates)
            for owner in world.accounts:
                subjects = store.rollups.subjects.find({**key, "accountId": owner["_id"]})
                wanted = reference.subjects(owner["_id"], start, end, period)
                same({row["subjectId"]: row["metrics"] for row in subjects}, wanted)
                document = store.rollups.accounts.find_one({**key, "accountId": owner["_id"]})
                compare(document, reference.account(owner["_id"], start, end, period))
                if document is not None:
                    assert (document["periodEnd"], document["calendarVersion"]) == (end, 1)


@given(local_worlds())
@few
def test_conservation_nets_of_days_add_up_to_those_of_slots(store: Store, world: LocalWorld) -> None:
    world.write(store)
    world.roll(store, "daily")
    nets: dict[tuple[str, str], int] = defaultdict(int)
    for row in store.rollups.subjects.find({"workspaceId": world.workspace_id, "period": "daily"}):
        for name, entry in row["metrics"].items():
            nets[row["subjectId"], name] += entry.get("net", 0)
    dates = [world.base.date() + n * DAY for n in range(-3, 45)]
    start, end = bounds(world.calendar, dates)
    for owner in world.accounts:
        found = reference_of(world, dates).subjects(owner["_id"], start, end, "custom")
        for subject, entries in found.items():
            assert all(nets[subject, name] == entry["net"] for name, entry in entries.items() if "net" in entry)


@given(local_worlds(), st.randoms(use_true_random=False))
@few
def test_purity_any_order_any_number_of_times(store: Store, world: LocalWorld, chance: random.Random) -> None:
    is_pure(store, world, chance)


@given(local_worlds(), st.data())
@few
def test_late_data_heals_by_the_marks_alone(store: Store, world: LocalWorld, data: st.DataObject) -> None:
    heals(store, world, data)


@given(local_worlds())
@few
def test_idempotence_the_same_collection_twice(store: Store, world: LocalWorld) -> None:
    is_idempotent(store, world)


@given(local_worlds(), CALENDARS)
@few
def test_calendar_that_is_prepared_is_kept_up_to_date_beside_the_current_one(
    store: Store, world: LocalWorld, other: Calendar
) -> None:
    world.write(store)
    world.roll_all(store)
    before = stored(store, world)
    upcoming = store.calendars.prepare(world.workspace_id, other)
    if upcoming.version == 1:
        return  # the same calendar
    second = replace(world, calendar=upcoming)
    for period in PERIODS:
        world.roll(store, period, sorted({*world.starts(period), *second.starts(period)}))
    found = stored(store, world)
    assert {key: row for key, row in found.items() if row["calendarVersion"] == 1} == before
    for period in PERIODS:
        for dates, start, end in second.periods(period):
            key = {"workspaceId": world.workspace_id, "period": period, "periodStart": start}
            for owner in world.accounts:
                document = store.rollups.accounts.find_one(
                    {**key, "accountId": owner["_id"], "calendarVersion": upcoming.version}
                )
                if start <= world.now and start < end:
                    compare(document, reference_of(second, dates).account(owner["_id"], start, end, period))
