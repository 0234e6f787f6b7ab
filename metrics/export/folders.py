"""Export into Parquet folders: a file per dataset, workspace and day, and a manifest per day that is written last.

    dataset=metrics/workspaceId=W/date=2026-01-15/data.parquet
    dataset=aggregated/workspaceId=W/date=2026-01-15/data.parquet
    _manifests/2026-01-15.json
    _tmp/                                          unfinished files, also those of killed runs

A file is written under a temporary name and then replaces the previous one, so that a reader finds either of the two,
always complete. A reader that needs files of the same export compares their hashes with the manifest.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, TypedDict
from uuid import uuid4

import fsspec
from fsspec import AbstractFileSystem
from redis import Redis

from metrics.catalog import DEFINITION_VERSION
from metrics.clock import isoformat, utcnow
from metrics.documents import Document
from metrics.errors import SettingsError
from metrics.export.columns import DATASETS, SCHEMA_VERSION, Dataset
from metrics.export.encoders import encode
from metrics.export.lease import Lease, leased
from metrics.export.source import hours_of, read
from metrics.network import Network
from metrics.settings import Settings
from metrics.store import Store

DATA = "data.parquet"


class FileEntry(TypedDict):
    """A file in a manifest; `path` is relative to the folder, `dataVersion` is the workspace's before it was read."""

    path: str
    dataset: Dataset
    workspaceId: str
    rows: int
    bytes: int
    sha256: str
    dataVersion: str | None
    runId: str


@dataclass(frozen=True, slots=True)
class Written:
    """The result of writing a day. `kept` files stay because MongoDB no longer holds the whole day."""

    day: datetime
    files: list[FileEntry]
    kept: list[FileEntry]
    removed: int

    def rows(self, dataset: Dataset) -> int:
        """Return the number of rows that were written of a dataset."""
        return sum(entry["rows"] for entry in self.files if entry["dataset"] == dataset)


class Folders:
    """The folder of the exports."""

    def __init__(self, fs: AbstractFileSystem, root: str) -> None:
        self.fs = fs
        self.root = root.rstrip("/")
        self._lease: Lease | None = None

    @classmethod
    def open(cls, settings: Settings) -> "Folders | None":
        """Return the folder of TIDEMARK_EXPORT_URL, or None if it is unset. Nothing is written yet.

        Raises:
            SettingsError: the storage is unknown, its driver is not installed, or its options are wrong.
        """
        if settings.export_url is None:
            return None
        scheme = settings.export_url.split("://", 1)[0]
        # Drivers of object storage have their own HTTP clients.
        Network.of(settings).export()
        options: dict[str, Any] = {}
        if scheme in ("gs", "gcs"):
            # aiohttp uses the proxy of the environment variables only with this option; s3fs sets it by itself.
            options["session_kwargs"] = {"trust_env": True}
        if settings.export_options is not None:
            options |= json.loads(settings.export_options.get_secret_value())
        try:
            fs, root = fsspec.core.url_to_fs(settings.export_url, **options)
        except (ValueError, ImportError, TypeError):
            # The driver's own message may contain options, which hold secrets.
            raise SettingsError(
                f"TIDEMARK_EXPORT_URL: {scheme}:// cannot be opened: install the fsspec driver of this storage "
                "(s3fs, gcsfs, adlfs) and check TIDEMARK_EXPORT_OPTIONS"
            ) from None
        return cls(fs, str(root))

    @contextmanager
    def alone(self, redis: Redis, wait: float) -> Iterator[None]:
        """Hold the exclusive lease to write to these folders; wait for it up to `wait` seconds.

        Raises:
            ExportBusy: another process held the lease all the time, or took it over meanwhile.
            RedisUnavailable: Redis does not answer.
        """
        with leased(redis, self.root, wait) as lease:
            self._lease = lease
            try:
                yield
            finally:
                self._lease = None

    def path(self, relative: str) -> str:
        """Return the path of a file in the storage."""
        return f"{self.root}/{relative}"

    def manifest(self, day: str) -> list[FileEntry]:
        """Return the files of a day; empty if it was not exported."""
        self.fs.invalidate_cache()
        try:
            found: list[FileEntry] = json.loads(self.fs.cat_file(self.path(f"_manifests/{day}.json")))["files"]
        except FileNotFoundError:
            return []
        return found

    def days(self) -> list[str]:
        """Return the days that have a manifest."""
        self.fs.invalidate_cache()
        try:
            names = self.fs.ls(self.path("_manifests"), detail=False)
        except FileNotFoundError:
            return []
        return sorted(name.rsplit("/", 1)[-1].removesuffix(".json") for name in names if name.endswith(".json"))

    def commit(self, day: str, files: Iterable[FileEntry]) -> None:
        """Replace the manifest of a day."""
        body = {
            "schemaVersion": SCHEMA_VERSION,
            "definitionVersion": DEFINITION_VERSION,
            "date": day,
            "writtenAt": isoformat(utcnow()),
            "files": sorted(files, key=lambda entry: entry["path"]),
        }
        self.put(f"_manifests/{day}.json", [json.dumps(body, indent=1).encode()])

    def put(self, relative: str, pieces: Iterable[bytes]) -> tuple[int, str]:
        """Write a file under a temporary name, move it to its place, and return its size and SHA-256.

        Raises:
            ExportBusy: another process took the lease over; the previous file stays.
        """
        temporary, digest, size = self.path(f"_tmp/{uuid4().hex}"), hashlib.sha256(), 0
        self.fs.makedirs(self.path("_tmp"), exist_ok=True)
        try:
            with self.fs.open(temporary, "wb") as file:
                for piece in pieces:
                    if self._lease is not None:
                        self._lease.extend()
                    file.write(piece)
                    digest.update(piece)
                    size += len(piece)
            self.fs.makedirs(self.path(relative).rsplit("/", 1)[0], exist_ok=True)
            self.fs.mv(temporary, self.path(relative))
        except BaseException:
            self.remove(temporary)
            raise
        return size, digest.hexdigest()

    def remove(self, path: str) -> None:
        """Remove a file or a folder, if it exists."""
        try:
            self.fs.rm(path, recursive=True)
        except FileNotFoundError:
            return


