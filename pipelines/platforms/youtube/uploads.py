"""Decides when the list of uploads of a channel is read: rarely, because each page costs a unit of the app's quota.

The list is read when the number of public videos has changed, which the channel shows anyway, and every six hours.
The list may lag behind the number: if it brings nothing new, it is read again in the next hour.

Facts: docs/platform-facts.md#youtube-data-api.
"""

from datetime import datetime
from zlib import crc32

from pipelines.platforms.doubts import MOST_READINGS
from pipelines.platforms.memory import ListMemory

UPLOADS = "uploads"

EVERY_HOURS = 6
"""Hours after which the list is read even if the number of videos is the same."""


def is_due(memory: ListMemory, channel_id: str, videos: object, now: datetime, *, content: bool = True) -> bool:
    """Tell whether the list of a channel that shows so many `videos` is to be read now.

    `content` tells whether the list is asked for titles and pictures; when that is switched on, they come at once.
    """
    doubtful = any(tries < MOST_READINGS for tries in memory.odd.values())
    return not memory.done or doubtful or memory.seen != _seen(channel_id, videos, now, content=content)


def note_read(
    memory: ListMemory, channel_id: str, videos: object, now: datetime, *, news: bool, content: bool = True
) -> None:
    """Note that the list was read without a failure; `news` tells whether it brought new videos."""
    seen = _seen(channel_id, videos, now, content=content)
    block, _, before = memory.seen.partition(" ")
    lags = before.isdecimal() and isinstance(videos, int) and videos > int(before) and not news
    if not (lags and block == seen.partition(" ")[0]):
        memory.seen = seen


def _seen(channel_id: str, videos: object, now: datetime, *, content: bool) -> str:
    """Return the six hours that hold `now`, which begin at another hour for each channel, and the number of videos."""
    hours = int(now.timestamp()) // 3600 + crc32(channel_id.encode()) % EVERY_HOURS
    return f"{hours // EVERY_HOURS}{'c' if content else ''} {videos}"
