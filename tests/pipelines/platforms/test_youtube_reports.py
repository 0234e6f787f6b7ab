"""Tests of the reports of YouTube: jobs, new and corrected files, and what is wrong with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

import pytest

from metrics.clock import machine_now, utcnow
from pipelines.platforms.base import ReportReader
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.readings import DaysReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import BadAnswer
from pipelines.platforms.memory import Memory
from pipelines.platforms.youtube.reports import BASIC, GIVEN_UP_AFTER, METRIC, REACH, impressions_of
from simulator import truth
from simulator.youtube import quota
from simulator.youtube.files import File, Job, files
from simulator.youtube.world import IMPRESSIONS
from tests.clock import INSTANT, ahead_by
from tests.pipelines.platforms.fetching import Fetching
from tests.simulator_fixture import Simulator

CHANNEL_ID = "UC_x5XG1OV2P6uZZ5FSM9Ttw"
DAY = date(2026, 7, 30)
HEADER = "date,channel_id,video_id,video_thumbnail_impressions,video_thumbnail_impressions_ctr\n"


def quiet_days(simulator: Simulator, index: int) -> list[date]:
    """Return the days before the beginning on which no picture of an account was shown."""
    account = simulator.world.account("youtube", index)
    days = [(INSTANT - timedelta(days=back)).date() for back in range(5, 25)]
    return [day for day in days if not truth.day_value(simulator.world, account, IMPRESSIONS, day)]


class Channel:
    """A channel whose reports are read again and again, with the memory between the readings."""

    def __init__(self, simulator: Simulator) -> None:
        self.fetching = Fetching(simulator, "youtube")
        self.fetching.be(next(index for index in range(100) if quiet_days(simulator, index)))
        self.simulator, self.account = simulator, self.fetching.account
        self.job: Job | None = None
        self.memory, self.tally = Memory(), Tally()
        self.values: dict[date, int | float] = {}

    def read(self) -> DaysReading:
        """Read what is new, as a run does with the memory that another run stored."""
        memory, self.tally = Memory.of(self.memory.kept()), Tally()
        api = self.fetching.api
        assert isinstance(api, ReportReader)
        found = api.read_reports(self.fetching.access, memory, self.tally)
        self.memory = Memory.of(memory.kept())
        self.values |= {day: reading.metrics[METRIC] for day, reading in found.days.items()}
        return found

    @contextmanager
    def after(self, passed: timedelta) -> Iterator[datetime]:
        """Live some time after the beginning, on both sides."""
        now = INSTANT + passed
        with ahead_by(now - machine_now()):
            self.simulator.set_clock(now)
            yield now

    def true(self, day: date) -> int:
        return truth.day_value(self.simulator.world, self.account, IMPRESSIONS, day)

    def files(self, now: datetime) -> list[File]:
        """The files that the simulator has, oldest first."""
        if self.job is None:
            stored = self.memory.jobs[REACH]
            sent = {"Authorization": f"Bearer {self.account.token}"}
            answer = self.simulator.client.get(f"/v1/jobs/{stored.id}", headers=sent).raise_for_status().json()
            self.job = Job(stored.id, REACH, answer["name"], datetime.fromisoformat(answer["createTime"]))
        return files(self.simulator.world, self.account, self.job, now)[::-1]

    def media(self) -> int:
        return self.simulator.calls()["byKind"].get("media", 0)


@pytest.fixture
def channel(simulator: Simulator) -> Channel:
    return Channel(simulator)


def test_jobs_are_created_at_the_first_reading(channel: Channel) -> None:
    assert channel.read() == DaysReading({})
    assert channel.simulator.calls()["byKind"] == {"GET jobs": 1, "POST jobs": 2, "GET job reports": 1}
    assert {kind: bool(job.id) for kind, job in channel.memory.jobs.items()} == {REACH: True, BASIC: True}
    channel.read()
    assert channel.tally.requests == 1
    with channel.after(timedelta(days=8)):
        channel.read()
        assert channel.simulator.calls()["byKind"]["GET jobs"] == 2
        assert channel.simulator.calls()["byKind"]["POST jobs"] == 2


def test_days_of_the_month_before_come_and_equal_the_truth(channel: Channel) -> None:
    channel.read()
    with channel.after(timedelta(days=2)) as now:
        channel.read()
        there = channel.files(now)
        # The list, and one download for each day.
        assert channel.tally.requests == 1 + len({file.day for file in there})
        channel.read()
        assert channel.tally.requests == 1
    assert min(channel.values) == (INSTANT - timedelta(days=30)).date()
    final = {file.day for file in there if file.final}
    assert {day: channel.values[day] for day in final} == {day: channel.true(day) for day in final}
    # A day on which nothing was shown is known, and 0.
    assert 0 in {channel.values[day] for day in final}


def test_newer_file_replaces_its_day(channel: Channel) -> None:
    channel.read()
    changed: set[date] = set()
    for days in range(2, 25):
        with channel.after(timedelta(days=days)) as now:
            before = dict(channel.values)
            new = channel.read().days
            changed |= {day for day in new if day in before and before[day] != channel.values[day]}
            there = channel.files(now)
            assert len(new) <= channel.tally.requests <= len(new) + 2
    assert changed
    newest = {file.day: file for file in there}
    settled = {day for day, file in newest.items() if file.final}
    assert {day: channel.values[day] for day in settled} == {day: channel.true(day) for day in settled}


def test_lost_memory_costs_only_downloads(channel: Channel) -> None:
    channel.read()
    with channel.after(timedelta(days=12)):
        channel.read()
        before = dict(channel.values)
        channel.memory = Memory()
        channel.read()
        assert channel.values == before
        assert channel.simulator.calls()["byKind"]["POST jobs"] == 2


def test_job_that_ended_is_found_or_created_again(channel: Channel) -> None:
    channel.read()
    channel.memory.jobs[REACH].id = "ended"
    found = channel.read()
    assert "another one is created" in found.failures["jobs"]
    assert channel.memory.jobs[REACH].behind
    channel.read()
    assert channel.memory.jobs[REACH].id not in ("", "ended")
    assert not channel.memory.jobs[REACH].behind


def test_used_minute_is_no_failure_and_stops_the_requests(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    channel.read()
    channel.files(INSTANT)
    monkeypatch.setattr(quota, "REPORTING_PER_MINUTE", 10)
    with channel.after(timedelta(days=2)):
        assert not channel.read().failures
        taken = channel.media()
        assert 0 < taken < 10
        assert channel.memory.jobs[REACH].behind
        other = Memory()
        api = channel.fetching.api
        assert isinstance(api, ReportReader)
        tally = Tally()
        api.read_reports(channel.fetching.access, other, tally)
        assert tally.requests == 0
    while channel.memory.jobs[REACH].behind:
        with channel.after(timedelta(days=2, minutes=2 * channel.media())) as now:
            assert not channel.read().failures
            there = channel.files(now)
    assert channel.values.keys() == {file.day for file in there}
    # Nothing was downloaded twice, except for corrections that came in between.
    assert channel.media() <= len(there)


def test_used_quota_of_the_day_is_noted(channel: Channel) -> None:
    channel.simulator.set_faults({"kind": "app_limit", "path": "/v1/jobs"})
    found = channel.read()
    assert "«reporting»" in found.failures["jobs"]
    assert channel.tally.quota_used is not None
    assert channel.tally.limited is None
    assert channel.tally.requests == 1
    assert channel.memory.jobs[REACH].behind


def test_dead_token_is_a_failure_of_the_reports_alone(channel: Channel) -> None:
    access = channel.fetching.access
    channel.fetching.access = Access(access.platform_account_id, {"access_token": "never.issued.by.anyone"})
    assert list(channel.read().failures) == ["jobs"]
    channel.fetching.access = access
    channel.simulator.set_faults({"kind": "deleted", "account": channel.account.platform_account_id, "path": "/v1/"})
    assert "authentication" in channel.read().failures["jobs"]
    assert not channel.memory.jobs[REACH].behind


def test_token_without_the_scope_has_no_reports(channel: Channel) -> None:
    channel.simulator.set_faults({"kind": "permission"})
    assert channel.read() == DaysReading({})
    day = (utcnow() - timedelta(days=6)).date()
    found = channel.fetching.api.read_days(channel.fetching.access, [day], Tally()).days[day]
    assert set(found.unavailable.values()) == {"permission_missing"}
    assert METRIC in found.unavailable


def test_failing_reports_leave_the_other_days_alone(channel: Channel) -> None:
    channel.simulator.set_faults({"kind": "error", "path": "/v1/"})
    day = (utcnow() - timedelta(days=6)).date()
    found = channel.fetching.api.read_days(channel.fetching.access, [day], Tally())
    assert not found.failures
    assert len(found.days[day].metrics) == 8
    assert found.days[day].unavailable == {METRIC: "not_yet_available"}


def test_reason_of_a_day_before_all_files(channel: Channel) -> None:
    day = (utcnow() - timedelta(days=40)).date()
    found = channel.fetching.api.read_days(channel.fetching.access, [day], Tally()).days[day]
    assert found.unavailable == {METRIC: "not_recoverable"}


def test_file_without_valid_content_is_one_failure_and_left_out_in_the_end(channel: Channel) -> None:
    channel.read()
    with channel.after(timedelta(days=2)) as now:
        there = {file.day: file for file in channel.files(now)}
        bad = list(there.values())[3]
        channel.simulator.set_faults({"kind": "foreign_body", "value": "nonsense", "object": bad.id})
        for reading in range(1, GIVEN_UP_AFTER + 1):
            ((what, why),) = channel.read().failures.items()
            assert what == f"file of {bad.day:%Y-%m-%d}"
            assert "no column video_thumbnail_impressions" in why
            assert ("left out from now on" in why) == (reading == GIVEN_UP_AFTER)
            assert channel.values.keys() == there.keys() - {bad.day}
            # The others are not downloaded again.
            assert channel.tally.requests == (1 + len(there) if reading == 1 else 2)
        assert not channel.read().failures
        assert channel.tally.requests == 1


def test_transient_failure_of_a_file_is_tried_again(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.platforms.http.retries.FIRST_WAIT_SECONDS", 0.001)
    channel.read()
    with channel.after(timedelta(days=2)) as now:
        there = {file.day: file for file in channel.files(now)}
        bad = list(there.values())[3]
        channel.simulator.set_faults({"kind": "error", "object": bad.id})
        assert list(channel.read().failures) == [f"file of {bad.day:%Y-%m-%d}"]
        assert channel.memory.jobs[REACH].behind
        channel.simulator.set_faults()
        assert list(channel.read().days) == [bad.day]
        assert channel.values.keys() == there.keys()


def row(text: str) -> bytes:
    return (HEADER + text).encode()


def test_rows_without_a_video_count() -> None:
    first, second = f"20260730,{CHANNEL_ID},,70,0.1\n", f"20260730,{CHANNEL_ID},D-lhorsDlUQ,30,0.0\n"
    assert impressions_of(row(first + second), DAY, CHANNEL_ID) == 100
    assert impressions_of(b"\xef\xbb\xbf" + row(first).replace(b"\n", b"\r\n"), DAY, CHANNEL_ID) == 70


def test_header_alone_is_a_day_on_which_nothing_was_shown() -> None:
    assert impressions_of(row(""), DAY, CHANNEL_ID) == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no column"),
        (b"\xff\xfe\x00garbage", "no column"),
        (b"<html><body>Sorry</body></html>", "no column"),
        (b"date,channel_id,video_id,views\n", "no column"),
        (row("20260730,UC_x5XG1OV2P6uZZ5FSM9Ttw,x\n"), "line 2 has not 5 values"),
        (row(f"20260731,{CHANNEL_ID},x,1,0.1\n"), "another day or channel"),
        (row("20260730,UC0000000000000000000000,x,1,0.1\n"), "another day or channel"),
        (row(f"20260730,{CHANNEL_ID},x,many,0.1\n"), "no number"),
        (row(f"20260730,{CHANNEL_ID},x,,0.1\n"), "no number"),
        (row(f"20260730,{CHANNEL_ID},x,-4,0.1\n"), "no number"),
        (row(f"20260730,{CHANNEL_ID},x,1.5,0.1\n"), "no number"),
        (row(f"20260730,{CHANNEL_ID},x,{'9' * 30},0.1\n"), "no number"),
        (row(f"20260730,{CHANNEL_ID},x,{10**18},0.1\n" * 10), "64 bits"),
    ],
)
def test_content_of_another_form_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(BadAnswer, match=words):
        impressions_of(content, DAY, CHANNEL_ID)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            (field, value)
            for field in ("startTime", "endTime", "createTime", "downloadUrl", "id")
            for value in (None, 7)
        ),
        *((field, "") for field in ("startTime", "endTime", "createTime", "downloadUrl")),
        ("startTime", "2026-11-19T09:00:00Z"),
        ("endTime", "2026-12-19T08:00:00Z"),
        ("createTime", "2026-11-19T09:00:00"),
        ("downloadUrl", "http://elsewhere.example/v1/other"),
        ("downloadUrl", "http://elsewhere.example/v1/media/../jobs"),
    ],
)
def test_list_of_another_form_is_one_failure(channel: Channel, field: str, value: object) -> None:
    channel.read()
    with channel.after(timedelta(days=2)):
        channel.simulator.set_faults({"kind": "patch", "at": f"reports.0.{field}", "value": value})
        ((what, why),) = channel.read().failures.items()
    assert what == "jobs"
    assert "unexpected form" in why
    assert not channel.values


def test_list_that_does_not_end_is_one_failure(channel: Channel) -> None:
    channel.read()
    with channel.after(timedelta(days=2)):
        channel.simulator.set_faults({"kind": "repeated_cursor", "path": "/reports"})
        assert "does not end" in channel.read().failures["jobs"]
    assert not channel.values
