"""An account counts only while it is connected, in totals, coverage and comparisons."""

from datetime import datetime
from typing import Any, cast

import httpx
import orjson
import pytest

from metrics.clock import isoformat, utcnow
from metrics.documents import AccountDocument
from metrics.expected import connected_again
from metrics.periods import DAY, HOUR, PERIODS, Period, midnight, period_start, slot_of
from metrics.redis.events import Announcer
from metrics.store import Store
from pipelines.rollup import roll
from tests.serving.conftest import account, observation

TODAY = midnight(utcnow().date())
FIRST = TODAY - 16 * DAY


class Workspace:
    """The accounts of `w1` with their observations, and the API's answers about them.

    Observations are rolled up when the API is first asked, and only for the days and for the periods that it is asked
    for: to roll up costs much more than the observations and the question.
    """

    def __init__(self, store: Store, client: httpx.Client, announcer: Announcer) -> None:
        self.store, self._client, self._announcer = store, client, announcer
        self._due: dict[Period, set[datetime]] = {period: set() for period in PERIODS}
        client.event_hooks = {**client.event_hooks, "request": [self._roll_for]}
        store.accounts.put([{**account("a1", "w1"), "connectedAt": FIRST}])
        store.db["metrics"].delete_many({"metadata.workspaceId": "w1"})

    def connect(self, account_id: str, at: datetime) -> None:
        """Connect an account, for the first time or again."""
        known = self.store.db["accounts"].find_one({"_id": account_id})
        document: AccountDocument = {**account(account_id, "w1"), "connectedAt": at}
        if known:
            gaps = connected_again(cast("AccountDocument", known), at)
            document |= {"connectedAt": known["connectedAt"], "disconnections": gaps}
        self.store.accounts.put([document])
        self._announcer.announce("w1")

    def disconnect(self, account_id: str, at: datetime) -> None:
        """Disconnect an account."""
        self.store.accounts.disconnect(account_id, at)
        self._announcer.announce("w1")

    def observe(self, account_id: str, first: datetime, end: datetime, followers: int = 100) -> None:
        """Write an observation of an account for every hour; the affected periods are due to be rolled up."""
        hours = [first + n * HOUR for n in range((end - first) // HOUR)]
        self.store.observations.append([observation(h, account_id=account_id, followers=followers) for h in hours])
        for period, starts in self._due.items():
            starts.update(period_start(period, hour) for hour in hours)

    def roll_up(self, period: Period) -> None:
        """Roll up what is due of a kind of period, and tell the server of it."""
        if starts := self._due[period]:
            roll(self.store, period, sorted(starts), run_id="r", workspace_ids=["w1"])
            starts.clear()
            self._announcer.announce("w1")

    def _roll_for(self, request: httpx.Request) -> None:
        """Roll up what an answer is made of: days, and the periods that the request names."""
        asked = request.url.params.get("period") or request.url.params.get("interval")
        for period in PERIODS:
            if period in ("daily", asked):
                self.roll_up(period)

    def ask(self, period: str, first: datetime, last: datetime, **more: str) -> Any:
        """Read the rollups of a range."""
        query = {"period": period, "startDate": f"{first:%Y-%m-%d}", "endDate": f"{last:%Y-%m-%d}", **more}
        return self._client.get("/analytics/workspace/w1/aggregated", params=query).json()

    def totals_before(self, day: datetime) -> dict[str, bytes]:
        """Return the totals of all periods that ended by a day, with comparisons, as bytes."""
        found = {}
        for period in PERIODS:
            for row in self.ask(period, FIRST - 3 * DAY, TODAY, compare="previous")["totals"]:
                if row["periodEnd"] <= isoformat(day):
                    found[f"{period} {row['periodStart']}"] = orjson.dumps(row)
        return found


@pytest.fixture
def w1(client: httpx.Client, seeded: Store, announcer: Announcer) -> Workspace:
    return Workspace(seeded, client, announcer)


def test_connecting_or_disconnecting_an_account_changes_no_totals_of_other_periods(w1: Workspace) -> None:
    w1.observe("a1", FIRST, TODAY)
    before = w1.totals_before(TODAY)
    assert len(before) > 16
    w1.connect("new", TODAY)
    assert w1.totals_before(TODAY) == before
    w1.disconnect("new", utcnow())
    assert w1.totals_before(TODAY) == before
    w1.connect("old", FIRST - 30 * DAY)
    w1.disconnect("old", FIRST - 20 * DAY)
    assert w1.totals_before(TODAY) == before


def test_totals_of_the_days_after_a_disconnection_are_those_of_the_others(w1: Workspace) -> None:
    gone = TODAY - 3 * DAY + 5 * HOUR + HOUR / 2
    w1.connect("a3", FIRST)
    w1.disconnect("a3", gone)
    w1.observe("a1", FIRST, TODAY, followers=100)
    w1.observe("a3", FIRST, slot_of(gone), followers=7)
    totals = w1.ask("daily", TODAY - 4 * DAY, TODAY - DAY)["totals"]
    assert [row["metrics"]["followers"] for row in totals] == [107, 107, 100, 100]
    assert [row["status"] for row in totals] == ["complete"] * 4
    assert [row["missing"] for row in totals] == [{}] * 4
    assert [row["coverage"]["expectedSlots"] for row in totals] == [48, 29, 24, 24]
    assert w1.ask("daily", TODAY - 4 * DAY, TODAY - DAY)["meta"]["coverage"] == {
        "expectedSlots": 125, "observedSlots": 125,
    }  # fmt: skip


def test_reconnected_account_does_not_count_in_the_time_between(w1: Workspace) -> None:
    w1.connect("a3", FIRST)
    w1.disconnect("a3", TODAY - 6 * DAY)
    w1.observe("a1", FIRST, TODAY)
    w1.observe("a3", FIRST, TODAY - 6 * DAY, followers=7)
    before = w1.totals_before(TODAY)
    w1.connect("a3", TODAY - 2 * HOUR)
    assert [key for key, row in w1.totals_before(TODAY - DAY).items() if before[key] != row] == []
    (yesterday,) = w1.ask("daily", TODAY - DAY, TODAY - DAY)["totals"]
    assert (yesterday["status"], yesterday["missing"]["followers"]) == ("partial", ["a3"])
    assert yesterday["coverage"]["expectedSlots"] == 26


def test_unobserved_account_makes_totals_partial_and_is_named(w1: Workspace) -> None:
    w1.connect("dark", FIRST)
    w1.observe("a1", FIRST, TODAY)
    (yesterday,) = w1.ask("daily", TODAY - DAY, TODAY - DAY)["totals"]
    assert (yesterday["status"], yesterday["accounts"], yesterday["expectedAccounts"]) == ("partial", 1, 2)
    assert yesterday["missing"]["followers"] == yesterday["missing"]["totalLikes"] == ["dark"]
    assert yesterday["coverage"] == {"expectedSlots": 48, "observedSlots": 24}


def test_day_without_observations_has_totals_without_values(w1: Workspace) -> None:
    w1.observe("a1", FIRST, TODAY - 2 * DAY)
    body = w1.ask("daily", TODAY - 3 * DAY, TODAY + DAY, compare="previous")
    assert [row["status"] for row in body["totals"]] == ["complete", "partial", "partial", "open"]
    assert body["totals"][1]["metrics"] == {}
    assert body["totals"][1]["unavailable"]["followers"] == "no_observation"
    assert body["totals"][1]["comparison"]["leftOut"] == [{"accountId": "a1", "reason": "no_observation"}]


def test_hour_that_has_not_ended_is_neither_expected_nor_observed(w1: Workspace) -> None:
    now = slot_of(utcnow())
    w1.observe("a1", FIRST, now + HOUR)
    body = w1.ask("daily", TODAY, TODAY)
    elapsed = (now - TODAY) // HOUR
    for said in (body["meta"], body["totals"][0], body["data"][0]):
        assert said["coverage"] == {"expectedSlots": elapsed, "observedSlots": elapsed}, said


def test_slots_outside_of_the_connection_do_not_count_as_observed(w1: Workspace) -> None:
    """Such slots are the hour of the disconnection, and hours from before the connection."""
    day = TODAY - 4 * DAY
    w1.connect("a3", day + 6 * HOUR + HOUR / 3)
    w1.disconnect("a3", day + 9 * HOUR + HOUR / 3)
    w1.observe("a1", FIRST, TODAY)
    w1.observe("a3", day, day + DAY)
    body = w1.ask("daily", day, day, accountId="a3")
    for said in (body["meta"], body["totals"][0], body["data"][0]):
        assert said["coverage"] == {"expectedSlots": 3, "observedSlots": 3}, said


@pytest.mark.parametrize("period", ["weekly", "custom"])
def test_accounts_connected_within_the_previous_period_cause_no_rise(w1: Workspace, period: str) -> None:
    monday = period_start("weekly", TODAY - 7 * DAY)
    connected = monday - 2 * DAY + HOUR / 3
    w1.store.accounts.put([{**account("a1", "w1"), "connectedAt": connected}])
    w1.observe("a1", slot_of(connected), min(TODAY, monday + 7 * DAY))
    body = w1.ask(period, monday, monday + 6 * DAY, compare="previous")
    left_out = {"comparable": False, "changes": {}, "leftOut": [{"accountId": "a1", "reason": "connected_within"}]}
    for said in (body["totals"][0]["comparison"], body["data"][0]["comparison"]):
        assert {name: said[name] for name in left_out} == left_out


def test_rollups_and_totals_are_compared_by_the_same_rule(w1: Workspace) -> None:
    w1.observe("a1", FIRST, TODAY - DAY, followers=100)
    w1.observe("a1", TODAY - DAY, TODAY, followers=110)
    body = w1.ask("daily", TODAY - 2 * DAY, TODAY - DAY, compare="previous")
    for said in (body["totals"][1], body["data"][1]):
        assert said["comparison"]["comparable"]
        change = said["comparison"]["changes"]["followers"]
        assert change == {"current": 110, "previous": 100, "delta": 10, "deltaPercent": 10.0}


def test_disconnected_account_shows_since_when(w1: Workspace, client: httpx.Client) -> None:
    w1.disconnect("a1", TODAY)
    (shown,) = client.get("/analytics/workspace/w1/accounts").json()["data"]
    assert (shown["state"], shown["disconnectedAt"]) == ("disconnected", isoformat(TODAY))
