"""Erase from Parquet folders: delete the files of a workspace, or rewrite those that contain an account.

The caller holds the lease (`Folders.alone`). So no export is under way that could write erased rows again, and the
files in `_tmp` were left by killed exports.
"""

from collections.abc import Iterator

from metrics.export.columns import DATASETS
from metrics.export.folders import FileEntry, Folders


def forget_workspace(folders: Folders, workspace_id: str) -> int:
    """Erase a workspace; return how many files were deleted."""
    gone = 0
    for day in folders.days():
        files = folders.manifest(day)
        kept = [entry for entry in files if entry["workspaceId"] != workspace_id]
        if len(kept) < len(files):
            folders.commit(day, kept)
            gone += len(files) - len(kept)
    # Whole folders, not only files of manifests: a killed export may have left others.
    for folder in _folders_of(folders, workspace_id):
        folders.remove(folder)
    folders.remove(folders.path("_tmp"))
    return gone


def forget_account(folders: Folders, workspace_id: str, account_id: str) -> int:
    """Erase an account; return how many files were rewritten without it, or removed."""
    changed = 0
    for day in folders.days():
        files = folders.manifest(day)
        kept: list[FileEntry] = []
        for entry in files:
            if entry["workspaceId"] != workspace_id:
                kept.append(entry)
                continue
            without = _without(folders, entry, account_id)
            changed += without != entry
            kept += [without] if without else []
        if kept != files:
            folders.commit(day, kept)
    folders.remove(folders.path("_tmp"))
    return changed


def _without(folders: Folders, entry: FileEntry, account_id: str) -> FileEntry | None:
    """Rewrite a file without an account; return its entry, or None if no rows are left."""
    import pyarrow as pa  # Takes 50 MB, and few processes need it.
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from metrics.export.parquet import ROW_GROUP

    path = folders.path(entry["path"])
    with folders.fs.open(path, "rb") as file:
        table = pq.read_table(file, partitioning=None).filter(pc.field("accountId") != account_id)
    if table.num_rows == entry["rows"]:
        return entry
    if table.num_rows == 0:
        folders.remove(path.rsplit("/", 1)[0])
        return None
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, ROW_GROUP, compression="zstd")
    size, digest = folders.put(entry["path"], [sink.getvalue().to_pybytes()])
    return {**entry, "rows": table.num_rows, "bytes": size, "sha256": digest}


def _folders_of(folders: Folders, workspace_id: str) -> Iterator[str]:
    for dataset in DATASETS:
        yield folders.path(f"dataset={dataset}/workspaceId={workspace_id}")
