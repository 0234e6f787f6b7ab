"""Accounts on a platform whose terms forbid to store anything of its API, unless the workspace has its consent."""

from typing import Any

import pytest

from metrics.documents import Document
from metrics.periods import HOUR
from metrics.redis.keys import events_key
from metrics.upkeep.erase import take_back, withdraw_consent
from pipelines.platforms.pinterest.api import Pinterest
from tests.pipelines.collect.conftest import NOW, SLOT, Bench
from tests.pipelines.collect.history import Past
from tests.redis_streams import entries

STORED = ("metrics", "posts", "subject_rollups", "aggregated_metrics", "roll_openings")
"""Collections that hold what a platform returned, or what follows from it."""


def connect(bench: Bench, workspace: str = "w", *, given: bool = False) -> str:
    account = bench.connect(8, workspace, "pinterest", _id=f"{workspace}-pins")
    bench.store.consents.set(workspace, "pinterest", given=given)
    return account["_id"]


def stored(bench: Bench, account_id: str) -> dict[str, int]:
    """Count the documents about an account, by collection."""
    names = {name: "metadata.accountId" if name == "metrics" else "accountId" for name in STORED}
    counts = {name: bench.store.db[name].count_documents({field: account_id}) for name, field in names.items()}
    return {name: count for name, count in counts.items() if count}


def test_without_a_consent_nothing_is_requested_and_nothing_is_stored(bench: Bench) -> None:
    account_id = connect(bench)
    report = bench.collect(platform="pinterest")
    assert (report.expected, report.ok, report.failed, report.skipped, report.failures) == (0, 0, 0, 1, [])
    assert bench.simulator.calls()["byAccount"] == {}
    assert stored(bench, account_id) == {}
    record = bench.record(account_id)
    assert (record["state"], record["reason"], record["calls"]) == ("skipped", "terms", 0)
    assert bench.state(account_id) == "active"


def test_consent_holds_for_its_workspace_alone(bench: Bench) -> None:
    with_consent, without = connect(bench, "w", given=True), connect(bench, "v")
    report = bench.collect(platform="pinterest")
    assert (report.ok, report.skipped) == (1, 1)
    assert stored(bench, with_consent).keys() == {"metrics", "posts"}
    assert stored(bench, without) == {}


def test_what_was_stored_is_deleted_when_the_consent_ends(bench: Bench) -> None:
    ended, other, instagram = connect(bench, "w", given=True), connect(bench, "v", given=True), bench.connect(8)["_id"]
    for platform in ("pinterest", "instagram"):
        bench.collect(platform=platform)
    others = stored(bench, other), stored(bench, instagram)
    assert withdraw_consent(bench.store, bench.redis, "w", "pinterest") == [ended]
    assert stored(bench, ended) == {}
    assert (stored(bench, other), stored(bench, instagram)) == others
    assert not [
        fields for _, fields in entries(bench.redis, events_key("w")) if fields.get(b"account") == ended.encode()
    ]
    assert bench.store.memories.of(ended).get("reading") is None
    assert bench.state(ended) == "active"


def test_everything_is_read_again_after_a_new_consent(bench: Bench) -> None:
    account_id = connect(bench, given=True)
    bench.collect(platform="pinterest")
    before = stored(bench, account_id)
    withdraw_consent(bench.store, bench.redis, "w", "pinterest")
    bench.store.consents.set("w", "pinterest", given=True)
    bench.collect(SLOT + HOUR, NOW + HOUR, platform="pinterest")
    assert stored(bench, account_id)["posts"] >= before["posts"]


def test_consent_that_ends_while_an_account_is_read_leaves_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = connect(bench, given=True)
    read = Pinterest.read

    def read_and_withdraw(self: Pinterest, *of: Any) -> Any:
        found = read(self, *of)
        withdraw_consent(bench.store, bench.redis, "w", "pinterest")
        return found

    monkeypatch.setattr(Pinterest, "read", read_and_withdraw)
    report = bench.collect(platform="pinterest")
    assert (report.ok, report.rows) == (0, 0)
    assert stored(bench, account_id) == {}


def test_rollup_that_was_computed_before_the_end_is_taken_back(bench: Bench) -> None:
    account_id = connect(bench)
    rollup: Document = {"_id": "late", "workspaceId": "w", "accountId": account_id, "periodStart": NOW}
    bench.store.db["aggregated_metrics"].insert_one(rollup)
    assert take_back(bench.store, [account_id]) == [account_id]
    assert stored(bench, account_id) == {}


def test_history_is_not_read_without_a_consent(bench: Bench) -> None:
    past = Past(bench)
    account = past.connect("pinterest")
    withdraw_consent(bench.store, bench.redis, "w", "pinterest")
    past.read()
    history = past.of(account)
    assert (history["state"], history["reason"]) == ("failed", "terms")
    assert past.operation(account)["state"] == "failed"
    assert bench.simulator.calls()["byAccount"] == {}
    assert stored(bench, account["_id"]) == {}


def test_history_is_read_from_the_start_after_a_consent(bench: Bench) -> None:
    past = Past(bench.having(retention_days=400))
    account = past.connect("pinterest")
    assert past.read().ended == {"done": 1}
    days = past.stored_days(account)
    withdraw_consent(bench.store, bench.redis, "w", "pinterest")
    assert bench.store.memories.history(account["_id"]) is None
    bench.store.consents.set("w", "pinterest", given=True)
    account = past.connect("pinterest")
    assert past.read().ended == {"done": 1}
    assert past.stored_days(account) == days
