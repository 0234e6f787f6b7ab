"""Tests of the simulated Reporting API: jobs come first, files come late, and nothing is more lenient than YouTube."""

import csv
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from simulator import truth
from simulator.world import SimAccount
from simulator.youtube import quota
from simulator.youtube.files import BASIC, COLUMNS, REACH
from simulator.youtube.world import IMPRESSIONS
from tests.simulator.conftest import NOW
from tests.simulator_fixture import Simulator


def get(api: Simulator, path: str, query: str = "", token: str | None = None) -> httpx.Response:
    sent = {"Authorization": f"Bearer {token or channel(api).token}"} if token != "" else {}
    return api.client.get(f"/v1/{path}{f'?{query}' if query else ''}", headers=sent)


def create(api: Simulator, kind: str = REACH, **more: Any) -> httpx.Response:
    body = {"reportTypeId": kind, "name": "a job", **more}
    return api.client.post("/v1/jobs", json=body, headers={"Authorization": f"Bearer {channel(api).token}"})


def channel(api: Simulator) -> SimAccount:
    return api.world.account("youtube", 0)


def files(api: Simulator, job: str, query: str = "pageSize=100") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(api, f"jobs/{job}/reports", query).json().get("reports", [])
    return found


def content(api: Simulator, file: dict[str, Any]) -> list[dict[str, str]]:
    place = urlsplit(file["downloadUrl"])
    answer = api.client.get(
        f"{place.path}?{place.query}", headers={"Authorization": f"Bearer {channel(api).token}"}
    ).raise_for_status()
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-encoding"] == "gzip"
    return list(csv.DictReader(answer.text.splitlines()))


def day_of(file: dict[str, Any]) -> date:
    """The day of a file; it begins and ends at midnight in California, also where the clocks change."""
    start, end = (datetime.fromisoformat(file[name]).astimezone(quota.PACIFIC) for name in ("startTime", "endTime"))
    assert (start.hour, end.hour, end.date() - start.date()) == (0, 0, timedelta(days=1))
    return start.date()


def reason(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    return answer.status_code, error["status"]


def test_files_exist_only_for_a_job_and_cover_thirty_days_before_it(api: Simulator) -> None:
    assert get(api, "jobs").json() == {}
    job = create(api).json()
    assert get(api, "jobs").json()["jobs"] == [job]
    assert (job["reportTypeId"], get(api, f"jobs/{job['id']}").json()) == (REACH, job)
    assert files(api, job["id"]) == []
    api.set_clock(NOW + timedelta(hours=48))
    days = {day_of(file) for file in files(api, job["id"])}
    assert min(days) == NOW.date() - timedelta(days=30)
    assert {NOW.date() - timedelta(days=back) for back in range(3, 31)} <= days
    assert all(datetime.fromisoformat(file["createTime"]) > NOW for file in files(api, job["id"]))


def test_the_sum_of_a_file_is_the_truth_once_it_is_corrected(api: Simulator) -> None:
    job = create(api).json()["id"]
    api.set_clock(NOW + timedelta(days=14))
    newest: dict[date, dict[str, Any]] = {}
    counts: dict[date, int] = {}
    for file in sorted(files(api, job), key=lambda one: datetime.fromisoformat(one["createTime"])):
        day = day_of(file)
        newest[day], counts[day] = file, counts.get(day, 0) + 1
    assert max(counts.values()) == 2
    api.set_clock(NOW + timedelta(days=14, minutes=2))
    checked = [day for day in newest if day < NOW.date() + timedelta(days=4)][-30:]
    sums = {}
    for day in checked:
        rows = content(api, newest[day])
        assert all(row["date"] == f"{day:%Y%m%d}" for row in rows)
        sums[day] = sum(int(row["video_thumbnail_impressions"]) for row in rows)
        assert bool(rows) == bool(sums[day])
        assert not rows or "" in {row["video_id"] for row in rows}
    assert sums == {day: truth.day_value(api.world, channel(api), IMPRESSIONS, day) for day in checked}
    # On some days nothing was shown: the file then has a header only.
    assert 0 in sums.values()


def test_correction_is_another_file_of_the_same_day(api: Simulator) -> None:
    job = create(api).json()["id"]
    api.set_clock(NOW + timedelta(days=20))
    by_day: dict[date, list[dict[str, Any]]] = {}
    for file in files(api, job):
        by_day.setdefault(day_of(file), []).append(file)
    newer, older = next(found for found in by_day.values() if len(found) == 2)
    assert newer["createTime"] > older["createTime"]
    first, second = (
        sum(int(row["video_thumbnail_impressions"]) for row in content(api, file)) for file in (older, newer)
    )
    assert first != second or not second


def test_files_end_after_sixty_days_and_historical_ones_after_thirty(api: Simulator) -> None:
    job = create(api).json()["id"]
    api.set_clock(NOW + timedelta(hours=48))
    old = files(api, job)[-1]
    api.set_clock(NOW + timedelta(days=33))
    there = files(api, job)
    assert NOW.date() + timedelta(days=1) in {day_of(file) for file in there}
    assert old["id"] not in {file["id"] for file in there}
    assert reason(get(api, urlsplit(old["downloadUrl"]).path.removeprefix("/v1/"), "alt=media")) == (404, "NOT_FOUND")
    api.set_clock(NOW + timedelta(days=75))
    assert min(day_of(file) for file in files(api, job)) > NOW.date() + timedelta(days=4)


def test_lists_are_filtered_and_paged(api: Simulator) -> None:
    job = create(api).json()["id"]
    api.set_clock(NOW + timedelta(days=10))
    there = files(api, job)
    page = get(api, f"jobs/{job}/reports", "pageSize=7").json()
    following = get(api, f"jobs/{job}/reports", f"pageSize=7&pageToken={page['nextPageToken']}").json()
    assert page["reports"] + following["reports"] == there[:14]
    middle = there[len(there) // 2]
    newer = files(api, job, f"createdAfter={middle['createTime']}")
    assert newer == [one for one in there if one["createTime"] > middle["createTime"]]
    span = f"startTimeAtOrAfter={middle['startTime']}&startTimeBefore={middle['endTime']}"
    assert {one["startTime"] for one in files(api, job, span)} == {middle["startTime"]}
    assert get(api, f"jobs/{job}/reports/{middle['id']}").json() == middle
    assert get(api, f"jobs/{job}/reports", f"createdAfter={there[0]['createTime']}").json() == {}


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("jobs", "nonsense=1", (400, "INVALID_ARGUMENT")),
        ("jobs", "pageToken=x", (400, "INVALID_ARGUMENT")),
        ("jobs/{job}/reports", "createdAfter=2026-11-20", (400, "INVALID_ARGUMENT")),
        ("jobs/{job}/reports", "createdAfter=2026-11-20T10:00:00", (400, "INVALID_ARGUMENT")),
        ("jobs/{job}/reports", "pageSize=x", (400, "INVALID_ARGUMENT")),
        ("jobs/0/reports", "", (404, "NOT_FOUND")),
        ("jobs/{job}/reports/0", "", (404, "NOT_FOUND")),
        ("media/CHANNEL/AAAA/jobs/{job}/reports/0", "alt=media", (403, "PERMISSION_DENIED")),
    ],
)
def test_wrong_requests_are_refused(api: Simulator, path: str, query: str, expected: tuple[int, str]) -> None:
    job = create(api).json()["id"]
    assert reason(get(api, path.replace("{job}", job), query)) == expected


