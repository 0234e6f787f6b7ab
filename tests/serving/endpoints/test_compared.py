"""Comparisons with the period before, the year before, and as many days: from observations to the API's answer."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from metrics import clock
from metrics.aggregation.totals import EXTREMES
from metrics.periods import DAY, HOUR, PERIODS, midnight
from metrics.redis.events import Announcer
from metrics.store import Store
from metrics.store.workspace_settings import Days
from pipelines.rollup import roll
from tests.serving.conftest import account
from tests.serving.endpoints.test_expected import Workspace

LONG_AGO = datetime(2018, 1, 1, tzinfo=UTC)
SetClock = Callable[[str], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[SetClock]:
    """Let the server, which runs in this process, live at another time."""

    def at(text: str) -> None:
        ahead = datetime.fromisoformat(text) - clock.machine_now()
        monkeypatch.setenv(clock.VARIABLE, f"{ahead.total_seconds():.6f}")
        clock.offset.cache_clear()

    yield at
    monkeypatch.delenv(clock.VARIABLE, raising=False)
    clock.offset.cache_clear()


@pytest.fixture
def w1(client: httpx.Client, seeded: Store, announcer: Announcer) -> Workspace:
    found = Workspace(seeded, client, announcer)
    seeded.db["posts"].delete_many({})
    seeded.accounts.put([{**account("a1", "w1"), "connectedAt": LONG_AGO}])
    return found


def day(text: str) -> datetime:
    return midnight(date.fromisoformat(text))


def observe(w1: Workspace, first: str, last: str, followers: int, account_id: str = "a1") -> None:
    """Observe every hour from the first day to the last, both included."""
    w1.observe(account_id, day(first), day(last) + DAY, followers=followers)


def compared(w1: Workspace, compare: str, period: str, first: str, last: str, **more: str) -> list[Any]:
    """Return the comparison of every total; that of the only account's document must be the same."""
    body = w1.ask(period, day(first), day(last), compare=compare, **more)
    found = [row["comparison"] for row in body["totals"]]
    of_documents = {row["periodStart"]: row["comparison"] for row in body["data"] if row["accountId"] == "a1"}
    for row in body["totals"]:
        if row["expectedAccounts"] == 1 and row["periodStart"] in of_documents:
            of_document = of_documents[row["periodStart"]]
            # Extremes do not add up over accounts: totals have none.
            changes = {name: one for name, one in of_document["changes"].items() if name not in EXTREMES}
            assert {**of_document, "changes": changes} == row["comparison"]
    return found


def side(first: str, last: str) -> dict[str, Any]:
    end = day(last) + DAY
    return {"start": clock.isoformat(day(first)), "end": clock.isoformat(end), "days": (end - day(first)).days}


def followers(current: int, previous: int) -> dict[str, float]:
    delta = current - previous
    return {"current": current, "previous": previous, "delta": delta, "deltaPercent": 100 * delta / previous}


def test_week_across_new_year_is_compared_with_the_same_iso_week(w1: Workspace) -> None:
    observe(w1, "2024-01-01", "2024-01-07", 100)
    observe(w1, "2024-12-30", "2025-01-05", 150)
    (said,) = compared(w1, "yoy", "weekly", "2024-12-30", "2025-01-05")
    assert said["changes"]["followers"] == followers(150, 100)
    assert (said["compare"], said["comparable"], said["leftOut"]) == ("yoy", True, [])
    assert said["current"] == side("2024-12-30", "2025-01-05")
    assert said["previous"] == side("2024-01-01", "2024-01-07")


@pytest.mark.parametrize(("period", "last"), [("weekly", "2021-01-03"), ("daily", "2020-12-28")])
def test_week_53_has_no_week_to_be_compared_with(w1: Workspace, period: str, last: str) -> None:
    observe(w1, "2019-12-23", "2020-01-05", 100)
    observe(w1, "2020-12-28", "2021-01-03", 150)
    observe(w1, "2019-12-28", "2019-12-28", 100)
    (said,) = compared(w1, "yoy", period, "2020-12-28", last)
    if period == "daily":  # its days have counterparts
        assert said["comparable"]
        return
    assert said == {
        "compare": "yoy", "current": side("2020-12-28", last), "comparable": False, "changes": {}, "leftOut": [],
        "reason": "no_such_period",
    }  # fmt: skip


def test_29_february_is_not_shifted(w1: Workspace) -> None:
    observe(w1, "2023-02-27", "2023-03-01", 100)
    observe(w1, "2024-02-28", "2024-03-01", 150)
    said = compared(w1, "yoy", "daily", "2024-02-28", "2024-03-01")
    assert [one.get("reason") for one in said] == [None, "no_such_period", None]
    assert [one.get("previous") for one in said] == [
        side("2023-02-28", "2023-02-28"), None, side("2023-03-01", "2023-03-01"),
    ]  # fmt: skip
    assert said[1]["changes"] == {}
    (range_,) = compared(w1, "yoy", "custom", "2024-02-28", "2024-02-29")
    assert (range_["current"]["days"], range_["previous"]) == (2, side("2023-02-28", "2023-02-28"))