def file_path(dataset: Dataset, workspace_id: str, day: str) -> str:
    """Return the relative path of the file of a dataset, workspace and day."""
    return f"dataset={dataset}/workspaceId={workspace_id}/date={day}/{DATA}"


def write_day(
    folders: Folders,
    store: Store,
    day: datetime,
    *,
    run_id: str,
    workspace_ids: Sequence[str] | None = None,
    held: Callable[[Dataset, str], bool] = lambda *_: True,
    version: Callable[[str], str | None] = lambda _: None,
    left_out: Collection[str] = (),
) -> Written:
    """Export a day of some workspaces, or of all, in place of its previous export.

    `held` tells whether MongoDB still holds the whole day of a dataset and workspace; if not, the previous file stays.
    `version` returns the `dataVersion` of a workspace. `left_out` are accounts that are not exported. When all
    workspaces are exported, files of workspaces that no longer exist are removed.

    Raises:
        MongoUnavailable: MongoDB does not answer; only some files of the day may be new. Export it again.
    """
    name = f"{day:%Y-%m-%d}"
    before = folders.manifest(name)
    chosen = store.accounts.workspaces() if workspace_ids is None else sorted(set(workspace_ids))
    others = [] if workspace_ids is None else [entry for entry in before if entry["workspaceId"] not in chosen]
    files: list[FileEntry] = []
    kept: list[FileEntry] = []
    empty: set[str] = set()
    for workspace_id in chosen:
        data_version = version(workspace_id)
        for dataset in DATASETS:
            if not held(dataset, workspace_id):
                kept += [e for e in before if (e["dataset"], e["workspaceId"]) == (dataset, workspace_id)]
            elif written := _write(folders, store, dataset, workspace_id, day, data_version, run_id, left_out):
                files.append(written)
            else:
                empty.add(file_path(dataset, workspace_id, name))
    current = [*others, *kept, *files]
    folders.commit(name, current)
    # A file without an entry in the manifest may be left of an export that was killed.
    stale = ({entry["path"] for entry in before} | empty) - {entry["path"] for entry in current}
    return Written(day, files, kept, _remove(folders, stale))


def _remove(folders: Folders, paths: Iterable[str]) -> int:
    """Remove those of the files that exist, with their folders; return how many."""
    removed = [path for path in sorted(paths) if folders.fs.exists(folders.path(path))]
    for path in removed:
        folders.remove(folders.path(path).rsplit("/", 1)[0])
    return len(removed)


def _write(
    folders: Folders,
    store: Store,
    dataset: Dataset,
    workspace_id: str,
    day: datetime,
    data_version: str | None,
    run_id: str,
    left_out: Collection[str],
) -> FileEntry | None:
    """Write one file and return its entry; without rows, write none and return None."""
    documents = read(store, dataset, workspace_id, *hours_of(store, dataset, workspace_id, day.date()))
    rows = (one for one in documents if _account_of(one) not in left_out) if left_out else documents
    first = next(rows, None)
    if first is None:
        documents.close()
        return None
    counted = _Counted(chain([first], rows))
    path = file_path(dataset, workspace_id, f"{day:%Y-%m-%d}")
    try:
        size, digest = folders.put(path, encode(dataset, "parquet", counted))
    finally:
        documents.close()
    return {
        "path": path,
        "dataset": dataset,
        "workspaceId": workspace_id,
        "rows": counted.count,
        "bytes": size,
        "sha256": digest,
        "dataVersion": data_version,
        "runId": run_id,
    }


def _account_of(document: Document) -> str:
    """Return the account of an observation or a rollup."""
    found: str = document.get("metadata", document)["accountId"]
    return found


class _Counted:
    """Iterates over documents and counts them."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._documents = documents
        self.count = 0

    def __iter__(self) -> Any:
        for document in self._documents:
            self.count += 1
            yield document
