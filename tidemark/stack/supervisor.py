"""Supervisor of child processes: restarts a child that died, and gives up the whole stack if one keeps dying."""

import contextlib
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

import psutil

from metrics.errors import TidemarkError
from tidemark.home import Home
from tidemark.stack.process import Child

WATCH_SECONDS = 0.5
FIRST_WAIT_SECONDS = 0.4
"""How long a child that died for the second time within a minute is left alone; every wait after it is longer."""
MAX_DEATHS = 5
DEATHS_WITHIN = 60.0
_PIDS = "pids.json"

Say = Callable[[str], None]


@dataclass
class Service:
    """A child process that is kept alive. `start` starts it, `ready` tells whether it is ready to serve.

    `after_restart` is called after a restart, to repair what the death of the process broke; it must not block.
    """

    name: str
    start: Callable[[], Child]
    ready: Callable[[], bool] = lambda: True
    stop_seconds: float = 4.0
    store: bool = False
    after_restart: Callable[[], None] = lambda: None
    child: Child | None = None
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_DEATHS))


class Supervisor:
    """Starts services in order, watches them, and stops them in reverse order.

    The thread that starts children must live as long as they do: the kernel ends them when it ends.
    """

    def __init__(self, home: Home, say: Say) -> None:
        self._home = home
        self._say = say
        self._services: list[Service] = []
        self.stopping = threading.Event()

    def listen(self) -> None:
        """Install signal handlers that stop the stack on Ctrl-C and SIGTERM; a second Ctrl-C has no effect."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping.set()

    def start(self, service: Service) -> Service:
        """Start a service, and watch it from now on."""
        self.check()
        service.child = service.start()
        self._services.append(service)
        self._note_pids()
        return service

    def wait(self, service: Service, seconds: float) -> None:
        """Wait until a service is ready.

        Raises:
            StartFailed: the service ended, or took too long.
            Stopped: the stack is to stop (Ctrl-C or SIGTERM).
        """
        child = service.child
        if child is None:
            raise TidemarkError(f"{service.name} was not started")

        def ready() -> bool:
            self.check()
            return service.ready()

        child.wait_until(ready, seconds)

    def check(self) -> None:
        """Check whether the stack is to stop.

        Raises:
            Stopped: Ctrl-C or SIGTERM was received.
        """
        if self.stopping.is_set():
            raise Stopped

    def watch(self) -> None:
        """Watch the services until the stack is to stop.

        Raises:
            TidemarkError: a service died too often.
        """
        while not self.stopping.wait(WATCH_SECONDS):
            for service in self._services:
                if service.child is not None and not service.child.alive:
                    self._revive(service, service.child)

    def _revive(self, service: Service, dead: Child) -> None:
        now = time.monotonic()
        service.deaths.append(now)
        if len(service.deaths) == MAX_DEATHS and now - service.deaths[0] < DEATHS_WITHIN:
            raise TidemarkError(f"{service.name} died {MAX_DEATHS} times within a minute: {dead.last_words()}")
        self._say(f"{service.name} died (code {dead.process.returncode}): starting it again")
        dead.stop()
        # Exponential back-off between restarts.
        self.stopping.wait(FIRST_WAIT_SECONDS * (2 ** (len(service.deaths) - 1) - 1))
        try:
            service.child = service.start()
            service.after_restart()
        except TidemarkError as error:
            self._say(f"{service.name} did not start: {error}")
            return
        self._note_pids()

    def stop(self) -> None:
        """Stop everything: first all services that use the stores, at once; then the stores, last started first."""
        for service in self._services:
            if service.child is not None and not service.store:
                service.child.ask_to_stop()
        for service in reversed(self._services):
            if service.child is not None:
                service.child.stop(service.stop_seconds)
        self._services.clear()
        (self._home.path / _PIDS).unlink(missing_ok=True)

    def _note_pids(self) -> None:
        pids = [s.child.process.pid for s in self._services if s.child is not None and s.child.alive]
        self._home.write(_PIDS, [[pid, psutil.Process(pid).create_time()] for pid in pids if psutil.pid_exists(pid)])


class Stopped(Exception):
    """Ctrl-C or SIGTERM was received while the stack was starting."""


def leftovers(home: Home) -> list[psutil.Process]:
    """Return the processes that a killed stack left running in this folder: its children and their descendants.

    Children are recognised by pid and start time. Their descendants are recognised by the session that each child
    leads: they stay in it when their parent is gone.
    """
    noted = {int(pid): float(created) for pid, created in home.read(_PIDS) or []}
    found = []
    for process in psutil.process_iter():
        try:
            session = os.getsid(process.pid)
            began = noted.get(session)
            if began is None or process.create_time() < began - 1:
                continue
            if process.pid != session or abs(process.create_time() - began) < 1:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def end_leftovers(home: Home) -> int:
    """End the processes that a killed stack left running in this folder; return their number."""
    ended = leftovers(home)
    for process in ended:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(ended, timeout=10)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return len(ended)
