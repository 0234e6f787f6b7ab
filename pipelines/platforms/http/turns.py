"""A bound on what is under way at once, in the order of asking."""

from collections import deque
from threading import Lock


class Turns:
    """Lets `count` threads in at once, first come, first served.

    A place that becomes free is handed to who has waited longest. A semaphore of `threading` gives it to whoever runs,
    which is the thread that has just left: the account that it works on runs ahead, and the last ones end alone.
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
