"""Histories with failures: limits, budgets, refusals, lost accounts; each ends or continues, and reports the reason."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import orjson
import pytest

from metrics.clock import utcnow
from metrics.collection.histories import request_histories
from metrics.documents import AccountDocument, Platform
from metrics.errors import RedisUnavailable
from metrics.redis.client import connect
from metrics.redis.events import Announcer
from metrics.redis.keys import events_key, version_key
from metrics.vault import Vault
from pipelines.collect.budget import PostBudget
from pipelines.collect.history import turn
from pipelines.collect.history.span import days_of
from pipelines.platforms.base import Access, AccountReading, DaysReading, Tally, Wanted
from pipelines.platforms.errors import BadAnswer, RateLimited, Transient
from pipelines.platforms.facebook.api import Facebook
from pipelines.platforms.linkedin.api import LinkedIn
from tests.erasing import erased
from tests.pipelines.collect.conftest import Bench
from tests.pipelines.collect.history import Past
from tests.redis_streams import entries
from tidemark.stack.ports import HOST, free_port


@pytest.fixture
def past(bench: Bench) -> Past:
    return Past(bench.having(retention_days=400))


def resume(past: Past, account: AccountDocument) -> None:
    """End the pause of a history."""
    history = past.of(account)
    history["resumesAt"] = utcnow() - timedelta(seconds=1)
    past.bench.store.memories.keep_history(account["_id"], history)
    past.bench.redis.flushall()


def events(past: Past) -> list[dict[str, Any]]:
    """The events of operations on the streams."""
    found = [
        entry for _, entry in entries(past.bench.redis, events_key("w")) if entry[b"event"] == b"collection:status"
    ]
    return [orjson.loads(entry[b"data"]) for entry in found]


def test_account_that_fails_leaves_the_others(past: Past) -> None:
    broken, whole = past.connect("linkedin", 3), past.connect("linkedin", 4)
    past.bench.simulator.set_faults({"kind": "expired_token", "account": broken["platformAccountId"]})
    report = past.read()
    assert report.ended == {"failed": 1, "done": 1}
    assert (past.of(broken)["state"], past.of(broken)["reason"]) == ("failed", "needs_reauth")
    assert past.of(whole)["state"] == "done"
    assert past.operation(broken)["accounts"] == {"ok": 0, "failed": 1, "skipped": 0}
    assert past.operation(broken)["error"] == "1 of 1 accounts were not read in whole: needs_reauth"
    assert broken["platformAccountId"] not in str(report.failures)


def test_history_that_failed_goes_on_when_it_is_asked_for_again(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    account = past.connect("facebook")
    days = Facebook.read_days
    windows: list[date] = []

    def expiring(self: Facebook, access: Access, asked: Sequence[date], *rest: Any) -> DaysReading:
        windows.append(max(asked))
        if len(windows) == 2:
            past.bench.simulator.set_faults({"kind": "expired_token"})
        return days(self, access, asked, *rest)

    monkeypatch.setattr(Facebook, "read_days", expiring)
    past.read()
    assert (past.of(account)["state"], len(windows)) == ("failed", 2)
    asked = days_of(past.of(account)["asked"])
    assert len(asked) == 89
    past.bench.simulator.reset()
    request_histories(past.bench.store, [account])
    past.read()
    assert past.of(account)["state"] == "done"
    assert windows[2] == windows[1] == min(asked) - timedelta(days=1)
    assert "published_posts" not in past.bench.simulator.calls()["byKind"]


@pytest.mark.parametrize("platform", ["instagram", "facebook", "twitter", "linkedin"])
def test_limit_is_waited_for_and_the_history_goes_on(past: Past, platform: Platform) -> None:
    now = utcnow()
    account = past.connect(platform)
    past.bench.simulator.set_faults({"kind": "account_limit", "times": 1, "seconds": 1800})
    report = past.read()
    history = past.of(account)
    assert (report.waiting, history["state"], history["reason"]) == (1, "waiting", "rate_limited")
    assert history["resumesAt"] > now
    assert past.read().accounts == 0, "no request before the pause is over"
    past.bench.simulator.set_faults()
    resume(past, account)
    past.read()
    assert past.of(account)["state"] == "done"
    assert len(past.rows(account)) == len(past.true_posts(account, now))


def test_rest_of_a_budget_is_left_to_the_hours(bench: Bench) -> None:
    """Two years of Instagram's days take more calls than the history's share of an hour's limit."""
    past = Past(bench.having(retention_days=3000))
    account = past.connect()
    past.read()
    history = past.of(account)
    assert (history["state"], history["reason"]) == ("waiting", "rate_limited")
    assert "left to hourly collection" in history["message"]
    assert 0.6 * 4800 <= history["calls"] <= 0.65 * 4800
    assert past.bench.redis.keys("tm:{instagram}:paused*") == [], "the hours are not held up"
    past.bench.simulator.reset()
    resume(past, account)
    past.read()
    assert past.of(account)["state"] == "done"
    assert past.of(account)["days"]["expected"] > 720


