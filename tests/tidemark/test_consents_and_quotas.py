"""The commands `tidemark consents` and `tidemark quotas`."""

import json
from pathlib import Path

import pytest
from redis import Redis

from metrics.clock import isoformat, utcnow
from metrics.documents import Observation
from metrics.periods import HOUR, next_midnight, slot_of
from metrics.redis.keys import version_key
from metrics.store import Store
from pipelines.platforms.quotas import SharedQuotas
from tests.tidemark.commands import Cli

CONNECT = ("accounts", "connect", "--workspace", "acme", "--platform", "instagram", "--account", "1", "--handle", "a",
           "--token", "t")  # fmt: skip


def test_consent_is_given_listed_and_withdrawn(cli: Cli, on_stores: Store, redis_client: Redis) -> None:
    assert cli(*CONNECT).code == 0
    assert json.loads(cli("consents", "list", "--json").out) == []
    assert cli("consents", "give", "acme", "--platform", "youtube").out == "acme: consent for youtube given\n"
    assert json.loads(cli("consents", "list", "--json").out) == [{"workspace": "acme", "platform": "youtube"}]
    assert on_stores.consents.lacking("acme") == frozenset()
    # Answers of before are no longer served.
    assert redis_client.hget(version_key("acme"), "cleared") == b"1"
    cli("consents", "withdraw", "acme", "--platform", "youtube")
    assert on_stores.consents.lacking("acme") == {"youtube"}


def test_consent_to_store_is_withdrawn_with_what_was_stored(
    cli: Cli, on_stores: Store, redis_client: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli(*CONNECT).code == 0
    pinterest = ["pinterest" if word == "instagram" else word for word in CONNECT]
    assert cli(*pinterest).code == 0
    (account,) = on_stores.accounts.find(platform="pinterest")
    (other,) = on_stores.accounts.find(platform="instagram")
    assert cli("consents", "give", "acme", "--platform", "pinterest").out == "acme: consent for pinterest given\n"
    assert on_stores.consents.may_store("acme", "pinterest")
    slot = slot_of(utcnow())
    of = {"workspace_id": "acme", "metric_type": "account", "slot": slot, "collected_at": slot, "run_id": "r",
          "api_version": "v5", "metrics": {"followers": 7}}  # fmt: skip
    on_stores.observations.append(
        [Observation(account_id=one["_id"], platform=one["platform"], **of) for one in (account, other)]  # type: ignore[arg-type]
    )
    monkeypatch.setenv("TIDEMARK_EXPORT_URL", (tmp_path / "export").as_uri())
    refused = cli("consents", "withdraw", "acme", "--platform", "pinterest")
    assert refused.code != 0, "nobody confirmed it"
    assert on_stores.consents.may_store("acme", "pinterest")
    assert cli("consents", "withdraw", "acme", "--platform", "pinterest", "--yes").code == 0
    assert not on_stores.consents.may_store("acme", "pinterest")
    rows = on_stores.observations.page({"workspaceId": "acme"}, slot, slot + HOUR, limit=10)
    assert [row["metadata"]["accountId"] for row in rows] == [other["_id"]]
    # After an interruption, the same command deletes the rest.
    assert cli("consents", "withdraw", "acme", "--platform", "pinterest", "--yes").code == 0


def test_quotas_are_listed_with_their_use_and_their_end(cli: Cli, on_stores: Store, redis_client: Redis) -> None:
    SharedQuotas(redis_client, "youtube", {"general": 10_000}).spend("general")
    found = {row["quota"]: row for row in json.loads(cli("quotas", "--json").out)}
    assert found["general"] == {
        "platform": "youtube", "quota": "general", "used": 1, "unitsPerDay": 10_000,
        "resetsAt": isoformat(next_midnight(utcnow(), "America/Los_Angeles")),
    }  # fmt: skip
    assert (found["stats"]["used"], found["search"]["unitsPerDay"]) == (0, 100)
    assert "general" in cli("quotas").out
