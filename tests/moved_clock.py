"""A clock of a whole stack that a test puts forward while the stack runs (`tests/moving_clock/sitecustomize.py`)."""

import mmap
import os
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

_SECONDS = struct.Struct("d")


class MovedClock:
    """The clock of a stack that was started with `--clock` and with this clock's `environment`."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(_SECONDS.pack(0.0))
        with path.open("r+b") as file:
            self._moved = mmap.mmap(file.fileno(), _SECONDS.size)
        folders = [str(Path(__file__).with_name("moving_clock")), os.environ.get("PYTHONPATH", "")]
        self.environment = {
            "TEST_MOVED_CLOCK": str(path),
            "PYTHONPATH": os.pathsep.join(folder for folder in folders if folder),
        }
        self.at_start = timedelta()
        """How far the stack was ahead of the machine's clock when it started: `clock` in its `up.json`."""

    def now(self) -> datetime:
        """Return the present instant of the stack."""
        (moved,) = _SECONDS.unpack(self._moved)
        return datetime.now(UTC) + self.at_start + timedelta(seconds=moved)

    def put_forward(self, instant: datetime) -> None:
        """Put the clock forward to an instant, from which it keeps running; an instant that has passed is ignored."""
        ahead = (instant - self.now()).total_seconds()
        if ahead > 0:
            self._moved[:] = _SECONDS.pack(_SECONDS.unpack(self._moved)[0] + ahead)
