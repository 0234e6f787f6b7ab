"""Dagster's storage in Postgres, with the password read from a file, for `storage: custom:` of `dagster.yaml`.

Dagster itself takes the password from `dagster.yaml` or from an environment variable. A container has it as a file, and
processes that `docker compose exec` or a health check starts do not pass through the entry point, which could set a
variable. With this class every process that reads `dagster.yaml` has the password.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster import Field, IntSource, StringSource
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import get_conn_string

from metrics.secret_files import read_secret


class PostgresStorage(DagsterPostgresStorage):
    """Dagster's storage in Postgres.

    Configuration: `hostname`, `port`, `db_name`, `username`, and `password_file`, the path of a file with the password.
    """

    @classmethod
    def config_type(cls) -> dict[str, Field]:
        """Return the schema of the configuration; each value may be `{env: VARIABLE}`."""
        return {
            "hostname": Field(StringSource),
            "port": Field(IntSource, is_required=False, default_value=5432),
            "db_name": Field(StringSource),
            "username": Field(StringSource),
            "password_file": Field(StringSource),
        }

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PostgresStorage":
        """Return the storage; Dagster calls this for each process that opens it.

        Raises:
            SettingsError: the file is missing, empty, or cannot be read; the message names it.
        """
        place = dict(config_value)
        path = Path(place.pop("password_file"))
        url = get_conn_string(password=read_secret(path), scheme="postgresql+psycopg2", **place)
        return cls(url, inst_data=inst_data)
