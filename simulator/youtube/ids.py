"""Ids of channels and videos: look random as real ones do, and can be read back."""

import base64
import binascii
from functools import lru_cache
from hashlib import blake2b

_WORD = 2**64
_FACTOR, _SHIFT = 0x9E3779B97F4A7C15, 0x2545F4914F6CDD1D
_INVERSE = pow(_FACTOR, -1, _WORD)
_PLACES, _DAYS, _INDEXES = 16, 2**20, 2**20

PRIVATE = 9
"""Place of a day's private video, which is no post of the world."""


def channel_id(index: int) -> str:
    """Return the id of a channel: `UC` and 22 characters."""
    first = _mixed(index).to_bytes(8, "big")
    return "UC" + _text(first + blake2b(first, digest_size=8).digest())


@lru_cache(maxsize=16_384)
def channel_index(text: str) -> int | None:
    """Return the number of a channel, or None if no channel has the id."""
    raw = _bytes(text[2:]) if text.startswith("UC") and len(text) == 24 else None
    index = _unmixed(int.from_bytes(raw[:8], "big")) if raw is not None else _INDEXES
    return index if index < _INDEXES and channel_id(index) == text else None


def uploads_id(of_channel: str) -> str:
    """Return the id of the list of a channel's uploads."""
    return f"UU{of_channel[2:]}"


def video_id(index: int, day: int, place: int) -> str:
    """Return the id of a video: 11 characters."""
    return _text(_mixed((index * _DAYS + day) * _PLACES + place).to_bytes(8, "big"))


@lru_cache(maxsize=65_536)
def video_place(text: str) -> tuple[int, int, int] | None:
    """Return the channel's number, the day and the place of a video, or None if no video has the id."""
    raw = _bytes(text) if len(text) == 11 else None
    if raw is None:
        return None
    rest, place = divmod(_unmixed(int.from_bytes(raw, "big")), _PLACES)
    index, day = divmod(rest, _DAYS)
    return (index, day, place) if index < _INDEXES and video_id(index, day, place) == text else None


def _mixed(number: int) -> int:
    return (number * _FACTOR + _SHIFT) % _WORD


def _unmixed(number: int) -> int:
    return (number - _SHIFT) * _INVERSE % _WORD


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
