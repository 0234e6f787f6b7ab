"""The commands `tidemark consents` and `tidemark quotas`."""

import json

from redis import Redis

from metrics.clock import isoformat, utcnow
from metrics.periods import next_midnight
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


def test_quotas_are_listed_with_their_use_and_their_end(cli: Cli, on_stores: Store, redis_client: Redis) -> None:
    SharedQuotas(redis_client, "youtube", {"general": 10_000}).spend("general")
    found = {row["quota"]: row for row in json.loads(cli("quotas", "--json").out)}
    assert found["general"] == {
        "platform": "youtube", "quota": "general", "used": 1, "unitsPerDay": 10_000,
        "resetsAt": isoformat(next_midnight(utcnow(), "America/Los_Angeles")),
    }  # fmt: skip
    assert (found["stats"]["used"], found["search"]["unitsPerDay"]) == (0, 100)
    assert "general" in cli("quotas").out
