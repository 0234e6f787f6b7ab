"""API keys: the secret is shown once, its hash is stored, and revocation or expiry ends the key."""

from datetime import timedelta

import pytest

from metrics.clock import utcnow
from metrics.errors import NotFound
from metrics.key_format import PREFIX, has_valid_checksum
from metrics.store import Store


def test_key_is_found_and_never_stored(store: Store) -> None:
    key, created = store.keys.create("dashboard", ["w"], ["read"])
    assert store.keys.look_up(key) == created
    assert key not in str(list(store.db["api_keys"].find()))
    assert store.keys.look_up(key + "x") is None


def test_key_is_for_its_workspaces(store: Store) -> None:
    _, one = store.keys.create("one", ["w"], ["read"])
    _, everything = store.keys.create("all", ["*"], ["read"])
    assert (one.allows("w"), one.allows("v"), everything.allows("v")) == (True, False, True)


def test_revoked_and_expired_keys_are_not_valid(store: Store) -> None:
    now = utcnow()
    key, created = store.keys.create("k", ["w"], ["read"], expires_at=now + timedelta(hours=1))
    assert created.valid(now)
    assert not created.valid(now + timedelta(hours=1))
    store.keys.revoke(created.prefix)
    found = store.keys.look_up(key)
    assert found is not None
    assert not found.valid(now)


def test_several_keys_are_looked_at_and_touched_together(store: Store) -> None:
    now = utcnow()
    one, other = (store.keys.create(name, ["w"], ["read"])[1].key_id for name in ("one", "other"))
    store.keys.touch([one, other], now)
    found = store.keys.of_ids([one, other, "nobody's"])
    assert {key_id: key.last_used_at for key_id, key in found.items()} == dict.fromkeys((one, other), now)


def test_revoking_an_unknown_prefix_is_refused(store: Store) -> None:
    with pytest.raises(NotFound, match="tm_live_nobody"):
        store.keys.revoke("tm_live_nobody")


def test_mistyped_key_is_recognised_without_a_query(store: Store) -> None:
    key, _ = store.keys.create("k", ["w"], ["read"])
    assert has_valid_checksum(key)
    assert has_valid_checksum(PREFIX + "x" * 40)
    for place in range(len(PREFIX), len(key)):
        changed = "a" if key[place] != "a" else "b"
        assert not has_valid_checksum(key[:place] + changed + key[place + 1 :])
    for wrong in (key[:-1], key + "x", key.lower() + "é", "", PREFIX, key.removeprefix(PREFIX), f"{key}\n"):
        assert not has_valid_checksum(wrong)
