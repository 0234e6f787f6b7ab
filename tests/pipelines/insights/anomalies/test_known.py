"""Holidays and campaigns beside anomalies: named, told when they change, and kept out of what is usual."""

from datetime import date, timedelta
from typing import Any

from metrics.periods import midnight
from metrics.redis.events import anomaly_event
from metrics.store import Store
from metrics.store.workspace.campaigns import campaign_id
from tests.pipelines.insights.anomalies.test_make import DAY_0, LAST, SPIKE, documents, run, watch_hours
from tests.pipelines.insights.forecasts.days import roll_days, weekly
from tests.pipelines.insights.forecasts.test_make import connect


def spring(store: Store, first: date, last: date, **fields: Any) -> None:
    document: Any = {
        "_id": campaign_id("w", "spring"), "workspaceId": "w", "name": "spring", "title": "Spring sale",
        "startDate": first.isoformat(), "endDate": last.isoformat(), "createdAt": DAY_0, "changedAt": DAY_0, **fields,
    }  # fmt: skip
    store.campaigns.put(document)


SPRING = {
    "kind": "campaign", "name": "spring", "title": "Spring sale", "startDate": "2026-03-31", "endDate": "2026-04-02",
}  # fmt: skip


def test_known_days_are_named_beside_an_anomaly_and_a_change_of_them_is_told(store: Store) -> None:
    watch_hours(store, SPIKE)
    run(store)
    assert "known" not in documents(store)[0]
    spring(store, LAST, LAST + timedelta(days=2))
    told: list[Any] = []
    run(store, announce=lambda _, changes: told.extend(changes))
    assert documents(store)[0]["known"] == [SPRING]
    assert [(change, anomaly_event(change, one).data["known"]) for change, one in told] == [("updated", [SPRING])]
    assert run(store).changes.total() == 0
    store.calendars.set_country("w", "SV")  # 31 March 2026 is no holiday there
    assert run(store).changes.total() == 0
    store.campaigns.remove("w", "spring")
    assert run(store).changes == {"updated": 1}
    assert "known" not in documents(store)[0]


def test_holidays_are_named_by_the_dates_of_the_workspace(store: Store) -> None:
    store.calendars.set_country("w", "DE")
    connect(store, "a0")
    holiday = date(2026, 4, 3)  # Good Friday
    counts = weekly(80, level=800)
    counts[-1] /= 4
    roll_days(store, "a0", holiday, {"totalEngagement": counts})
    run(store, midnight(holiday), midnight(holiday) + timedelta(hours=30))
    (found,) = documents(store)
    assert found["known"] == [
        {"kind": "holiday", "title": "Good Friday", "startDate": "2026-04-03", "endDate": "2026-04-03"}
    ]


def test_a_campaign_is_kept_out_of_what_is_usual_for_its_accounts(store: Store) -> None:
    """Both accounts are as usual after two weeks at three times the usual: one had a campaign then, and no drop."""
    for name, seed in (("a0", 1), ("a1", 2)):
        connect(store, name)
        usual = weekly(80, level=600, seed=seed)
        counts = [*usual[:65], *(3 * one for one in usual[65:79]), usual[79]]
        roll_days(store, name, LAST, {"totalEngagement": counts})
    run(store)
    assert {one["accountId"] for one in documents(store, status="open")} == {"a0", "a1"}, "the usual day is a drop"
    store.db["anomalies"].delete_many({})
    spring(store, LAST - timedelta(days=14), LAST - timedelta(days=1), accountIds=["a0"])
    run(store)
    (found,) = documents(store, status="open")
    assert (found["accountId"], found["kind"]) == ("a1", "drop")
    assert "known" not in found
    watched = {one["accountId"]: one["day"] for one in store.watched.of("w")}
    assert {"metric": "totalEngagement", "expected": 64, "observed": 64} in watched["a0"], "it is judged"


def test_a_day_of_a_whole_platform_names_what_each_workspace_knows(store: Store) -> None:
    for number in range(6):
        connect(store, f"a{number}", workspaceId=f"w{number % 2}")
        counts = weekly(80, seed=number + 1, level=800)
        counts[-1] /= 4
        roll_days(store, f"a{number}", LAST, {"totalEngagement": counts}, f"w{number % 2}")
    spring(store, LAST, LAST, workspaceId="w1", _id=campaign_id("w1", "spring"))
    run(store)
    known = {one["workspaceId"]: one.get("known") for one in documents(store, kind="platform")}
    assert known == {"w0": None, "w1": [{**SPRING, "endDate": "2026-03-31"}]}
