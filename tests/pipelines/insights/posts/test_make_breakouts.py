"""Breakouts from a log: found, confirmed or withdrawn, corrected by late data, the same from any hour, erased."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from redis import Redis

from metrics.calendars import Calendar
from metrics.catalog import DEFINITION_VERSION
from metrics.periods import DAY, HOUR
from metrics.post_curves import POINTS
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.workspace_settings import Days
from metrics.upkeep import limited, retention
from metrics.upkeep.erase import left_of
from pipelines.insights.posts import breakout
from pipelines.insights.posts import make_breakouts as making
from pipelines.insights.posts.make_breakouts import BreakoutsReport, make_breakouts
from tests.erasing import erased
from tests.pipelines.insights.posts.published import Curve, connect, halving, publish, readings

AT = datetime(2026, 3, 28, 10, 20, tzinfo=UTC)
"""When the post that breaks out is published."""
AT_6 = datetime(2026, 3, 28, 17, tzinfo=UTC)
"""The end of the hour in which it comes to an age of six hours."""
AT_24, AT_48 = AT_6 + 18 * HOUR, AT_6 + 42 * HOUR
USUAL = halving(200, 6)


def slowing(peak: float) -> Curve:
    """Return a curve that is far above the usual for some hours, and then stands still."""
    return lambda age: min(10 * USUAL(age), peak)


def fill(store: Store, account_id: str = "a0", posts: int = 30, **fields: Any) -> None:
    """Store the curves of posts before the one that breaks out; each halves its engagement at an age of six hours."""
    random = np.random.default_rng(7)
    connect(store, account_id, AT, **fields)
    curves: list[Any] = []
    for index in range(posts):
        at = AT - timedelta(hours=10 * index + 4, minutes=int(random.integers(60)))
        of_post = halving(200 * float(np.exp(0.3 * random.normal())), 6)
        curves.append({
            "_id": f"{account_id}-{index:02}", "workspaceId": fields.get("workspace_id", "w"), "accountId": account_id,
            "platform": "instagram", "metricType": "post", "publishedAt": at,
            "values": [round(of_post(age), 3) for age in POINTS], "definitionVersion": DEFINITION_VERSION,
        })  # fmt: skip
    store.post_curves.put(curves)


def made(store: Store, until: datetime, **given: Any) -> BreakoutsReport:
    given = {"now": until + timedelta(minutes=35), "run_id": "r", **given}
    return make_breakouts(store, until, **given)


def found(store: Store, **query: Any) -> list[dict[str, Any]]:
    return list(store.db["anomalies"].find(query).sort("_id", 1))


@pytest.fixture
def filled(store: Store) -> Store:
    fill(store)
    return store


def test_breakout_is_found_with_its_evidence_and_confirmed_after_a_day(filled: Store) -> None:
    publish(filled, "a0", "big", AT, halving(2000, 6), AT_48)
    told: list[tuple[str, str, str]] = []

    def announce(workspace_id: str, changes: Any) -> None:
        told.extend((workspace_id, change, one["status"]) for change, one in changes)

    first = made(filled, AT_6 - 4 * HOUR, announce=announce)
    assert first.changes == {"opened": 1}
    (one,) = found(filled)
    assert one | {
        "workspaceId": "w", "accountId": "a0", "postId": "big", "kind": "breakout", "scope": "post",
        "metric": "engagement", "metricType": "post", "platform": "instagram", "grain": "hour", "direction": "up",
        "model": "breakout/1", "status": "open", "age": 2, "from": AT, "to": AT + 2 * HOUR, "percentile": 100.0,
    } == one  # fmt: skip
    assert one["multiple"] == pytest.approx(10, rel=0.25)
    assert one["lo"] < one["expected"] < one["hi"] < one["observed"] == pytest.approx(halving(2000, 6)(2), rel=0.05)
    assert one["score"] > 3
    assert 1 <= one["severity"] <= 10
    evidence = one["evidence"]
    assert [row["age"] for row in evidence["ages"]] == [1, 2]
    assert len(evidence["history"]) == 29
    assert evidence["history"][-1]["at"] == AT
    assert evidence["history"][-1]["value"] == pytest.approx(one["observed"], abs=0.01)
    assert evidence["similar"] == []
    assert made(filled, AT_6, announce=announce).changes == {"updated": 1}
    assert found(filled)[0]["age"] == 6
    assert made(filled, AT_6 + HOUR).changes == {}
    closed = made(filled, AT_24, announce=announce)
    assert closed.changes == {"closed": 1}
    assert (found(filled)[0]["status"], found(filled)[0]["foundAt"]) == ("ended", one["foundAt"])
    assert told == [("w", "opened", "open"), ("w", "updated", "open"), ("w", "closed", "ended")]
    assert made(filled, AT_48).changes == {"updated": 1}
    assert found(filled)[0]["status"] == "ended"


def test_breakout_that_stands_still_is_withdrawn_after_a_day(filled: Store) -> None:
    publish(filled, "a0", "big", AT, slowing(250), AT_48)
    made(filled, AT_6 - 4 * HOUR)
    assert found(filled)[0]["status"] == "open"
    assert made(filled, AT_24 - HOUR).changes == {"updated": 1}
    assert made(filled, AT_24).changes == {"closed": 1}
    (one,) = found(filled)
    assert (one["status"], one["age"]) == ("withdrawn", 6)
    assert one["evidence"]["ages"][-1] | {"age": 24, "breakout": False} == one["evidence"]["ages"][-1]
    assert made(filled, AT_48).changes == {}


def test_breakout_that_cannot_be_read_any_more_is_withdrawn(filled: Store) -> None:
    publish(filled, "a0", "gone", AT, halving(2000, 6), AT_6 + HOUR)
    made(filled, AT_6)
    for until in (AT_24 + 2 * HOUR, AT_48 - HOUR):
        assert made(filled, until).changes == {}
    assert found(filled)[0]["status"] == "open"
    assert made(filled, AT_48).changes == {"closed": 1}
    assert found(filled)[0]["status"] == "withdrawn"


def test_open_breakout_is_closed_however_long_nothing_ran(filled: Store) -> None:
    publish(filled, "a0", "big", AT, halving(2000, 6), AT_48)
    made(filled, AT_6)
    assert made(filled, AT_48 + 9 * DAY).changes == {"closed": 1}
    assert found(filled)[0]["status"] == "ended"


def test_post_that_breaks_out_late_is_found_then(filled: Store) -> None:
    publish(filled, "a0", "late", AT, lambda age: USUAL(age) * (1 if age < 20 else 10), AT_48)
    assert made(filled, AT_24 - HOUR).changes == {}
    assert made(filled, AT_24).changes == {"opened": 1}
    assert (found(filled)[0]["status"], found(filled)[0]["age"]) == ("ended", 24)


def test_what_was_withdrawn_comes_back_if_it_holds_after_two_days(filled: Store) -> None:
    publish(filled, "a0", "again", AT, lambda age: slowing(250)(age) if age < 30 else 4000, AT_48)
    made(filled, AT_6 - 4 * HOUR)
    made(filled, AT_24)
    assert found(filled)[0]["status"] == "withdrawn"
    assert made(filled, AT_48).changes == {"opened": 1}
    assert (found(filled)[0]["status"], found(filled)[0]["age"]) == ("ended", 48)


def test_withdrawn_before_anybody_was_told_it_is_not_stored(filled: Store) -> None:
    publish(filled, "a0", "big", AT, slowing(250), AT_48)
    assert made(filled, AT_24).changes == {}
    assert found(filled) == []


def test_late_data_corrects(filled: Store) -> None:
    """A reading is written after the run, though it was made before."""
    post = publish(filled, "a0", "big", AT, halving(2000, 6), AT_6 - HOUR)
    made(filled, AT_6)
    before = found(filled)[0]
    assert before["observed"] == pytest.approx(halving(2000, 6)(5 + 40 / 60), abs=0.01), "the last that was read"
    filled.observations.append(readings(post, [AT_6 - HOUR], halving(2000, 6)))
    assert made(filled, AT_6 + HOUR).changes == {"updated": 1}
    after = found(filled)[0]
    assert after["observed"] == pytest.approx(halving(2000, 6)(6), rel=0.01)
    assert after["observed"] > before["observed"]


def test_late_data_withdraws(filled: Store) -> None:
    """The platform tells later that the post is older than it was believed to be."""
    old: Curve = lambda age: halving(300, 6)(age + 40)  # noqa: E731
    publish(filled, "a0", "old", AT, old, AT_6)
    made(filled, AT_6)
    assert found(filled)[0]["status"] == "open"
    filled.db["posts"].update_one({"_id": "old"}, {"$set": {"publishedAt": AT - 40 * HOUR}})
    assert made(filled, AT_6 + HOUR).changes == {"closed": 1}
    assert found(filled)[0]["status"] == "withdrawn"


def test_what_a_person_said_stays(filled: Store) -> None:
    publish(filled, "a0", "big", AT, halving(2000, 6), AT_48)
    made(filled, AT_6)
    said = {"acknowledgedBy": "frontend", "acknowledgedAt": AT_6, "muted": True, "note": "Shared by a celebrity."}
    filled.anomalies.change("w", found(filled)[0]["_id"], said, [])
    heard: list[Any] = []
    made(filled, AT_24, announce=lambda _, changes: heard.extend(one for _, one in changes))
    (one,) = found(filled)
    assert (one["status"], one | said) == ("ended", one)
    assert heard[0] | said == heard[0], "events tell it as well"


def test_similar_posts_and_campaigns_are_named(filled: Store) -> None:
    publish(filled, "a0", "first", AT - 4 * DAY, halving(3000, 6), AT_48)
    made(filled, AT - 2 * DAY)
    publish(filled, "a0", "big", AT, halving(2000, 6), AT_48)
    filled.campaigns.put({
        "_id": "w|spring", "workspaceId": "w", "name": "spring", "title": "Spring", "startDate": "2026-03-20",
        "endDate": "2026-03-28", "createdAt": AT, "changedAt": AT,
    })  # fmt: skip
    made(filled, AT_6)
    earlier, one = (found(filled, postId=name)[0] for name in ("first", "big"))
    assert one["evidence"]["similar"] == [{"anomalyId": earlier["_id"], "score": earlier["score"], "postId": "first"}]
    assert [day["title"] for day in one["known"]] == ["Spring"]


def test_refusals_are_counted_once_by_reason(store: Store) -> None:
    fill(store)
    fill(store, "few", posts=10)
    fill(store, "old")
    store.db["post_curves"].update_many({"accountId": "old"}, {"$inc": {"definitionVersion": -1}})
    for account_id in ("a0", "few", "old"):
        publish(store, account_id, f"{account_id}-new", AT, halving(2000, 6), AT_6)
    publish(store, "a0", "small", AT, lambda age: min(age, 9), AT_6)
    report = made(store, AT_6)
    assert report.refused == {"too_few_posts": 1, "definition_changed": 1, "too_few": 1}
    assert report.made == 1
    judged = {one["accountId"]: one["posts"] for one in store.watched.of("w")}
    assert judged["few"] == [{"metricType": "post", "posts": 10, "unavailable": "too_few_posts"}]
    assert [one.get("unavailable") for one in judged["old"]] == ["definition_changed"]
    assert judged["a0"] == [{"metricType": "post", "posts": 30}], "one of two posts is judged"
    assert made(store, AT_6 + HOUR).refused["too_few"] == 0, "an age counts in the hour in which a post comes to it"
    assert made(store, AT_6 + 7 * HOUR).refused["no_observation"] == 4, "nothing was read at an age of twelve hours"


@pytest.mark.parametrize("hours", [0, 5, 60])
def test_hour_that_is_made_again_says_the_same(filled: Store, hours: int) -> None:
    """A breakout follows from all that is known of the post, whichever hour is made, and in whatever order."""
    publish(filled, "a0", "big", AT, halving(2000, 6), AT_48)
    now = AT_48 + timedelta(minutes=35)
    for until in (AT_6, AT_24, AT_48):
        made(filled, until)
    (before,) = found(filled)
    assert made(filled, AT_6 - 4 * HOUR + hours * HOUR, now=now, run_id="again").changes == {}
    assert found(filled) == [before]
    filled.db["anomalies"].delete_many({})
    made(filled, AT_6, now=now)
    (again,) = found(filled)
    unlike = ("foundAt", "changedAt", "runId")
    assert {k: v for k, v in again.items() if k not in unlike} == {k: v for k, v in before.items() if k not in unlike}


@pytest.mark.parametrize("until", [AT_6 - 4 * HOUR, AT_6, AT_24])
def test_nothing_comes_from_the_future(filled: Store, until: datetime) -> None:
    """A breakout at an instant is the same whether the log ends there or goes on."""
    names = ["big", *(f"next-{index}" for index in range(5))]
    publish(filled, "a0", names[0], AT, halving(2000, 6), AT_48)
    for index, name in enumerate(names[1:]):
        publish(filled, "a0", name, AT + index * HOUR, halving(9000, 6), AT_48)

    def said() -> list[dict[str, Any]]:
        filled.db["anomalies"].delete_many({})
        filled.db["post_curves"].delete_many({"_id": {"$in": names}})
        made(filled, until)
        return found(filled)

    whole = said()
    assert "big" in {one["postId"] for one in whole}
    log = list(filled.db["metrics"].find({"collectedAt": {"$lte": until}}))
    filled.db["metrics"].delete_many({"metadata.workspaceId": "w"})
    filled.db["metrics"].insert_many(log)
    filled.db["posts"].delete_many({"publishedAt": {"$gte": until}})
    assert said() == whole


def test_account_that_fails_leaves_its_neighbours_alone(
    filled: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill(filled, "a1")
    for account_id in ("a0", "a1"):
        publish(filled, account_id, f"{account_id}-big", AT, halving(2000, 6), AT_6)
    judge: Callable[..., Any] = breakout.verdicts

    def broken(post: Any, earlier: Any) -> Any:
        if post["accountId"] == "a0":
            raise ValueError("secret-detail")
        return judge(post, earlier)

    monkeypatch.setattr(making, "verdicts", broken)
    report = made(filled, AT_6)
    assert (report.failed, report.changes) == (1, {"opened": 1})
    assert [one["accountId"] for one in found(filled)] == ["a1"]
    assert "1 accounts failed" in report.summary()


def test_days_and_hours_of_accounts_leave_breakouts_alone(filled: Store) -> None:
    publish(filled, "a0", "big", AT, halving(2000, 6), AT_6)
    made(filled, AT_6)
    assert filled.anomalies.touching(["a0"], AT - DAY, AT + DAY) == []
    assert filled.anomalies.hourly_count(AT - DAY, AT + DAY) == 0


def test_workspaces_are_apart(filled: Store) -> None:
    fill(filled, "b0", workspace_id="other")
    publish(filled, "a0", "big", AT, halving(2000, 6), AT_6)
    assert made(filled, AT_6, workspace_ids=["other"]).changes == {}
    heard: list[str] = []
    made(filled, AT_6, announce=lambda workspace_id, _: heard.append(workspace_id))
    assert heard == ["w"]


def test_campaigns_go_by_the_calendar_of_the_workspace(filled: Store) -> None:
    assert filled.calendars.switch("w", filled.calendars.prepare("w", Calendar(time_zone="Asia/Tokyo")), [])
    filled.campaigns.put({
        "_id": "w|next", "workspaceId": "w", "name": "next", "title": "Next", "startDate": "2026-03-29",
        "endDate": "2026-04-28", "createdAt": AT, "changedAt": AT,
    })  # fmt: skip
    publish(filled, "a0", "big", AT, halving(2000, 6), AT_6)
    made(filled, AT_6)
    # It came to six hours at 01:20 of the next day in Tokyo.
    assert [day["title"] for day in found(filled)[0]["known"]] == ["Next"]


def test_erasure_and_retention_leave_nothing(filled: Store, redis_client: Redis, settings: Settings) -> None:
    fill(filled, "a1")
    fill(filled, "yt", platform="youtube", access="public")
    for account_id in ("a0", "a1", "yt"):
        publish(filled, account_id, f"{account_id}-big", AT, halving(2000, 6), AT_6)
    made(filled, AT_6)
    assert erased(filled, redis_client, "account", "a0")["anomalies"] == 1
    assert {one["accountId"] for one in found(filled)} == {"a1", "yt"}
    made(filled, AT_6)
    assert "anomalies" not in left_of(filled, "account", "a0"), "the next hour brings nothing back"
    assert limited.delete_expired(filled, AT_6 + 31 * DAY)["anomalies"] == 1
    filled.retention.set("w", Days(rollups=30))
    assert retention.apply(filled, retention.Horizon.of(filled, settings, AT_6 + 60 * DAY))["anomalies"] == 1
    assert found(filled) == []


def test_account_that_is_erased_meanwhile_leaves_nothing(
    filled: Store, redis_client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(filled, "a0", "big", AT, halving(2000, 6), AT_6)
    judge: Callable[..., Any] = breakout.verdicts

    def erasing(post: Any, earlier: Any) -> Any:
        if post["_id"] == "big":
            erased(filled, redis_client, "account", "a0")
        return judge(post, earlier)

    monkeypatch.setattr(making, "verdicts", erasing)
    made(filled, AT_6)
    assert left_of(filled, "account", "a0") == {}
