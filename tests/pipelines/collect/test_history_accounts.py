"""Histories of accounts that change meanwhile: erased, disconnected, denied, or asked for anew."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from metrics.clock import utcnow
from metrics.collection.histories import request_histories
from metrics.vault import Vault
from pipelines.collect.history import turn
from pipelines.collect.history.span import days_of
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.readings import AccountReading, DaysReading
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.data.wanted import Wanted
from pipelines.platforms.facebook.api import Facebook
from tests.erasing import erased
from tests.pipelines.collect.conftest import Bench
from tests.pipelines.collect.history import Past


@pytest.fixture
def past(bench: Bench) -> Past:
    return Past(bench.having(retention_days=400))


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


def test_account_that_is_denied_is_looked_for_again(past: Past) -> None:
    account = past.connect("linkedin")
    past.bench.store.accounts.set_state(account["_id"], "unreachable")
    past.read()
    assert (past.of(account)["state"], past.of(account)["reason"]) == ("waiting", "unreachable")
    past.bench.store.accounts.set_state(account["_id"], "active")
    past.resume(account)
    past.bench.simulator.set_faults({"kind": "permission"})
    past.read()
    assert past.of(account)["state"] in ("waiting", "partial")
    past.bench.simulator.set_faults()
    past.resume(account)
    request_histories(past.bench.store, [account])
    past.read()
    assert past.of(account)["state"] == "done"


def test_account_that_stays_away_fails_its_history(past: Past) -> None:
    account = past.connect("linkedin")
    past.bench.store.accounts.set_state(account["_id"], "unreachable")
    for _ in range(turn.MOST_TRIES + 1):
        past.read()
        past.resume(account)
    assert (past.of(account)["state"], past.of(account)["reason"]) == ("failed", "unreachable")


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