def test_months_of_different_lengths_say_how_many_days_they_have(w1: Workspace) -> None:
    observe(w1, "2024-02-01", "2024-03-31", 100)
    (said,) = compared(w1, "previous", "monthly", "2024-03-01", "2024-03-31")
    assert (said["current"]["days"], said["previous"]["days"], said["comparable"]) == (31, 29, True)


def test_custom_range_is_compared_with_the_same_dates_of_the_year_before(w1: Workspace) -> None:
    observe(w1, "2023-05-01", "2023-05-10", 100)
    observe(w1, "2024-04-21", "2024-04-30", 120)
    observe(w1, "2024-05-01", "2024-05-10", 150)
    (year,) = compared(w1, "yoy", "custom", "2024-05-01", "2024-05-10")
    assert (year["previous"], year["changes"]["followers"]) == (side("2023-05-01", "2023-05-10"), followers(150, 100))
    (before,) = compared(w1, "previous", "custom", "2024-05-01", "2024-05-10")
    assert before["previous"] == side("2024-04-21", "2024-04-30")
    assert before["changes"]["followers"] == followers(150, 120)


def test_open_month_is_compared_by_its_whole_days_with_as_many_days(w1: Workspace, set_clock: SetClock) -> None:
    set_clock("2027-03-11T09:30Z")
    observe(w1, "2027-02-01", "2027-02-10", 100)
    observe(w1, "2027-02-11", "2027-02-28", 999)
    observe(w1, "2027-03-01", "2027-03-10", 150)
    w1.observe("a1", day("2027-03-11"), day("2027-03-11") + 9 * HOUR, followers=777)
    said = compared(w1, "elapsed", "monthly", "2027-02-01", "2027-03-31")
    assert said[1]["changes"]["followers"] == followers(150, 100)
    assert (said[1]["comparable"], said[1]["leftOut"]) == (True, [])
    assert (said[1]["current"], said[1]["previous"]) == (
        side("2027-03-01", "2027-03-10"), side("2027-02-01", "2027-02-10"),
    )  # fmt: skip
    # The month that has ended is compared as a whole.
    assert said[0]["previous"] == side("2027-01-01", "2027-01-31")
    whole = compared(w1, "previous", "monthly", "2027-03-01", "2027-03-31")[0]
    assert (whole["comparable"], whole["changes"]["followers"]["current"]) == (False, 777)


@pytest.mark.parametrize("period", [*PERIODS, "custom"])
def test_first_day_of_an_open_period_has_no_whole_day_to_compare(
    w1: Workspace, set_clock: SetClock, period: str
) -> None:
    set_clock("2027-03-01T09:30Z")  # a Monday
    observe(w1, "2027-02-20", "2027-02-28", 100)
    w1.observe("a1", day("2027-03-01"), day("2027-03-01") + 9 * HOUR, followers=150)
    (said,) = compared(w1, "elapsed", period, "2027-03-01", "2027-03-01")
    assert (said["changes"], said["comparable"], said["reason"]) == ({}, False, "no_whole_day")
    assert said["current"]["days"] == 0
    assert "previous" not in said


def test_account_connected_or_disconnected_within_the_compared_days_is_left_out(
    w1: Workspace, set_clock: SetClock
) -> None:
    set_clock("2027-03-11T09:30Z")
    for first, last, count in (("2027-02-01", "2027-02-28", 100), ("2027-03-01", "2027-03-10", 150)):
        observe(w1, first, last, count)
    for name, at in (("young", "2027-02-05"), ("later", "2027-02-15"), ("gone", "2018-01-01")):
        w1.connect(name, day(at) + HOUR / 2)
        w1.observe(name, max(day(at), day("2027-02-01")), day("2027-03-05"), followers=7)
    w1.disconnect("gone", day("2027-03-05") + HOUR / 2)
    w1.observe("later", day("2027-03-05"), day("2027-03-11"), followers=7)
    w1.observe("young", day("2027-03-05"), day("2027-03-11"), followers=7)
    (said,) = compared(w1, "elapsed", "monthly", "2027-03-01", "2027-03-31")
    assert {one["accountId"]: one["reason"] for one in said["leftOut"]} == {
        "young": "connected_within", "later": "not_expected", "gone": "disconnected_within",
    }  # fmt: skip
    assert said["changes"]["followers"] == followers(150, 100)
    body = w1.ask("monthly", day("2027-03-01"), day("2027-03-31"), compare="elapsed")
    for row in body["data"]:
        (left,) = [one for one in said["leftOut"] if one["accountId"] == row["accountId"]] or [None]
        assert row["comparison"]["leftOut"] == ([left] if left else [])
        assert bool(row["comparison"]["changes"]) == (left is None)


