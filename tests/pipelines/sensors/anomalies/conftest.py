"""Clients of a workspace with one account and a public address."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from pydantic import HttpUrl, SecretStr
from redis import Redis

from metrics.documents import AccountDocument
from metrics.redis.events import Announcer
from metrics.settings import Settings
from metrics.store import Store
from pipelines.resources import Clients
from tests.pipelines.sensors.anomalies.told import START


@pytest.fixture
def clients(store: Store, redis_client: Redis, settings: Settings) -> Clients:
    keyed = settings.model_copy(
        update={
            "secret_keys": (SecretStr(Fernet.generate_key().decode()),),
            "connect_url": HttpUrl("https://tidemark.example.com/"),
        }
    )
    store.accounts.put([AccountDocument(
        _id="a1", workspaceId="w", platform="instagram", platformAccountId="1", handle="north.coffee", state="active",
        connectedAt=START - timedelta(days=60),
    )])  # fmt: skip
    return Clients(keyed, store, redis_client, Announcer(redis_client))
