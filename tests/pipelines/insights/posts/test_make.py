"""Statements about posts from a log: what was said stays, nothing comes from the future, erased accounts leave none."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from redis import Redis

from metrics import best_times as best
from metrics import content_decay as decaying
from metrics.calendars import Calendar
from metrics.periods import DAY, HOUR
from metrics.post_curves import FINAL_AGE
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.insights import OF_POSTS
from metrics.store.workspace_settings import Days
from metrics.upkeep import limited, retention
from metrics.upkeep.erase import left_of
from pipelines.insights.posts import outlook_models
from pipelines.insights.posts.make_outlooks import OutlooksReport, make_outlooks
from pipelines.insights.posts.outlook import train
from pipelines.insights.posts.outlook_models import OutlookModels
from pipelines.insights.posts.say_best_times import say_best_times
from pipelines.insights.posts.say_decay import say_decay
from pipelines.insights.posts.statements import StatementsReport, make_statements
from tests.erasing import erased
from tests.pipelines.insights.posts.published import connect, halving, publish

NOW = datetime(2026, 3, 31, 6, tzinfo=UTC)
DAY_0 = datetime(2026, 3, 30, tzinfo=UTC)


def decay_of(store: Store, day: datetime = DAY_0, now: datetime = NOW) -> StatementsReport:
    return make_statements(
        store, store.content_decay, day, age=FINAL_AGE, model=decaying.MODEL, say=say_decay, now=now, run_id="r"
    )


def best_of(store: Store, day: datetime = DAY_0, now: datetime = NOW) -> StatementsReport:
    return make_statements(
        store, store.best_times, day, age=best.AGE, model=best.MODEL, say=say_best_times, now=now, run_id="r"
    )


def outlooks_of(store: Store, until: datetime = NOW) -> OutlooksReport:
    return make_outlooks(store, until, now=until + timedelta(minutes=25), run_id="r")


def documents(store: Store, name: str, **query: Any) -> list[dict[str, Any]]:
    return list(store.db[name].find(query).sort("_id", 1))


def fill(store: Store, account_id: str, posts: int, seed: int, *, raised: int | None = None, apart: int = 20) -> None:
    """Publish posts until now, some hours apart, that have half of their engagement after five hours."""
    random = np.random.default_rng(seed)
    connect(store, account_id, NOW)
    for index in range(posts):
        at = NOW - timedelta(hours=apart * index + 3, minutes=int(random.integers(60)))
        final = float(np.exp(5 + 0.4 * random.normal()))
        if raised is not None and (at.hour - raised) % 24 < 3:
            final *= 2.5
        publish(
            store, account_id, f"{account_id}-{index:03}", at, halving(final, 5 * np.exp(0.1 * random.normal())), NOW
        )


@pytest.fixture
def filled(store: Store) -> Store:
    fill(store, "a0", 90, 1, raised=17)
    fill(store, "a1", 10, 2)
    return store


def test_models_are_fitted_once_a_day_and_say_what_each_hour_by_itself_says(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, "a0", 90, 1, apart=6)
    decay_of(store)  # derives the curves of the history
    monkeypatch.setattr(outlook_models, "LEAST_OF_PLATFORM", 60)
    fitted: list[Any] = []

    def counted(*examples: Any) -> Any:
        # To fit each anew would take seconds.
        fitted.append(fitted[0] if fitted else train(*examples))
        return fitted[0]

    monkeypatch.setattr(outlook_models, "train", counted)
    hours = [NOW - n * HOUR for n in (12, 9, 6, 3, 0)]

    def said(models: OutlookModels | None) -> list[dict[str, Any]]:
        for until in hours:
            make_outlooks(store, until, now=NOW, run_id="r", models=models)
        found = documents(store, "post_outlooks")
        store.db["post_outlooks"].delete_many({})
        return found

    together = said(OutlookModels())
    once = len(fitted)
    assert said(None) == together
    assert len({(one["trainedTo"], one["age"]) for one in together if "method" in one}) == once < len(fitted) - once


def test_decay_is_said_or_refused_and_stays(filled: Store) -> None:
    report = decay_of(filled)
    assert (report.made, report.refused) == (1, {"too_few_posts": 1})
    said = {one["accountId"]: one for one in documents(filled, "content_decay")}
    assert said["a1"]["unavailable"] == "too_few_posts"
    found = said["a0"]
    assert (found["model"], found["expected"], found["observed"]) == ("decay/1", 81, 81)
    assert [one["age"] for one in found["points"]] == [1, 2, 3, 6, 12, 24, 48, 72, 168]
    shares = [one["median"] for one in found["points"]]
    assert shares == sorted(shares)
    assert found["halfLife"]["median"] == pytest.approx(5 / (1 + 10 / 168), rel=0.1)
    again = decay_of(filled, now=NOW + DAY)
    assert again.kept == 2
    assert 0 < again.curves < 25, "only posts of the last week are read again"
    assert {one["accountId"]: one for one in documents(filled, "content_decay")} == said


def test_best_times_are_said_in_the_zone_of_the_workspace_or_refused(filled: Store) -> None:
    calendar = filled.calendars.prepare("w", Calendar(time_zone="Asia/Tokyo"))
    assert filled.calendars.switch("w", calendar, [])
    report = best_of(filled)
    assert (report.made, report.refused) == (1, {"too_few_posts": 1})
    said = {one["accountId"]: one for one in documents(filled, "best_times")}
    found = said["a0"]
    assert (found["timeZone"], found["p"] <= 0.05, found["observed"]) == ("Asia/Tokyo", True, 87)
    assert abs(found["slots"][0]["hour"] - (17 + 9) % 24) <= 1
    assert found["slots"][0]["lift"] > 0.1
    assert found["backtest"]["posts"] > 0
    assert said["a1"]["pooled"]["accounts"] == 2
    assert said["a1"]["pooled"]["posts"] == 94


def test_no_effect_is_said_with_the_pooled_windows(store: Store) -> None:
    fill(store, "a0", 70, 3)
    fill(store, "a1", 70, 4)
    best_of(store)
    for found in documents(store, "best_times"):
        assert found["unavailable"] == "no_effect"
        assert found["p"] > 0.05
        assert "slots" not in found
        assert found["pooled"]["accounts"] == 2


def test_outlooks_are_said_at_ages_and_stay(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlook_models, "LEAST_OF_PLATFORM", 60)
    decay_of(filled)  # derives the curves of the history
    report = outlooks_of(filled)
    # Posts of both accounts are about 3, 23 and 43 hours old.
    assert report.made + report.refused.total() == 6
    found = {one["postId"]: one for one in documents(filled, "post_outlooks")}
    assert {one["age"] for one in found.values()} == {3.0, 12.0, 24.0}
    one = found["a0-001"]
    assert (one["age"], one["trainedOn"], one["model"]) == (12.0, "platform", "outlook/1")
    assert one["engagement"] <= one["lo95"] <= one["lo80"] <= one["value"] <= one["hi80"] <= one["hi95"]
    assert 0 <= one["percentileOfAccount"] <= 100
    assert 0 <= one["probabilityTop10"] <= 1
    assert "percentileOfAccount" not in found["a1-001"], "ten posts are too few to place it"
    assert outlooks_of(filled).made == 0
    later = outlooks_of(filled, NOW + 30 * HOUR)
    assert later.made == 0, "there are no readings since then"
    assert {one["postId"]: one for one in documents(filled, "post_outlooks")} == found


def test_outlooks_are_refused_with_the_reason(filled: Store) -> None:
    publish(filled, "a0", "small", NOW - timedelta(hours=1, minutes=30), lambda age: min(age, 2), NOW)
    assert outlooks_of(filled).refused == {"too_few_posts": 6, "too_few": 1}
    assert filled.outlooks.of_posts("w", NOW - DAY, None, ["small"])[0]["unavailable"] == "too_few"


def test_own_model_of_a_workspace_is_taken_where_it_has_enough_posts(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlook_models, "LEAST_OF_PLATFORM", 60)
    monkeypatch.setattr(outlook_models, "LEAST_OF_WORKSPACE", 60)
    decay_of(filled)
    outlooks_of(filled)
    assert {one["trainedOn"] for one in documents(filled, "post_outlooks", age=12.0)} == {"workspace"}


@pytest.mark.parametrize("name", ["content_decay", "best_times", "post_outlooks"])
def test_nothing_comes_from_the_future(filled: Store, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said of an instant is the same whether the log ends there or goes on."""
    monkeypatch.setattr(outlook_models, "LEAST_OF_PLATFORM", 50)
    cut = DAY_0 - 5 * DAY
    until = cut + DAY

    def said() -> list[dict[str, Any]]:
        for one in (name, "post_curves"):
            filled.db[one].delete_many({})
        if name == "post_outlooks":
            decay_of(filled, cut)
            make_outlooks(filled, until, now=NOW, run_id="r")
        else:
            (decay_of if name == "content_decay" else best_of)(filled, cut)
        return documents(filled, name)

    whole = said()
    assert any("unavailable" not in one for one in whole)
    log = list(filled.db["metrics"].find({"timestamp": {"$lt": until}}))
    filled.db["metrics"].delete_many({"metadata.workspaceId": "w"})
    filled.db["metrics"].insert_many(log)
    filled.db["posts"].delete_many({"publishedAt": {"$gte": until}})
    assert said() == whole


