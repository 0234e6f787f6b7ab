"""The environment of processes that share the collection of an hour, and a check of its result."""

import os
from datetime import timedelta
from pathlib import Path

from metrics.documents import PLATFORMS
from metrics.periods import HOUR
from metrics.settings import PREFIX, Executor
from simulator import truth
from tests.pipelines.deployment import Deployment

ROOT = Path(__file__).parents[3]
MATERIALIZE = (
    "dagster", "asset", "materialize", "-m", "pipelines.definitions", "--select", "raw_instagram", "--partition",
)  # fmt: skip
"""The module and arguments that collect an hour; the hour is appended."""


def environment_of(deployment: Deployment, executor: Executor, home: Path) -> dict[str, str]:
    """Return the environment of every process, with Dagster's storage in the new folder `home`."""
    settings = deployment.clients.settings
    names = ("mongo_url", "mongo_db", "redis_url", "collect_shards", *(f"{platform}_url" for platform in PLATFORMS))
    home.mkdir()
    (home / "dagster.yaml").write_bytes((ROOT / "dagster.yaml").read_bytes())
    return {
        **os.environ,
        **{PREFIX + name.upper(): str(getattr(settings, name)) for name in names},
        "TIDEMARK_SECRET_KEYS": settings.secret_keys[0].get_secret_value(),
        "TIDEMARK_EXECUTOR": executor,
        "DAGSTER_HOME": str(home),
    }


def connect(deployment: Deployment, accounts: int) -> None:
    """Connect so many accounts, spread over three workspaces."""
    for index in range(accounts):
        deployment.connect(index, workspaceId=f"w{index % 3}")


def assert_true(deployment: Deployment, accounts: int) -> None:
    """Check that every account has one observation of the hour, with the true values of that instant."""
    hour, world, seen = deployment.hour, deployment.simulator.world, set()
    for workspace in ("w0", "w1", "w2"):
        scope = {"workspaceId": workspace, "metricType": "account"}
        for row in deployment.clients.store.observations.page(scope, hour, hour + HOUR, limit=100):
            account_id = row["metadata"]["accountId"]
            assert account_id not in seen
            seen.add(account_id)
            account = world.account("instagram", int(account_id[1:]))
            around = [row["collectedAt"] + timedelta(seconds=s) for s in range(-3, 4)]
            assert row["metrics"]["followers"] in {
                truth.account_value(world, account, "followers_count", instant) for instant in around
            }
    assert len(seen) == accounts
