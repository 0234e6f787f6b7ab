"""Fifty accounts, one for each kind of failure: the run succeeds, checks name these, and all others are exact."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from metrics.documents import AccountDocument
from pipelines.assets.raw import raw_asset
from pipelines.partitions import slot_key
from pipelines.platforms.http import client
from pipelines.platforms.http.client import Http
from simulator import truth
from tests.pipelines.deployment import Deployment, check_of, materialized

ACCOUNTS = 50
LONGEST_RUN = timedelta(minutes=3)
Fault = dict[str, Any]
Spoil = Callable[[Deployment, AccountDocument], list[Fault]]


def faults(*kinds: Fault) -> Spoil:
    """Return a function that adds faults of the simulator to an account."""

    def spoil(deployment: Deployment, account: AccountDocument) -> list[Fault]:
        return [{"account": account["platformAccountId"], **kind} for kind in kinds]

    return spoil


def patch(at: str, value: object) -> Spoil:
    return faults({"kind": "patch", "at": at, "value": value})


def stored(credentials: object) -> Spoil:
    """Return a function that stores other credentials of an account, bypassing the collection's validator."""

    def spoil(deployment: Deployment, account: AccountDocument) -> list[Fault]:
        accounts = deployment.clients.store.db["accounts"]
        changed = {"$set": {"credentials": credentials}}
        accounts.update_one({"_id": account["_id"]}, changed, bypass_document_validation=True)
        return []

    return spoil


KINDS: dict[str, tuple[Spoil, str]] = {
    "a number beyond 64 bits": (patch("followers_count", 2**70), "no_impossible_values"),
    "a number that is text": (patch("followers_count", "1,234"), "no_impossible_values"),
    "an absurd Retry-After": (
        faults({"kind": "account_limit", "seconds": 60}, {"kind": "retry_after", "value": "9" * 400}), "completeness"
    ),
    "a page of HTML": (faults({"kind": "html"}), "completeness"),
    "half a body": (faults({"kind": "cut"}), "completeness"),
    "a list instead of an object": (faults({"kind": "foreign_body", "value": [None]}), "completeness"),
    "a dead token": (faults({"kind": "expired_token"}), "completeness"),
    "an odd post": (patch("data.0", 3), "read_in_whole"),
    "credentials that cannot be opened": (stored("damaged"), "completeness"),
    "a document of another form": (stored(7), "completeness"),
}  # fmt: skip


def test_each_bad_account_is_named_and_hurts_no_other(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "Http", partial(Http, timeout=(2.0, 2.0)))
    accounts = [deployment.connect(index) for index in range(ACCOUNTS)]
    bad = dict(zip(KINDS, accounts[::4], strict=False))
    faults = [one for kind, account in bad.items() for one in KINDS[kind][0](deployment, account)]
    deployment.simulator.set_faults(*faults)
    hour = deployment.hour
    result = deployment.materialize(raw_asset("instagram"), [slot_key(hour)])
    assert result.success
    for check in ("completeness", "read_in_whole", "no_impossible_values"):
        found = check_of(result, check)
        named = {account["_id"] for kind, account in bad.items() if KINDS[kind][1] == check}
        assert not found.passed
        assert set(str(found.metadata["accounts"].value).split(", ")) == named
    (metadata,) = materialized(result).values()
    assert (metadata["accounts_expected"], metadata["accounts_failed"]) == (ACCOUNTS, 7)
    rows = deployment.clients.store.db["metrics"].find(
        {"timestamp": hour, "metadata.metricType": "account", "metrics.followers": {"$exists": True}}
    )
    followers = {row["metadata"]["accountId"]: (row["metrics"]["followers"], row["collectedAt"]) for row in rows}
    world = deployment.simulator.world
    for index, account in enumerate(accounts):
        if account in bad.values():
            continue
        value, at = followers[account["_id"]]
        known = world.account("instagram", index)
        early, late = (truth.account_value(world, known, "followers_count", t) for t in (at - LONGEST_RUN, at))
        assert min(early, late) <= value <= max(early, late)
