"""A child process of the stack: starts it, waits until it is ready, and stops it."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from metrics.errors import TidemarkError
from tidemark.stack.logs import last_line, old_file

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.05
_SHOWN = 300


class StartFailed(TidemarkError):
    """A child process ended, or was not ready in time; the message shows the last line of its log."""


@dataclass(frozen=True)
class Child:
    """A running child process, with its output in a log file of its own."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(
        cls, name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
    ) -> "Child":
        """Start `command` in its own process group, so that Ctrl-C reaches only us and children stop in order.

        Raises:
            StartFailed: the system cannot run the program, for example because it is made for another processor.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            try:
                process = subprocess.Popen(  # noqa: S603
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,
                    preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
                )
            except OSError as error:
                raise StartFailed(f"{name}: {command[0]} cannot be run: {error.strerror}") from None
        return cls(name, process, log)

    @property
    def alive(self) -> bool:
        """True if the process is still running."""
        return self.process.poll() is None

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready()` is true.

        Raises:
            StartFailed: the child ended, or was not ready after `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive:
                raise StartFailed(f"{self.name} ended with code {self.process.returncode}: {self.last_words()}")
            if time.monotonic() > deadline:
                raise StartFailed(f"{self.name} was not ready after {seconds:.0f} s: {self.last_words()}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_POLL_SECONDS)

    def last_words(self) -> str:
        """Return the last line of the log, and where the log is."""
        line = (last_line(self.log) or last_line(old_file(self.log, 1)))[:_SHOWN]
        return (f"{line} " if line else "") + f"(see {self.log})"

    def ask_to_stop(self) -> None:
        """Send SIGTERM and do not wait."""
        if self.alive:
            self._signal(signal.SIGTERM)

    def stop(self, seconds: float = 10.0) -> None:
        """Send SIGTERM, wait up to `seconds`, then kill the child and all processes in its group."""
        if self.alive:
            self.ask_to_stop()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        # This also ends processes that the child started and left behind.
        self._signal(signal.SIGKILL, group=True)
        self.process.wait()

    def _signal(self, number: signal.Signals, *, group: bool = False) -> None:
        with contextlib.suppress(ProcessLookupError):
            if group:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)


def _die_with_parent() -> None:
    """Make the kernel end the child when we are killed, so that it does not hold a port or lock of the next start."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
