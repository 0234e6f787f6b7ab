"""A change of a workspace's calendar: derived by a run, whole for readers at any time, and not hurt by kills."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from metrics.calendars import UTC_CALENDAR, Calendar
from metrics.collection.appending import Entry, append_and_mark
from metrics.collection.calendars import request_change, settle_done
from metrics.documents import AggregatedDocument, Observation
from metrics.periods import DAY, HOUR, midnight, slot_of
from metrics.redis.versions import data_version
from metrics.store import Store
from metrics.store.workspace_settings import Days
from metrics.upkeep.retention import Horizon
from pipelines import rollup
from pipelines.rollup import compare_with_log, rebuild, recalendar
from pipelines.sensors import requested_work
from tests.pipelines.daemon import Daemon
from tests.pipelines.deployment import Deployment

NEW_YORK = Calendar("America/New_York", "sunday")
TODAY = midnight(datetime.now(UTC).date())
FIRST = TODAY - 20 * DAY
EARLY = TODAY - 40 * DAY
"""Longer ago than the shortest retention, which is thirty days."""


@pytest.fixture
def daemon(deployment: Deployment, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    monkeypatch.setattr(requested_work, "_LISTEN_SECONDS", 0.0)
    return Daemon(deployment, instance)


@pytest.fixture
def rolled(daemon: Daemon) -> Store:
    """Two accounts with twenty days of hours, rolled up in UTC."""
    return filled(daemon, FIRST)


@pytest.fixture
def long_rolled(daemon: Daemon) -> Store:
    """Two accounts with forty days of hours, rolled up in UTC."""
    return filled(daemon, EARLY)


def filled(daemon: Daemon, first: datetime) -> Store:
    store = daemon.deployment.clients.store
    for index in range(2):
        account: Any = daemon.deployment.connect(index, connectedAt=first)
        slots = [first + n * HOUR for n in range(0, (TODAY - first) // HOUR, 5)]
        append_and_mark(store, [Entry("w", [followers(account["_id"], slot, n) for n, slot in enumerate(slots)])])
    rebuild(store, first, TODAY, run_id="r")
    daemon.evaluate_until_quiet("late_data")
    return store


def followers(account_id: str, slot: datetime, number: int) -> Observation:
    return Observation("w", account_id, "instagram", "account", slot, slot + HOUR, {"followers": number}, "r", "v25.0")


def days(store: Store) -> list[AggregatedDocument]:
    """The days of the workspace, as a reader gets them."""
    version = store.calendars.get("w").current.version
    return store.rollups.aggregated("w", "daily", EARLY - DAY, TODAY + DAY, version=version)


def differences(store: Store) -> list[str]:
    found = compare_with_log(store, FIRST + DAY, TODAY, run_id="check")
    assert found.compared > 50
    return [str(one) for one in (*found.differences, *found.waiting)]


def test_run_derives_the_rollups_and_the_new_calendar_answers(daemon: Daemon, rolled: Store) -> None:
    operation = request_change(rolled, "w", NEW_YORK)
    assert operation is not None
    before, version = days(rolled), data_version(daemon.deployment.clients.redis, "w")
    (result,) = daemon.evaluate("requested_work")
    assert result.success
    assert daemon.runs[-1] == ("change_calendars", "")
    known = rolled.calendars.get("w")
    assert (known.current.time_zone, known.current.version, known.upcoming) == ("America/New_York", 1, None)
    ended = rolled.operations.get(operation["_id"])
    assert (ended["state"], ended["runId"]) == ("succeeded", result.run_id)
    assert ended["progress"]["done"] == ended["progress"]["expected"] > 20
    after = days(rolled)
    assert {row["calendarVersion"] for row in after} == {1}
    assert {row["periodStart"].hour for row in after} <= {4, 5}
    assert sum(row["aggregatedMetrics"]["followerGrowth"] for row in after) == sum(
        row["aggregatedMetrics"]["followerGrowth"] for row in before
    )
    assert data_version(daemon.deployment.clients.redis, "w") != version
    assert differences(rolled) == []
    assert daemon.evaluate("requested_work") == []


def test_rollups_of_the_former_calendar_are_deleted_and_no_others(daemon: Daemon, rolled: Store) -> None:
    request_change(rolled, "w", NEW_YORK)
    daemon.evaluate("requested_work")
    after = days(rolled)
    assert recalendar.delete_unused(rolled, "w") > 50
    assert recalendar.delete_unused(rolled, "w") == 0
    assert days(rolled) == after
    assert rolled.rollups.accounts.count_documents({"calendarVersion": {"$ne": 1}}) == 0


def test_change_that_is_killed_twice_goes_on_where_it_ended(
    daemon: Daemon, rolled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_change(rolled, "w", NEW_YORK)
    before, real, derived = days(rolled), rollup.roll, list[tuple[str, datetime]]()
    for kill_after in (10, 25, 10**6):

        def roll(given: Store, period: Any, starts: Any, kill_after: int = kill_after, **rest: Any) -> Any:
            if len(derived) >= kill_after:
                raise RuntimeError("killed")
            derived.extend((period, start) for start in starts)
            return real(given, period, starts, **rest)

        monkeypatch.setattr(recalendar, "roll", roll)
        try:
            recalendar.change_calendar(
                rolled, "w", run_id="r", horizon=horizon(daemon), now=datetime.now(UTC), progress=lambda *_: None
            )
        except RuntimeError:
            assert days(rolled) == before, "readers still have the former calendar"
    of_days = [start for period, start in derived if period == "daily"]
    assert len(of_days) - len(set(of_days)) < 20, "most days were derived only once"
    assert rolled.calendars.get("w").current.version == 1
    assert differences(rolled) == []
    assert [one["state"] for one in settle_done(rolled)] == ["succeeded"], "the run was killed before it could say so"


def horizon(daemon: Daemon) -> Horizon:
    return Horizon.of(daemon.deployment.clients.store, daemon.deployment.clients.settings, datetime.now(UTC))


def test_reader_sees_one_calendar_or_the_other_and_never_a_mixture(daemon: Daemon, rolled: Store) -> None:
    request_change(rolled, "w", NEW_YORK)
    seen, done = list[list[AggregatedDocument]](), threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(days(rolled))

    reader = threading.Thread(target=read)
    before = days(rolled)
    reader.start()
    try:
        daemon.evaluate("requested_work")
    finally:
        done.set()
        reader.join()
    after = days(rolled)
    assert len(seen) > 10
    assert all(rows in (before, after) for rows in seen)
    assert before != after


def test_observation_that_comes_during_the_change_counts_in_the_new_calendar(daemon: Daemon, rolled: Store) -> None:
    slot = TODAY - 3 * DAY + 2 * HOUR
    request_change(rolled, "w", NEW_YORK)
    append_and_mark(rolled, [Entry("w", [followers("a0", slot, 7000)])])
    # A collection that had begun before the request marks the day by the former calendar alone.
    rolled.observations.append([followers("a1", slot, 8000)])
    daemon.evaluate("requested_work")
    daemon.evaluate_until_quiet("late_data")
    assert differences(rolled) == []
    shown = {row["accountId"]: row for row in days(rolled) if row["periodStart"] <= slot < row["periodEnd"]}
    assert [shown[name]["aggregatedMetrics"]["maxFollowers"] for name in ("a0", "a1")] == [7000, 8000]


def test_what_is_no_longer_derivable_stays_in_the_former_calendar(daemon: Daemon, long_rolled: Store) -> None:
    long_rolled.retention.set("w", Days(observations=30))
    before = days(long_rolled)
    request_change(long_rolled, "w", NEW_YORK)
    daemon.evaluate("requested_work")
    known = long_rolled.calendars.get("w")
    (former,) = known.former
    assert former.calendar == UTC_CALENDAR
    after = days(long_rolled)
    versions = [row["calendarVersion"] for row in after]
    assert versions == sorted(versions)
    assert {row["calendarVersion"] for row in after if row["periodEnd"] <= former.until} == {0}
    assert [row for row in after if row["calendarVersion"] == 0] == [
        row for row in before if row["periodEnd"] <= former.until
    ]
    assert recalendar.delete_unused(long_rolled, "w") > 0
    assert days(long_rolled) == after
    spans = [span.bounds for span in known.spans_between("daily", EARLY.date(), TODAY.date())]
    assert {(row["periodStart"], row["periodEnd"]) for row in after} <= set(spans)


def test_calendar_that_is_set_back_withdraws_the_change(daemon: Daemon, rolled: Store) -> None:
    operation = request_change(rolled, "w", NEW_YORK)
    assert operation is not None
    assert request_change(rolled, "w", UTC_CALENDAR) is None
    assert rolled.operations.get(operation["_id"])["state"] == "failed"
    assert daemon.evaluate("requested_work") == []
    assert rolled.calendars.get("w").current == UTC_CALENDAR


def test_second_change_replaces_the_first_and_both_operations_end(daemon: Daemon, rolled: Store) -> None:
    first, second = request_change(rolled, "w", NEW_YORK), request_change(rolled, "w", Calendar("Asia/Tokyo"))
    assert first is not None
    assert second is not None
    daemon.evaluate_until_quiet("requested_work")
    assert rolled.calendars.get("w").current.time_zone == "Asia/Tokyo"
    assert {rolled.operations.get(one["_id"])["state"] for one in (first, second)} == {"succeeded"}
    assert differences(rolled) == []


def test_day_that_has_begun_where_the_workspace_is_is_rolled_up_before_its_partition_exists(
    daemon: Daemon, rolled: Store
) -> None:
    request_change(rolled, "w", Calendar("Pacific/Kiritimati", "tuesday"))
    daemon.evaluate("requested_work")
    # The hour before may belong to a day that has ended there.
    newest = slot_of(datetime.now(UTC))
    append_and_mark(rolled, [Entry("w", [followers("a0", newest, 9000)])])
    daemon.evaluate_until_quiet("late_data")
    (row,) = [
        row for row in days(rolled) if row["periodStart"] <= newest < row["periodEnd"] and row["accountId"] == "a0"
    ]
    local = newest + timedelta(hours=14)
    assert (row["periodLabel"], row["status"]) == (f"{local:%Y-%m-%d}", "open")
    assert rolled.marks.count() == {}
