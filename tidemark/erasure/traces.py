"""Erases traces outside of MongoDB and Redis: in exports, warehouses, logs and Dagster's storage."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from redis import Redis

from metrics.errors import TidemarkError
from metrics.export.folders import Folders
from metrics.export.forget import forget_account, forget_workspace
from metrics.settings import Settings
from metrics.store import Store
from metrics.store.erasures import ErasureIds
from metrics.warehouse.forget import forget
from tidemark.erasure.dagster import erase_in_postgres, erase_in_sqlite
from tidemark.erasure.files import erase_in_files
from tidemark.erasure.words import Words
from tidemark.home import Home

_STORAGES = {"storage", "run_storage", "event_log_storage", "schedule_storage"}
"""Sections of dagster.yaml that name another storage than SQLite below DAGSTER_HOME."""
_AGAIN = "`tidemark erase --resume`"

_WAIT_FOR_EXPORT_SECONDS = 600.0
"""Maximum time to wait for a running export, which locks its folders for one exported day at a time."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Counts of what was cleaned: export files, rows of warehouses, log files, rows of Dagster's storage.

    None means that there are none here.
    """

    exports: int | None
    warehouses: int
    logs: int
    dagster: int | None


def erase_traces(
    settings: Settings,
    store: Store,
    redis: Redis,
    named: ErasureIds,
    *,
    whole_workspace: bool,
    reached: Callable[[str], None] = lambda _stage: None,
) -> Traces:
    """Erase from exports, logs and Dagster's storage, as far as this machine has access to them.

    Raises:
        SettingsError: TIDEMARK_EXPORT_URL cannot be opened.
        ExportBusy: an export wrote a single day for longer than ten minutes.
        RedisUnavailable: Redis does not answer.
        TidemarkError: a file or Dagster's storage cannot be cleaned.
    """
    words = Words(named.account_ids, named.post_ids)
    home = Home(settings.home.resolve())
    dagster = Path(os.environ.get("DAGSTER_HOME") or home.dagster)
    exports = forget_exports(settings, redis, named, whole_workspace=whole_workspace)
    reached("exports")
    warehouses = forget_in_warehouses(settings, store, redis, named, whole_workspace=whole_workspace)
    reached("warehouses")
    logs = sum(erase_in_files(folder, words) for folder in {home.logs, dagster, *_log_folders(dagster)})
    reached("logs")
    rows = _dagster(dagster, words)
    reached("dagster")
    return Traces(exports, warehouses, logs, rows)


def forget_exports(settings: Settings, redis: Redis, named: ErasureIds, *, whole_workspace: bool) -> int | None:
    """Delete accounts or a workspace from the exports; return how many files changed, None if there are no exports.

    Raises:
        SettingsError: TIDEMARK_EXPORT_URL cannot be opened.
        ExportBusy: an export wrote a single day for longer than ten minutes.
        RedisUnavailable: Redis does not answer.
        TidemarkError: a file cannot be changed.
    """
    folders = Folders.open(settings)
    if folders is None or named.workspace_id is None:
        return None
    try:
        with folders.alone(redis, _WAIT_FOR_EXPORT_SECONDS):
            if whole_workspace:
                return forget_workspace(folders, named.workspace_id)
            return sum(forget_account(folders, named.workspace_id, account_id) for account_id in named.account_ids)
    except OSError as error:
        raise TidemarkError(
            f"the export at {error.filename or 'TIDEMARK_EXPORT_URL'} cannot be erased "
            f"({error.strerror or type(error).__name__}): run the command again as a user who may write there"
        ) from None


def forget_in_warehouses(
    settings: Settings, store: Store, redis: Redis, named: ErasureIds, *, whole_workspace: bool
) -> int:
    """Delete accounts or a workspace from all warehouses; return how many rows were deleted.

    Raises:
        TidemarkError: a warehouse cannot be reached or refuses, or a load does not end; the message names it.
    """
    if named.workspace_id is None:
        return 0
    chosen = None if whole_workspace else named.account_ids
    return sum(forget(store, settings, redis, named.workspace_id, chosen, _WAIT_FOR_EXPORT_SECONDS).values())


def _dagster(home: Path, words: Words) -> int | None:
    if not (home / "dagster.yaml").exists():
        return None
    rows = erase_in_sqlite(home, words)
    if _STORAGES & _config(home).keys():
        rows += erase_in_postgres(_postgres_url(home), words)
    return rows


def _postgres_url(home: Path) -> str:
    """Return the URL of the Postgres that dagster.yaml names.

    Raises:
        TidemarkError: dagster.yaml, or a variable or file that it names, is wrong; or Postgres does not answer.
    """
    # Dagster (slow to import) is needed to resolve the variables and files in its configuration.
    from dagster import DagsterInstance
    from dagster._core.errors import DagsterInvalidConfigError

    try:
        with DagsterInstance.from_config(str(home)) as instance:
            url = getattr(instance.run_storage, "postgres_url", None)
    except DagsterInvalidConfigError as error:
        reasons = "; ".join(each.message for each in error.errors)
        raise TidemarkError(f"{home / 'dagster.yaml'} cannot be used: {reasons}; then run {_AGAIN}") from None
    except TidemarkError:
        raise
    except Exception as error:  # noqa: BLE001  the storage may raise anything
        raise TidemarkError(
            f"Dagster's storage cannot be opened ({type(error).__name__}): run {_AGAIN} when it is back"
        ) from None
    if url is None:
        raise TidemarkError(f"{home / 'dagster.yaml'} names a storage that is neither SQLite nor Postgres")
    return str(url)


def _config(home: Path) -> dict[str, Any]:
    path = home / "dagster.yaml"
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def _log_folders(home: Path) -> list[Path]:
    """Return the folders outside of DAGSTER_HOME into which dagster.yaml puts the output of runs, if any."""
    parts = (_config(home).get(name, {}).get("config", {}) for name in ("compute_logs", "local_artifact_storage"))
    return [Path(part["base_dir"]) for part in parts if isinstance(part.get("base_dir"), str)]
