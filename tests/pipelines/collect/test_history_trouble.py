"""Histories with failures of single reads: each ends or continues, says why, and its progress is announced."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson
import pytest

from metrics.clock import utcnow
from metrics.collection.histories import request_histories
from metrics.redis.events import Announcer
from metrics.redis.keys import events_key, version_key
from pipelines.collect.history import turn
from pipelines.collect.history.span import days_of
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.readings import DaysReading
from pipelines.platforms.errors import BadAnswer, Transient
from pipelines.platforms.facebook.api import Facebook
from pipelines.platforms.linkedin.api import LinkedIn
from tests.pipelines.collect.conftest import Bench
from tests.pipelines.collect.history import Past
from tests.redis_streams import entries


@pytest.fixture
def past(bench: Bench) -> Past:
    return Past(bench.having(retention_days=400))


def events(past: Past) -> list[dict[str, Any]]:
    """The events of operations on the streams."""
    found = [
        entry for _, entry in entries(past.bench.redis, events_key("w")) if entry[b"event"] == b"collection:status"
    ]
    return [orjson.loads(entry[b"data"]) for entry in found]


def test_window_that_is_refused_leaves_the_others(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    account = past.connect("facebook")
    days = Facebook.read_days
    refused: list[date] = []

    def refusing(self: Facebook, access: Access, asked: Sequence[date], *rest: Any) -> DaysReading:
        if not refused or min(refused) <= max(asked) <= max(refused):
            refused[:] = asked
            raise BadAnswer("not these")
        return days(self, access, asked, *rest)

    monkeypatch.setattr(Facebook, "read_days", refusing)
    report = past.read()
    history = past.of(account)
    assert (history["state"], history["reason"], history["message"]) == ("partial", "provider_error", "days: not these")
    assert days_of(history["left"]) == set(refused)
    assert history["days"]["expected"] - history["days"]["done"] == len(refused) == 89
    assert past.operation(account)["state"] == "partial"
    assert [str(one.reason) for one in report.failures] == ["provider_error"]
    monkeypatch.setattr(Facebook, "read_days", days)
    request_histories(past.bench.store, [account])
    past.read()
    assert past.of(account)["state"] == "done"
    assert set(refused) <= past.stored_days(account).keys()


def test_passing_trouble_is_tried_again_and_given_up_in_the_end(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    account = past.connect("linkedin")

    def failing(*_: Any) -> DaysReading:
        raise Transient("overloaded")

    monkeypatch.setattr(LinkedIn, "read_days", failing)
    past.read()
    assert (past.of(account)["state"], past.of(account)["tries"]) == ("waiting", 1)
    waits = [past.of(account)["resumesAt"] - utcnow()]
    for _ in range(turn.MOST_TRIES):
        past.resume(account)
        past.read()
        if "resumesAt" in past.of(account):
            waits.append(past.of(account)["resumesAt"] - utcnow())
    assert waits == sorted(waits)
    history = past.of(account)
    assert (history["state"], history["message"]) == ("partial", "days: overloaded")
    assert history["posts"]["done"] > 40


def test_list_that_does_not_end_is_given_up_and_the_days_are_read(past: Past) -> None:
    account = past.connect("twitter")
    past.bench.simulator.set_faults({"kind": "empty_page"})
    past.read()
    assert past.of(account)["state"] == "waiting"
    for _ in range(turn.MOST_TRIES):
        past.resume(account)
        past.read()
    history = past.of(account)
    assert history["postsState"] == "left"
    assert history["problems"][0]["what"] == "posts"
    assert past.bench.simulator.calls()["byAccount"][account["platformAccountId"]] < 150


def test_error_of_ours_is_said_by_its_place_and_leaves_the_rest(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    account, other = past.connect("linkedin"), past.connect("facebook")

    def broken(*_: Any) -> DaysReading:
        raise KeyError("a secret")

    monkeypatch.setattr(LinkedIn, "read_days", broken)
    report = past.read()
    history = past.of(account)
    assert (history["state"], history["reason"]) == ("partial", "internal_error")
    assert "KeyError at pipelines/collect" in history["message"]
    assert "secret" not in str(history) + str(report.failures)
    assert past.of(other)["state"] == "done"


def test_streams_are_told_how_far_a_history_is(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.collect.history.progress.REPORT_EVERY_SECONDS", 0.0)
    account = past.connect("facebook")
    past.read()
    sent = [one for one in events(past) if one["operationId"] == past.of(account)["operationId"]]
    assert sent[0]["state"] == "running"
    assert sent[-1]["state"] == "succeeded"
    assert {one["kind"] for one in sent} == {"history"}
    done = [one["progress"]["done"] for one in sent if "progress" in one]
    assert done == sorted(done)
    assert len(set(done)) > 5
    assert sent[-1]["progress"]["done"] == sent[-1]["progress"]["expected"] > 400


def test_what_is_cached_is_renewed_with_what_is_written(past: Past) -> None:
    past.connect("linkedin")
    Announcer(past.bench.redis).announce("w")
    before = past.bench.redis.hgetall(version_key("w"))
    past.read()
    assert past.bench.redis.hgetall(version_key("w")) != before


def test_number_that_fails_among_others_is_said_and_the_days_count(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    account = past.connect("linkedin")
    days = LinkedIn.read_days

    def lacking(self: LinkedIn, access: Access, asked: Sequence[date], *rest: Any) -> DaysReading:
        found = days(self, access, asked, *rest)
        return DaysReading(found.days, found.odd, {"organizationPageStatistics": "overloaded"})

    monkeypatch.setattr(LinkedIn, "read_days", lacking)
    past.read()
    assert past.of(account)["state"] == "waiting"
    for _ in range(30):
        if past.of(account)["state"] == "waiting":
            past.resume(account)
            past.read()
    history = past.of(account)
    assert (history["state"], history["reason"]) == ("partial", "provider_error")
    assert history["days"]["done"] == history["days"]["expected"] > 360
    assert "organizationPageStatistics: overloaded" in history["problems"][0]["message"]