def test_half_of_the_budget_of_posts_is_left_to_the_hours(past: Past) -> None:
    some = Past(past.bench.having(twitter_posts_per_day=300))
    account = some.connect("twitter")
    some.read()
    history = some.of(account)
    assert (history["state"], history["reason"]) == ("waiting", "rate_limited")
    assert "budget of distinct posts" in history["message"]
    (name,) = some.bench.redis.keys("tm:{twitter}:posts-read:*")
    assert 146 <= some.bench.redis.scard(name) <= 150
    assert some.bench.redis.keys("tm:{twitter}:paused*") == []
    for _ in range(40):
        if some.of(account)["state"] == "done":
            break
        resume(some, account)
        some.read()
    assert some.of(account)["state"] == "done"
    assert len(some.rows(account)) == len(some.true_posts(account, utcnow()))


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
        resume(past, account)
        past.read()
        if "resumesAt" in past.of(account):
            waits.append(past.of(account)["resumesAt"] - utcnow())
    assert waits == sorted(waits)
    history = past.of(account)
    assert (history["state"], history["message"]) == ("partial", "days: overloaded")
    assert history["posts"]["done"] > 200


def test_list_that_does_not_end_is_given_up_and_the_days_are_read(past: Past) -> None:
    account = past.connect("twitter")
    past.bench.simulator.set_faults({"kind": "empty_page"})
    past.read()
    assert past.of(account)["state"] == "waiting"
    for _ in range(turn.MOST_TRIES):
        resume(past, account)
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


@pytest.mark.parametrize(
    ("state", "ended", "operation"),
    [("disconnected", "stopped", "failed"), ("paused", "stopped", "failed"), ("needs_reauth", "failed", "failed")],
)
def test_account_that_is_no_longer_collected_stops_its_history(
    past: Past, monkeypatch: pytest.MonkeyPatch, state: Any, ended: str, operation: str
) -> None:
    account = past.connect("facebook")
    days = Facebook.read_days

    def interrupted(self: Facebook, *asked: Any) -> DaysReading:
        if state == "disconnected":
            past.bench.store.accounts.disconnect(account["_id"], utcnow())
        else:
            past.bench.store.accounts.set_state(account["_id"], state)
        return days(self, *asked)

    monkeypatch.setattr(Facebook, "read_days", interrupted)
    past.read()
    assert (past.of(account)["state"], past.of(account)["reason"]) == (ended, state)
    assert past.operation(account)["state"] == operation
    assert past.stored_days(account) == {}
    monkeypatch.setattr(Facebook, "read_days", days)
    past.bench.store.accounts.put([account])
    request_histories(past.bench.store, [account])
    past.read()
    assert past.of(account)["state"] == "done"


@pytest.mark.parametrize("during", ["posts", "days"])
def test_account_that_is_erased_meanwhile_leaves_nothing(
    past: Past, monkeypatch: pytest.MonkeyPatch, during: str
) -> None:
    account, other = past.connect("facebook"), past.connect("facebook", 4)
    read_days, read_past = Facebook.read_days, Facebook.read_past

    def erase(access: Access) -> None:
        if access.platform_account_id == account["platformAccountId"]:
            erased(past.bench.store, past.bench.redis, "account", account["_id"])

    def erasing_days(self: Facebook, access: Access, *asked: Any) -> DaysReading:
        erase(access)
        return read_days(self, access, *asked)

    def erasing_posts(self: Facebook, access: Access, wanted: Wanted, tally: Tally) -> Iterator[AccountReading]:
        for page in read_past(self, access, wanted, tally):
            erase(access)
            yield page

    monkeypatch.setattr(Facebook, "read_days" if during == "days" else "read_past",
                        erasing_days if during == "days" else erasing_posts)  # fmt: skip
    past.read()
    store = past.bench.store
    for name in store.db.list_collection_names():
        if not name.startswith("system."):
            found = store.db[name].find_one({"$or": [{"_id": account["_id"]}, {"accountId": account["_id"]}]})
            assert found is None, name
    assert past.rows(account) == []
    assert past.stored_days(account) == {}
    assert past.of(other)["state"] == "done"
    assert store.operations.find(["queued", "running"]) == []


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
    assert sent[-1]["progress"]["done"] == sent[-1]["progress"]["expected"] > 600


def test_run_that_is_over_is_followed_by_another(past: Past) -> None:
    account = past.connect("linkedin")
    assert past.read(seconds=0).accounts == 0
    assert past.of(account)["state"] == "waiting"
    assert past.read().ended == {"done": 1}


def test_renewed_token_is_used(past: Past) -> None:
    account = past.connect("linkedin")
    secret = {"refresh_token": f"refresh.{past.sim(account).token}", "client_id": "c", "client_secret": "s"}
    sealed = Vault(past.bench.settings.secret_keys).seal(
        {"access_token": past.sim(account).token, **secret}, account["_id"]
    )
    past.bench.store.accounts.set_credentials(account["_id"], sealed)
    past.bench.simulator.set_faults({"kind": "expired_token", "times": 1})
    past.read()
    assert past.of(account)["state"] == "done"


