"""Erasure leaves no trace of an account or workspace, and does not change others."""

from datetime import UTC, datetime

import pytest
from redis import Redis

from metrics.documents import Observation
from metrics.errors import NotFound, RedisUnavailable
from metrics.ids import post_id
from metrics.redis.events import Announcer, observation_event
from metrics.redis.keys import account_pause_key, cache_key, events_key
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.erasures import Erasure, ErasureIds
from metrics.upkeep.erase import begin, left_of, resume, stages, take_back_accounts
from metrics.vault import Vault
from tests.erasing import erased

SLOT = datetime(2026, 3, 1, 10, tzinfo=UTC)


def fill(store: Store, redis: Redis, settings: Settings, workspace: str, account: str) -> None:
    """Store data of an account everywhere; each value contains the account's id."""
    sealed = Vault(settings.secret_keys).seal({"access_token": account}, account)
    store.accounts.put(
        [{"_id": account, "workspaceId": workspace, "platform": "instagram", "platformAccountId": account,
          "handle": account, "state": "active", "connectedAt": SLOT, "credentials": sealed}]
    )  # fmt: skip
    store.posts.put(
        [{"_id": post_id(account, "1"), "workspaceId": workspace, "accountId": account, "platform": "instagram",
          "platformPostId": f"{account}_1", "metricType": "post", "contentType": "image", "publishedAt": SLOT}]
    )  # fmt: skip
    row = Observation(
        workspace_id=workspace, account_id=account, platform="instagram", metric_type="account", slot=SLOT,
        collected_at=SLOT, metrics={"followers": 7}, unavailable={}, run_id="r", api_version="v25.0",
    )  # fmt: skip
    store.observations.append([row])
    for name in ("subject_rollups", "aggregated_metrics"):
        one = {"_id": f"{name}:{account}", "workspaceId": workspace, "accountId": account, "periodStart": SLOT}
        store.db[name].insert_one({**one, "period": "daily"})
    Announcer(redis).announce(workspace, [observation_event(row)])
    redis.set(cache_key(workspace, "metrics", "digest", "v"), account)
    redis.set(account_pause_key("instagram", account), 1)
    store.db["reading_memory"].insert_one({"_id": account, "workspaceId": workspace, "accountId": account})


def traces(store: Store, redis: Redis, marked: str) -> list[str]:
    """Return the documents and keys, in the database and in Redis, that contain a text."""
    found = [
        f"{name}: {document}"
        for name in store.db.list_collection_names()
        if not name.startswith("system.views")
        for document in store.db[name].find()
        if marked in str(document)
    ]
    for name in redis.scan_iter():
        kind = redis.type(name)
        value = redis.xrange(name) if kind == b"stream" else redis.get(name) if kind == b"string" else b""
        if marked.encode() in name or marked in str(value):
            found.append(name.decode())
    return found


def test_erased_account_leaves_nothing_and_its_neighbour_everything(
    store: Store, redis_client: Redis, settings: Settings
) -> None:
    fill(store, redis_client, settings, "w", "mine-7391")
    fill(store, redis_client, settings, "w", "other-5512")
    both = ["mine-7391", "other-5512"]
    for name in ("campaigns", "alerts"):
        store.db[name].insert_one(
            {"_id": "w|c", "workspaceId": "w", "name": "c", "title": "C", "startDate": "2026-03-01", "metric": "reach",
             "endDate": "2026-03-02", "period": "daily", "channels": [], "accountIds": both,
             "postIds": [post_id(one, "1") for one in both]}
        )  # fmt: skip
    before = redis_client.xlen(events_key("w"))
    gone = erased(store, redis_client, "account", "mine-7391")
    (campaign,) = store.campaigns.all("w")
    assert (campaign["accountIds"], campaign["postIds"]) == (["other-5512"], [post_id("other-5512", "1")])
    assert gone["metrics"] == gone["accounts"] == gone["posts"] == 1
    assert traces(store, redis_client, "mine-7391") == []
    assert left_of(store, "account", "mine-7391") == {}
    assert left_of(store, "account", "other-5512") == {
        "accounts": 1, "posts": 1, "reading_memory": 1, "subject_rollups": 1, "aggregated_metrics": 1, "metrics": 1,
    }  # fmt: skip
    assert redis_client.xlen(events_key("w")) == before - 1


def test_erased_workspace_leaves_nothing_and_keys_for_others(
    store: Store, redis_client: Redis, settings: Settings
) -> None:
    fill(store, redis_client, settings, "gone-881", "a1")
    fill(store, redis_client, settings, "kept", "a2")
    store.keys.create("own", ["gone-881"], ["read"])
    store.keys.create("shared", ["gone-881", "kept"], ["read"])
    gone = erased(store, redis_client, "workspace", "gone-881")
    assert gone["api_keys"] == 1
    assert traces(store, redis_client, "gone-881") == []
    assert left_of(store, "workspace", "kept")["metrics"] == 1
    assert [key.name for key in store.keys.find_all()] == ["shared"]