def test_account_that_was_not_connected_a_year_before_is_left_out(w1: Workspace) -> None:
    observe(w1, "2023-05-01", "2023-05-01", 100)
    observe(w1, "2024-05-01", "2024-05-01", 150)
    w1.connect("new", day("2024-01-01"))
    observe(w1, "2024-05-01", "2024-05-01", 7, "new")
    (said,) = compared(w1, "yoy", "daily", "2024-05-01", "2024-05-01")
    assert said["leftOut"] == [{"accountId": "new", "reason": "not_expected"}]
    assert (said["comparable"], said["changes"]["followers"]) == (False, followers(150, 100))


@pytest.mark.parametrize("period", [*PERIODS, "custom"])
def test_side_that_is_kept_no_longer_is_named(w1: Workspace, set_clock: SetClock, period: str) -> None:
    set_clock("2027-05-15T09:30Z")
    observe(w1, "2027-05-03", "2027-05-09", 150)
    w1.store.retention.set("w1", Days(rollups=100))
    (said,) = compared(w1, "yoy", period, "2027-05-05", "2027-05-05")
    assert (said["reason"], said["changes"], said["comparable"]) == ("not_kept", {}, False)
    assert said["previous"]["days"] >= 1
    (before,) = compared(w1, "previous", period, "2027-05-05", "2027-05-05")
    assert "reason" not in before


@pytest.mark.parametrize(("period", "reason"), [("weekly", None), ("custom", "not_kept")])
def test_week_outlives_its_first_days(w1: Workspace, set_clock: SetClock, period: str, reason: str | None) -> None:
    """The document of a week is kept until its end is too old; a range needs all of its days."""
    set_clock("2027-05-15T09:30Z")
    observe(w1, "2027-02-01", "2027-02-14", 150)
    w1.store.retention.set("w1", Days(rollups=100))  # since Friday, 5 February
    (said,) = compared(w1, "previous", period, "2027-02-08", "2027-02-14")
    assert said["previous"] == side("2027-02-01", "2027-02-07")
    assert (said.get("reason"), said["comparable"]) == (reason, reason is None)


def test_every_mode_has_an_answer_of_its_own_in_the_cache(w1: Workspace, client: httpx.Client) -> None:
    observe(w1, "2024-05-01", "2024-05-02", 150)
    roll(w1.store, "daily", [day("2024-05-02")], run_id="r", workspace_ids=["w1"])
    query = {"period": "daily", "startDate": "2024-05-02", "endDate": "2024-05-02"}
    path = "/analytics/workspace/w1/aggregated"
    first = [client.get(path, params=query)]
    first += [client.get(path, params={**query, "compare": one}) for one in ("previous", "yoy", "elapsed")]
    assert [one.headers["x-cache"] for one in first] == ["miss"] * 4
    assert len({one.headers["etag"] for one in first}) == 4
    again = client.get(path, params={**query, "compare": "yoy"}, headers={"If-None-Match": first[2].headers["etag"]})
    assert (again.status_code, again.headers["x-cache"]) == (304, "hit")


def test_cursor_belongs_to_one_mode(w1: Workspace, client: httpx.Client) -> None:
    observe(w1, "2024-05-01", "2024-05-02", 150)
    query = {"period": "daily", "startDate": "2024-05-01", "endDate": "2024-05-02", "limit": "1"}
    path = "/analytics/workspace/w1/aggregated"
    page = client.get(path, params={**query, "compare": "yoy"}).json()["page"]
    other = client.get(path, params={**query, "compare": "previous", "cursor": page["nextCursor"]})
    assert (other.status_code, other.json()["errors"][0]["parameter"]) == (400, "cursor")
    next_ = client.get(path, params={**query, "compare": "yoy", "cursor": page["nextCursor"]}).json()
    assert [row["periodStart"] for row in next_["data"]] == ["2024-05-02T00:00:00Z"]
    assert next_["data"][0]["comparison"]["previous"] == side("2023-05-02", "2023-05-02")


def test_unknown_mode_lists_the_valid_ones(client: httpx.Client) -> None:
    answer = client.get("/analytics/workspace/w1/aggregated", params={"period": "daily", "compare": "next"})
    assert (answer.status_code, answer.json()["detail"]) == (400, "compare: must be one of previous, yoy, elapsed")
    parameters = client.get("/openapi.json").json()["paths"]["/analytics/workspace/{workspaceId}/aggregated"]["get"]
    (schema,) = [one["schema"] for one in parameters["parameters"] if one["name"] == "compare"]
    assert schema["enum"] == ["previous", "yoy", "elapsed"]
