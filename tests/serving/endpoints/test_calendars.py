"""The calendar of a workspace over HTTP."""

from datetime import UTC as UTC_ZONE
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from metrics.calendars import Calendar
from metrics.periods import midnight
from metrics.store import Store
from pipelines.rollup import roll
from tests.serving.conftest import NOW

CALENDAR = "/analytics/workspace/w1/calendar"
UTC = {"timeZone": "UTC", "weekStart": "monday", "fiscalYearStart": "01-01", "fiscalPattern": "months"}


def test_change_is_an_operation_and_the_present_calendar_stays_until_it_is_done(
    admin: httpx.Client, seeded: Store
) -> None:
    assert admin.get(CALENDAR).json() == {"data": {**UTC, "version": 0}}
    answer = admin.put(CALENDAR, json={"timeZone": "America/New_York", "weekStart": "sunday"})
    assert answer.status_code == 202
    data = answer.json()["data"]
    assert (data["timeZone"], data["upcoming"]["timeZone"], data["upcoming"]["version"]) == (
        "UTC",
        "America/New_York",
        1,
    )
    assert data["operation"]["kind"] == "calendar"
    assert answer.headers["location"] == f"/analytics/operations/{data['operation']['operationId']}"
    again = admin.put(CALENDAR, json={"timeZone": "America/New_York", "weekStart": "sunday"})
    assert again.json()["data"]["operation"]["operationId"] == data["operation"]["operationId"]
    back = admin.put(CALENDAR, json={})
    assert (back.status_code, back.json()) == (200, {"data": {**UTC, "version": 0}})


def test_country_is_set_at_once_and_replaced_with_the_calendar(admin: httpx.Client, seeded: Store) -> None:
    answer = admin.put(CALENDAR, json={"country": "DE"})
    assert (answer.status_code, answer.json()) == (200, {"data": {**UTC, "version": 0, "country": "DE"}})
    changing = admin.put(CALENDAR, json={"timeZone": "Asia/Tokyo", "country": "JP"})
    assert (changing.status_code, changing.json()["data"]["country"]) == (202, "JP")
    assert admin.get(CALENDAR).json()["data"]["country"] == "JP"
    assert seeded.calendars.country("w1") == "JP"
    assert admin.put(CALENDAR, json={"timeZone": "Nowhere/City", "country": "FR"}).status_code == 400
    assert seeded.calendars.country("w1") == "JP", "nothing is changed by what is refused"
    assert "country" not in admin.put(CALENDAR, json={}).json()["data"]


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"timeZone": "Nowhere/City"}, "timeZone", "is no time zone"),
        ({"timeZone": "+02:00"}, "timeZone", "is an offset"),
        ({"timeZone": "EST"}, "timeZone", "is an abbreviation"),
        ({"weekStart": "someday"}, "weekStart", "is no day"),
        ({"fiscalYearStart": "02-30"}, "fiscalYearStart", "no day of every year"),
        ({"fiscalPattern": "446"}, "fiscalPattern", "is no pattern"),
        ({"country": "Germany"}, "country", "two letters of ISO 3166-1"),
        ({"country": "uk"}, "country", "did you mean GB?"),
        ({"country": 49}, "country", ""),
        ({"zone": "UTC"}, "zone", ""),
        ({"timeZone": 5}, "timeZone", ""),
    ],
)
def test_wrong_calendar_is_refused_with_one_line(
    admin: httpx.Client, seeded: Store, body: dict[str, object], field: str, says: str
) -> None:
    answer = admin.put(CALENDAR, json=body)
    assert answer.status_code == 400, answer.text
    problem = answer.json()
    assert field in str(problem["errors"])
    assert says in problem["detail"]
    assert "\n" not in problem["detail"]
    assert admin.get(CALENDAR).json() == {"data": {**UTC, "version": 0}}


def test_calendar_needs_the_scope_admin_and_an_existing_workspace(
    client: httpx.Client, admin: httpx.Client, seeded: Store
) -> None:
    assert client.get(CALENDAR).status_code == 403
    assert client.put(CALENDAR, json={}).status_code == 403
    assert admin.get("/analytics/workspace/nowhere/calendar").status_code == 404


def test_period_of_a_date_is_that_of_the_workspaces_calendar(
    client: httpx.Client, admin: httpx.Client, seeded: Store
) -> None:
    calendar = seeded.calendars.prepare("w1", Calendar(week_start="sunday"))
    assert seeded.calendars.switch("w1", calendar, [])
    sunday = NOW.date() - timedelta(days=NOW.isoweekday() % 7)
    answer = client.post("/analytics/workspace/w1/aggregate/weekly", params={"date": str(sunday)})
    assert answer.status_code == 202, answer.text
    # The partition of a week is that of the Monday in it.
    assert answer.json()["data"]["periodStart"] == f"{sunday + timedelta(days=1)}T00:00:00Z"


def test_answers_are_about_the_days_of_the_workspace(client: httpx.Client, seeded: Store) -> None:
    calendar = seeded.calendars.prepare("w1", Calendar("Asia/Tokyo"))
    assert seeded.calendars.switch("w1", calendar, [])
    day = (NOW - timedelta(hours=2)).astimezone(ZoneInfo("Asia/Tokyo")).date()
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("Asia/Tokyo"))
    roll(seeded, "daily", [midnight(day)], run_id="r", workspace_ids=["w1"])
    dates = {"startDate": str(day), "endDate": str(day)}
    (row,) = client.get("/analytics/workspace/w1/aggregated", params={"period": "daily", **dates}).json()["data"]
    assert (row["periodStart"], row["periodLabel"]) == (f"{start.astimezone(UTC_ZONE):%Y-%m-%dT%H:%M:%SZ}", str(day))
    observed = client.get("/analytics/workspace/w1/metrics", params=dates).json()["data"]
    slots = {datetime.fromisoformat(one["timestamp"]) for one in observed}
    assert slots
    assert all(start <= slot < start + timedelta(days=1) for slot in slots)
    exported = client.get(
        "/analytics/workspace/w1/export", params={"dataset": "aggregated", "format": "ndjson", **dates}
    )
    assert len(exported.text.splitlines()) == 1


def test_answers_say_by_how_much_a_day_begins_after_midnight_and_whose_days_the_platforms_count(
    client: httpx.Client, seeded: Store
) -> None:
    calendar = seeded.calendars.prepare("w1", Calendar("Asia/Kathmandu"))
    assert seeded.calendars.switch("w1", calendar, [])
    day = (NOW - timedelta(hours=2)).astimezone(ZoneInfo("Asia/Kathmandu")).date()
    roll(seeded, "daily", [midnight(day)], run_id="r", workspace_ids=["w1"])
    dates = {"startDate": str(day), "endDate": str(day)}
    answer = client.get("/analytics/workspace/w1/aggregated", params={"period": "daily", **dates}).json()
    # Midnight in Kathmandu is at 18:15 UTC: the day begins with the slot of 19:00.
    assert {(row["periodLabel"], row["boundaryShiftMinutes"]) for row in answer["data"]} == {(str(day), 45)}
    assert [(row["periodLabel"], row["boundaryShiftMinutes"]) for row in answer["totals"]] == [(str(day), 45)]
    assert answer["meta"]["dayBasis"] == {"instagram": "America/Los_Angeles"}
    charted = client.get("/analytics/workspace/w1/series", params={"metrics": "followers", **dates}).json()
    assert charted["meta"]["dayBasis"] == answer["meta"]["dayBasis"]
    assert client.get("/analytics/metrics").json()["meta"]["dayBasis"]["tiktok"] == "UTC"
