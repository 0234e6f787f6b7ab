"""Graceful shutdown: streams end first, because the server waits for open responses before it stops."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def before_stop(call: Callable[[], None]) -> Iterator[None]:
    """Run `call` on SIGTERM and SIGINT, before the server's own handler of the signal.

    Signals reach the main thread only; a server in another thread must end its streams itself.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {number: signal.getsignal(number) for number in _SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        call()
        if callable(before[number]):
            before[number](number, frame)

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