def test_unknown_is_refused(store: Store, redis_client: Redis) -> None:
    with pytest.raises(NotFound, match="no account"):
        erased(store, redis_client, "account", "nobody")
    with pytest.raises(NotFound, match="no workspace"):
        erased(store, redis_client, "workspace", "nobody")


def test_erasing_again_finishes_an_interrupted_erasure(store: Store, redis_client: Redis, settings: Settings) -> None:
    fill(store, redis_client, settings, "w", "half-1")
    # As if an earlier version had been interrupted: the pause and the account are deleted, the rest is not.
    redis_client.delete(account_pause_key("instagram", "half-1"))
    store.db["accounts"].delete_one({"_id": "half-1"})
    assert erased(store, redis_client, "account", "half-1")["metrics"] == 1
    assert traces(store, redis_client, "half-1") == []


def test_pause_of_an_account_that_another_workspace_has_stays(
    store: Store, redis_client: Redis, settings: Settings
) -> None:
    fill(store, redis_client, settings, "w1", "acc1")
    fill(store, redis_client, settings, "w2", "acc2")
    store.db["accounts"].update_one({"_id": "acc2"}, {"$set": {"platformAccountId": "acc1"}})
    erased(store, redis_client, "account", "acc1")
    assert redis_client.exists(account_pause_key("instagram", "acc1"))
    erased(store, redis_client, "account", "acc2")
    assert not redis_client.exists(account_pause_key("instagram", "acc1"))


def test_erasure_resumes_after_a_store_failed(
    store: Store, redis_client: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, redis_client, settings, "w", "mine-7391")

    def away(*_: object) -> None:
        raise RedisUnavailable("Redis does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(stages, "forget_account", away)
        with pytest.raises(RedisUnavailable):
            erased(store, redis_client, "account", "mine-7391")
    assert [str(one) for one in store.erasures.unfinished()] == ["account mine-7391"]
    assert traces(store, redis_client, "mine-7391")
    assert erased(store, redis_client, "account", "mine-7391")["metrics"] == 1
    assert traces(store, redis_client, "mine-7391") == []


def test_account_is_marked_before_anything_is_deleted(store: Store, redis_client: Redis, settings: Settings) -> None:
    fill(store, redis_client, settings, "w", "mine-7391")
    seen: dict[str, tuple[bool, bool, int]] = {}

    def look(stage: str) -> None:
        document = store.db["accounts"].find_one({"_id": "mine-7391"})
        collected = bool(document and document["state"] == "active")
        seen[stage] = store.accounts.exists("mine-7391"), collected, store.db["metrics"].count_documents({})

    resume(store, redis_client, begin(store, "account", "mine-7391", "test"), reached=look)
    assert seen["written down"] == (True, True, 1)
    assert seen["marked"] == (False, False, 1)
    assert seen["metrics"] == (False, False, 0)


def test_erasure_that_cannot_reach_everything_stays_unfinished(
    store: Store, redis_client: Redis, settings: Settings
) -> None:
    fill(store, redis_client, settings, "w", "mine-7391")
    erasure = begin(store, "account", "mine-7391", "test")
    assert not resume(store, redis_client, erasure, lambda _erasure, _named: False).finished
    found: list[ErasureIds] = []

    def elsewhere(_: Erasure, named: ErasureIds) -> bool:
        found.append(named)
        return True

    assert resume(store, redis_client, store.erasures.unfinished()[0], elsewhere).finished
    assert (found[0].workspace_id, found[0].post_ids) == ("w", (post_id("mine-7391", "1"),))
    assert traces(store, redis_client, "mine-7391") == []


def test_late_writes_of_an_erased_account_are_taken_back(store: Store, redis_client: Redis, settings: Settings) -> None:
    fill(store, redis_client, settings, "w", "mine-7391")
    fill(store, redis_client, settings, "w", "other-5512")
    account = store.accounts.get("mine-7391")
    erased(store, redis_client, "account", "mine-7391")
    fill(store, redis_client, settings, "w", "mine-7391")
    store.db["accounts"].delete_one({"_id": "mine-7391"})
    redis_client.delete(account_pause_key("instagram", "mine-7391"))
    assert take_back_accounts(store, redis_client, [account]) == {"mine-7391"}
    assert traces(store, redis_client, "mine-7391") == []
    assert not take_back_accounts(store, redis_client, [store.accounts.get("other-5512")])
    assert left_of(store, "account", "other-5512")["metrics"] == 1
