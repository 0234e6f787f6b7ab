"""Waiting for a condition."""

from collections.abc import Callable

import tenacity


def until(condition: Callable[[], bool], seconds: float = 60, every: float = 0.02) -> None:
    """Wait until a condition is true, looking `every` so many seconds; fail after `seconds`.

    The wait ends with the condition, so a long limit costs nothing: a busy machine may take ten times as long.
    """
    tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda met: not met),
        stop=tenacity.stop_after_delay(seconds),
        wait=tenacity.wait_fixed(every),
    )(condition)
