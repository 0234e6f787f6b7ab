"""Tarpit: the answer that refuses a client for sending too much waits for a moment.

A client that repeats a refused request at once would otherwise be refused some thousand times a second, and take the
time of the event loop from all others. While a refusal waits, it costs nothing but its memory.
"""

import asyncio

SECONDS = 0.5
"""How long a refusal waits; less than the shortest `Retry-After`, so that no client that obeys it loses anything."""
MOST = 2_000
"""Refusals that may wait at once; further ones are answered immediately, so that memory stays bounded."""

_waiting = 0


async def wait() -> None:
    """Return after `SECONDS`, or at once if too many refusals wait already."""
    global _waiting  # noqa: PLW0603 - the refusals of one process are counted together
    if _waiting >= MOST:
        return
    _waiting += 1
    try:
        await asyncio.sleep(SECONDS)
    finally:
        _waiting -= 1
