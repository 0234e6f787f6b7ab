"""Once a week, more of the provider's days are read again, because of late corrections. Others come in files."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from metrics.catalog import offered
from metrics.collection.appending import Entry, append_and_mark
from metrics.documents import PLATFORMS, AccountDocument
from metrics.periods import HOUR, midnight
from pipelines.collect.days import DayReader, hour_of_week, weekly_turn
from pipelines.platforms.base import PlatformApi
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.memory import JobMemory, Memory
from pipelines.platforms.registry import api_facts, open_platform
from pipelines.platforms.youtube.reports import METRIC, REACH
from pipelines.rollup import roll
from simulator.youtube import analytics
from simulator.youtube.analytics import day_end, reported
from tests.pipelines.collect.conftest import Bench

MONDAY = datetime(2026, 11, 9, tzinfo=UTC)
WEEK = [MONDAY + hour * HOUR for hour in range(7 * 24)]
LATE = timedelta(days=20)
"""How long after a day the simulated YouTube corrects it in these tests: long after the days that settle."""


def days_read(bench: Bench, api: PlatformApi, account: AccountDocument, slot: datetime) -> int:
    """Read the days that are due in a slot, as a run does, and store them; return how many were requested."""
    now, requested = slot + HOUR + timedelta(minutes=20), list[date]()
    bench.simulator.set_clock(now)
    token = bench.simulator.world.account("youtube", 0).token
    access = Access(account["platformAccountId"], {"access_token": token})
    found, reading = DayReader(bench.store, api, slot, False, now, "run").read(account, access, Tally())
    requested += reading.days
    append_and_mark(bench.store, [Entry(account["workspaceId"], found)])
    return len(requested)


def youtube(bench: Bench) -> PlatformApi:
    return open_platform("youtube", bench.settings)


def value(bench: Bench, account: AccountDocument, day: date, name: str = "accountViews") -> Any:
    found = bench.store.rollups.accounts.find_one(
        {"accountId": account["_id"], "period": "daily", "periodStart": midnight(day)}
    )
    return found["aggregatedMetrics"].get(name) if found else None


def roll_what_is_marked(bench: Bench, now: datetime) -> list[date]:
    """Roll up the days that wait for it; return them."""
    starts = [pending.start for pending in bench.store.marks.pending("daily")]
    roll(bench.store, "daily", starts, run_id="roll", now=now)
    return [start.date() for start in starts]


def test_every_hour_of_the_week_has_its_accounts() -> None:
    turns = Counter(weekly_turn(f"account-{number}") for number in range(16_800))
    assert turns.keys() == {hour_of_week(slot) for slot in WEEK} == set(range(168))
    assert max(turns.values()) < 200


@pytest.mark.parametrize("platform", PLATFORMS)
def test_weekly_days_fit_into_one_request_and_are_more_than_the_settling_ones(platform: Any) -> None:
    policy = api_facts(platform).days
    if policy is not None and policy.settling_weekly:
        assert policy.settling < policy.settling_weekly <= policy.span
    assert platform != "youtube" or (policy is not None and policy.settling_weekly == 30)


def test_week_reads_thirty_days_once_and_the_newest_twice_a_day(bench: Bench) -> None:
    account, api = bench.connect(0, platform="youtube"), youtube(bench)
    sizes = {slot: size for slot in WEEK if (size := days_read(bench, api, account, slot))}
    (weekly,) = (slot for slot, size in sizes.items() if size == 30)
    assert hour_of_week(weekly) == weekly_turn(account["_id"])
    assert Counter(sizes.values()) == {30: 1, 7: 14 - (weekly.hour in (3, 15))}
    assert {slot.hour for slot, size in sizes.items() if size == 7} == {3, 15}


def test_late_correction_arrives_within_a_week_and_in_the_rollup(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analytics, "CORRECTED_AFTER", LATE)
    account, api = bench.connect(0, platform="youtube", connectedAt=MONDAY - timedelta(days=60)), youtube(bench)
    world, sim = bench.simulator.world, bench.simulator.world.account("youtube", 0)
    first = WEEK[weekly_turn(account["_id"])]
    assert days_read(bench, api, account, first) == 30
    roll_what_is_marked(bench, first + 2 * HOUR)
    # A day that is corrected in the week after this reading.
    day = (first - LATE + timedelta(days=3)).date()
    early = value(bench, account, day)
    assert early == reported(world, sim, "views", day, first)
    later = [first + hour * HOUR for hour in range(1, 7 * 24)]
    for slot in later:
        days_read(bench, api, account, slot)
    assert day not in roll_what_is_marked(bench, later[-1] + 2 * HOUR)
    assert value(bench, account, day) == early
    last = first + timedelta(days=7)
    assert days_read(bench, api, account, last) == 30
    assert day_end(day) + LATE < last
    assert day in roll_what_is_marked(bench, last + 2 * HOUR)
    assert value(bench, account, day) == reported(world, sim, "views", day, last) > early


def test_days_of_files_are_stored_and_a_corrected_one_again(bench: Bench) -> None:
    account, start = bench.connect(0, platform="youtube", connectedAt=MONDAY - timedelta(days=60)), MONDAY
    api, values, turn = youtube(bench), dict[date, set[int]](), weekly_turn(account["_id"]) % 24
    downloads = 0
    for day in range(16):
        # The files of this account are read in one hour of the day, and not in others.
        for hour in sorted({0, 12, turn, 23}):
            slot = start + timedelta(days=day) + hour * HOUR
            now = slot + HOUR + timedelta(minutes=20)
            kept = bench.store.memories.of(account["_id"]).get("reading", {})
            memory = Memory.of(kept)
            bench.simulator.set_clock(now)
            token = bench.simulator.world.account("youtube", 0).token
            access = Access(account["platformAccountId"], {"access_token": token})
            reader = DayReader(bench.store, api, slot, False, now, "run")
            found, reading = reader.read_reports(account, access, memory, Tally())
            assert not reading.failures
            downloads += len(reading.days)
            append_and_mark(bench.store, [Entry(account["workspaceId"], found)])
            bench.store.memories.keep(account, memory.kept(), kept or None)
            for observation in found:
                values.setdefault(observation.slot.date(), set()).add(int(observation.metrics[METRIC]))
    roll_what_is_marked(bench, now)
    # In California the job was created on Sunday.
    assert min(values) == (MONDAY - timedelta(days=31)).date()
    assert any(len(read) == 2 for read in values.values())
    world, sim = bench.simulator.world, bench.simulator.world.account("youtube", 0)
    field = offered("youtube", "account")[METRIC].field
    true = world.platforms["youtube"].days[field]
    settled = [MONDAY.date() + timedelta(days=n) for n in range(-31, 3)]
    assert [value(bench, account, day, METRIC) for day in settled] == [true(world, sim, day) for day in settled]
    # One list a day and at the first reading, and one download for each file; the numbers of some stay the same.
    calls = bench.simulator.calls()["byKind"]
    assert calls["GET job reports"] == 16 + (1 if turn else 0)
    assert sum(len(read) for read in values.values()) <= calls["media"] == downloads < 60


def test_run_creates_the_jobs_of_a_connected_account_and_remembers_them(bench: Bench) -> None:
    account = bench.connect(0, platform="youtube")
    report = bench.collect(platform="youtube")
    assert (report.ok, report.failures) == (1, [])
    jobs = Memory.of(bench.store.memories.of(account["_id"])["reading"]).jobs
    assert all(isinstance(job, JobMemory) and job.id for job in jobs.values())
    assert len(jobs) == 2


def test_failing_reports_leave_the_account_collected(bench: Bench) -> None:
    account = bench.connect(0, platform="youtube")
    bench.simulator.set_faults({"kind": "deleted", "account": account["platformAccountId"], "path": "/v1/jobs"})
    report = bench.collect(platform="youtube")
    assert report.ok == 1
    (failure,) = report.failures
    assert failure.message.startswith("reports: jobs: ")
    assert bench.state(account["_id"]) == "active"
    assert REACH in Memory.of(bench.store.memories.of(account["_id"])["reading"]).jobs
