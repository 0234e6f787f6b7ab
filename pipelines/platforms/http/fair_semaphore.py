"""A fair semaphore: bounds concurrency, and admits waiting threads in the order of their arrival."""

from collections import deque
from threading import Lock


class FairSemaphore:
    """Admits at most `count` threads at once, first come, first served.

    A free place goes to the thread that has waited longest. With `threading.Semaphore` it would go to the thread that
    is running, usually the one that has just left: its account would run ahead, and the last accounts would finish
    alone, without concurrency.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: deque[Lock] = deque()
        self._lock = Lock()

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1