def test_what_is_cached_is_renewed_with_what_is_written(past: Past) -> None:
    past.connect("linkedin")
    Announcer(past.bench.redis).announce("w")
    before = past.bench.redis.hgetall(version_key("w"))
    past.read()
    assert past.bench.redis.hgetall(version_key("w")) != before


def test_account_that_is_denied_is_looked_for_again(past: Past) -> None:
    account = past.connect("linkedin")
    past.bench.store.accounts.set_state(account["_id"], "unreachable")
    past.read()
    assert (past.of(account)["state"], past.of(account)["reason"]) == ("waiting", "unreachable")
    past.bench.store.accounts.set_state(account["_id"], "active")
    resume(past, account)
    past.bench.simulator.set_faults({"kind": "permission"})
    past.read()
    assert past.of(account)["state"] in ("waiting", "partial")
    past.bench.simulator.set_faults()
    resume(past, account)
    request_histories(past.bench.store, [account])
    past.read()
    assert past.of(account)["state"] == "done"


def test_account_that_stays_away_fails_its_history(past: Past) -> None:
    account = past.connect("linkedin")
    past.bench.store.accounts.set_state(account["_id"], "unreachable")
    for _ in range(turn.MOST_TRIES + 1):
        past.read()
        resume(past, account)
    assert (past.of(account)["state"], past.of(account)["reason"]) == ("failed", "unreachable")


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
            resume(past, account)
            past.read()
    history = past.of(account)
    assert (history["state"], history["reason"]) == ("partial", "provider_error")
    assert history["days"]["done"] == history["days"]["expected"] > 360
    assert "organizationPageStatistics: overloaded" in history["problems"][0]["message"]


def test_days_that_a_limit_cut_short_are_asked_for_again(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    now = utcnow()
    account = past.connect("facebook")
    days = Facebook.read_days
    cut: list[date] = []

    def limited(self: Facebook, access: Access, asked: Sequence[date], tally: Tally, budget: Any = None) -> DaysReading:
        found = days(self, access, asked, tally, budget)
        if cut:
            return found
        cut.extend(asked)
        tally.limited = RateLimited("enough", utcnow() + timedelta(minutes=5), "account")
        read = {day: replace(one, metrics={"reach": one.metrics["reach"]}) for day, one in found.days.items()}
        return DaysReading(read, found.odd, {"accountViews": "enough"})

    monkeypatch.setattr(Facebook, "read_days", limited)
    past.read()
    assert (past.of(account)["state"], past.of(account)["asked"]) == ("waiting", [])
    assert set(past.stored_days(account)) == set(cut)
    resume(past, account)
    past.read()
    assert (past.of(account)["state"], past.of(account)["partly"]) == ("done", [])
    true = past.true_days(account, now)
    assert {day: past.stored_days(account)[day] for day in cut} == {day: true[day] for day in cut}


def test_account_that_is_asked_for_anew_while_it_is_paused_leaves_the_others(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, other = past.connect("facebook"), past.connect("facebook", 4)
    read_days, store = Facebook.read_days, past.bench.store

    def changing(self: Facebook, access: Access, *asked: Any) -> DaysReading:
        if access.platform_account_id == account["platformAccountId"]:
            store.accounts.set_state(account["_id"], "paused")
            store.memories.begin_history(account, {**past.of(account), "operationId": "op_other", "state": "waiting"})
        return read_days(self, access, *asked)

    monkeypatch.setattr(Facebook, "read_days", changing)
    past.read()
    assert (past.of(account)["operationId"], past.of(account)["state"]) == ("op_other", "waiting")
    assert past.of(other)["state"] == "done"


def test_history_of_an_account_that_is_no_more_asks_for_no_runs(past: Past) -> None:
    account = past.connect("facebook")
    past.bench.store.db["accounts"].delete_one({"_id": account["_id"]})
    assert past.read().accounts == 0
    assert past.bench.store.memories.history(account["_id"]) is None


def test_account_that_waits_for_what_others_used_is_never_given_up(past: Past) -> None:
    some = Past(past.bench.having(twitter_posts_per_day=300))
    account = some.connect("twitter")
    budget = PostBudget(some.bench.redis, "twitter", 300, utcnow().date())
    for _ in range(turn.MOST_TRIES + 2):
        budget.note(f"of another account {n}" for n in range(150))
        some.read()
        history = some.of(account)
        assert (history["state"], history["tries"], history["calls"]) == ("waiting", 0, 0)
        assert history["problems"] == []
        resume(some, account)


def test_posts_are_not_billed_while_nobody_counts_them(past: Past) -> None:
    address = f"redis://{HOST}:{free_port()}/0"
    with connect(past.bench.settings.model_copy(update={"redis_url": address}), retries=0) as nobody:
        away = Past(replace(past.bench, redis=nobody))
        account = away.connect("twitter")
        with pytest.raises(RedisUnavailable):
            away.read()
    history = past.of(account)
    assert (history["state"], history["calls"], history["tries"]) == ("waiting", 0, 0)
    assert "Redis does not answer" in history["message"]
    assert past.bench.simulator.calls()["byKind"] == {}
    history["resumesAt"] = utcnow()
    past.bench.store.memories.keep_history(account["_id"], history)
    past.read()
    assert past.of(account)["state"] == "done"
