"""Fixtures: a PostgreSQL for the session of a worker, and each kind of destination."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.metrics.warehouse.destinations import Open, open_duckdb, open_postgres
from tests.postgres import postgres


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("warehouse")
    folder.chmod(0o755)
    with postgres(folder / "data", "secret-of-the-test") as server:
        yield f"postgresql://dagster:{server.password}@127.0.0.1:{server.port}/dagster"


@pytest.fixture(params=["duckdb", "postgres"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    if request.param == "duckdb":
        return open_duckdb(tmp_path)
    return open_postgres(request.getfixturevalue("postgres_url"))