def test_erasure_and_retention_leave_nothing(filled: Store, redis_client: Redis, settings: Settings) -> None:
    decay_of(filled)
    best_of(filled)
    outlooks_of(filled)
    gone = erased(filled, redis_client, "account", "a0")
    for name in OF_POSTS:
        assert gone[name] > 0
        assert {one["accountId"] for one in documents(filled, name)} == {"a1"}
    filled.retention.set("w", Days(rollups=30))
    gone = retention.apply(filled, retention.Horizon.of(filled, settings, NOW + 60 * DAY))
    for name in OF_POSTS:
        assert gone[name] > 0
        assert documents(filled, name) == []


def test_accounts_that_are_read_in_public_keep_thirty_days(store: Store) -> None:
    connect(store, "yt", NOW, platform="youtube", access="public")
    for index in range(3):
        publish(store, "yt", f"yt-{index}", NOW - index * DAY - HOUR, halving(100, 5), NOW)
    decay_of(store)
    assert limited.delete_expired(store, NOW + 60 * DAY)["post_curves"] == 3
    assert left_of(store, "account", "yt").keys() <= {"accounts", "posts", "metrics"}


@pytest.mark.parametrize("name", ["content_decay", "best_times", "post_outlooks"])
def test_news_is_not_lost_if_the_run_dies_before_it_is_announced(filled: Store, name: str) -> None:
    """Nothing new is said by the second run: without the announcement, answers that were kept would stay."""

    def run(day: datetime, announce: Callable[[str], None]) -> None:
        options: Any = {"now": NOW, "run_id": "r", "announce": announce}
        if name == "post_outlooks":
            make_outlooks(filled, NOW, **options)
        elif name == "content_decay":
            make_statements(
                filled, filled.content_decay, day, age=FINAL_AGE, model=decaying.MODEL, say=say_decay, **options
            )
        else:
            make_statements(
                filled, filled.best_times, day, age=best.AGE, model=best.MODEL, say=say_best_times, **options
            )

    def killed(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(DAY_0, killed)
    assert documents(filled, name)
    told: list[str] = []
    run(DAY_0, told.append)
    assert told == ["w"]
    run(DAY_0, told.append)
    assert told == ["w"], "it was announced, and nothing new was said"