def test_jobs_are_created_once_and_of_known_types(api: Simulator) -> None:
    assert create(api).status_code == 200
    assert reason(create(api)) == (409, "ALREADY_EXISTS")
    assert reason(create(api, "channel_basic_a2")) == (400, "INVALID_ARGUMENT")
    assert reason(create(api, BASIC, name="")) == (400, "INVALID_ARGUMENT")
    assert reason(create(api, BASIC, nonsense=1)) == (400, "INVALID_ARGUMENT")
    assert create(api, BASIC).status_code == 200
    types = {one["id"] for one in get(api, "reportTypes").json()["reportTypes"]}
    assert {REACH, BASIC} <= types


def test_basic_report_has_the_columns_of_its_page(api: Simulator) -> None:
    job = create(api, BASIC).json()["id"]
    api.set_clock(NOW + timedelta(days=3))
    row = content(api, files(api, job)[0])[0]
    assert tuple(row) == COLUMNS[BASIC]


def test_reports_need_a_token_with_a_channel_and_the_scope(api: Simulator) -> None:
    assert reason(get(api, "jobs", token="")) == (401, "UNAUTHENTICATED")
    assert reason(get(api, "jobs", f"key=AIza{'0' * 35}", token="")) == (401, "UNAUTHENTICATED")
    assert reason(get(api, "jobs", token="never.issued")) == (401, "UNAUTHENTICATED")
    api.set_faults({"kind": "permission", "path": "/v1/jobs"})
    assert reason(get(api, "jobs")) == (403, "PERMISSION_DENIED")
    api.set_faults({"kind": "deleted", "account": channel(api).platform_account_id})
    assert reason(get(api, "jobs")) == (401, "UNAUTHENTICATED")


def test_quotas_of_a_minute_and_of_a_day(api: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "REPORTING_PER_MINUTE", 3)
    monkeypatch.setattr(quota, "UNITS", quota.UNITS | {"reporting": 5})
    api.set_clock(datetime(2026, 11, 20, 7, 50, tzinfo=UTC))
    assert [get(api, "jobs").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert "per minute" in get(api, "jobs").json()["error"]["message"]
    api.set_clock(datetime(2026, 11, 20, 7, 52, tzinfo=UTC))
    assert [get(api, "jobs").status_code for _ in range(3)] == [200, 200, 429]
    assert "per day" in get(api, "jobs").json()["error"]["message"]
    api.set_clock(datetime(2026, 11, 20, 8, 1, tzinfo=UTC))
    assert get(api, "jobs").status_code == 200
