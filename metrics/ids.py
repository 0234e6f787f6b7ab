"""Tidemark's own ids: stable and opaque.

They are hashes of the platforms' ids in the normal form of `metrics.identity`. An id that a client sends is checked
before it is used in a Redis key or a query.
"""

import base64
import hashlib
import re
from functools import lru_cache

from metrics.documents import Platform
from metrics.errors import InvalidInput
from metrics.identity import account_number

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


def check_id(value: str, parameter: str) -> str:
    """Return `value` if it has the form of an id.

    Raises:
        InvalidInput: the value is empty, longer than 128 characters, or has a character that is not allowed in ids.
    """
    if not _ID.fullmatch(value):
        raise InvalidInput(f"{parameter}: an id has 1 to 128 letters, digits, '_', '.', ':' or '-'", parameter)
    return value


def check_text(value: str, parameter: str) -> str:
    """Return `value` if it can be stored.

    Raises:
        InvalidInput: the value holds a lone surrogate; JSON's `\\ud800` or an argument that is not UTF-8 produces one.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        message = (
            f"{parameter}: the text holds half of a character (a lone surrogate), which cannot be stored: type it again"
        )
        raise InvalidInput(message, parameter) from None
    return value


def account_id(workspace_id: str, platform: Platform, platform_account_id: str) -> str:
    """Return our id of a platform's account (in normal form) in a workspace; reconnecting gives the same id."""
    return "acc_" + _digest(workspace_id, platform, account_number(platform_account_id))


@lru_cache(maxsize=65_536)
def post_id(account_id: str, platform_post_id: str) -> str:
    """Return our id of a post (in normal form): stable, and unique over all accounts and platforms."""
    return "post_" + _digest(account_id, platform_post_id)


def _digest(*parts: str) -> str:
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return base64.b32encode(digest[:15]).decode().lower()
