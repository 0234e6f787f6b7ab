"""The lease on an export: an erasure waits until a day is written, and a writer that lost the lease stops."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from redis import Redis

from metrics.export.folders import Folders, write_day
from metrics.export.forget import forget_account
from metrics.export.lease import ExportBusy
from metrics.redis.keys import export_lease_key
from metrics.settings import Settings
from metrics.store import Store
from tests.metrics.export.conftest import DAY, rows
from tests.waiting import until


def test_account_erased_while_its_day_is_exported_does_not_stay(
    folders: Folders,
    filled: Store,
    redis_client: Redis,
    settings: Settings,
) -> None:
    reading, go_on = Event(), Event()
    lease = export_lease_key(folders.root)

    def version(_workspace: str) -> str:
        reading.set()
        assert go_on.wait(30)
        return "v"

    def export() -> None:
        with folders.alone(redis_client, 1):
            write_day(folders, filled, DAY, run_id="r1", version=version)

    def erase() -> int:
        other = Folders.open(settings.model_copy(update={"export_url": f"file://{folders.root}"}))
        assert other is not None
        with other.alone(redis_client, 30):
            return forget_account(other, "w1", "a-w1")

    with ThreadPoolExecutor(2) as pool:
        exporting = pool.submit(export)
        assert reading.wait(30)
        erasing = pool.submit(erase)
        # The export is about to read the account's rows, and the erasure waits.
        assert redis_client.exists(lease)
        go_on.set()
        exporting.result()
        assert erasing.result() == 1
    assert [workspace for workspace, *_ in rows(folders)] == ["w2"]
    until(lambda: not redis_client.exists(lease))


def test_writer_whose_lease_ran_out_stops_and_leaves_the_previous_file(
    folders: Folders,
    filled: Store,
    redis_client: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("metrics.export.lease._EXTEND_SECONDS", 0)
    write_day(folders, filled, DAY, run_id="r1")
    path = folders.manifest("2026-01-15")[0]["path"]
    before = Path(folders.path(path)).read_bytes()

    def pieces() -> Iterator[bytes]:
        yield b"half"
        redis_client.delete(export_lease_key(folders.root))
        yield b"half"

    with pytest.raises(ExportBusy, match="run this again"), folders.alone(redis_client, 1):
        folders.put(path, pieces())
    assert Path(folders.path(path)).read_bytes() == before


def test_a_folder_that_another_process_writes_to_is_refused_after_the_wait(
    folders: Folders,
    redis_client: Redis,
) -> None:
    other: Any = Folders(folders.fs, folders.root)
    busy = pytest.raises(ExportBusy, match="another process")
    with folders.alone(redis_client, 1), busy, other.alone(redis_client, 0.1):
        pass
    with other.alone(redis_client, 0.1):
        pass
