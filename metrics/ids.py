"""Ids of ours: stable, and saying nothing. They are made of the platforms' ids in the normal form of
`metrics.identity`; ids of ours that come from outside are checked before they reach a key or a query."""

import base64
import hashlib
import re
from functools import lru_cache

from metrics.documents import Platform
from metrics.errors import InvalidInput
from metrics.identity import account_number

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


def check_id(value: str, parameter: str) -> str:
    """Return `value` if it can be an id.

    Raises:
        InvalidInput: it is empty, too long, or holds a character that no id has.
    """
    if not _ID.fullmatch(value):
        raise InvalidInput(f"{parameter}: an id has 1 to 128 letters, digits, '_', '.', ':' or '-'", parameter)
    return value


def check_text(value: str, parameter: str) -> str:
    """Return `value` if it can be stored.

    Raises:
        InvalidInput: it holds a lone surrogate, as JSON's `\\ud800` or an argument that is no UTF-8 leaves one.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        message = f"{parameter}: it holds a half of a character, which nothing can store: type it again"
        raise InvalidInput(message, parameter) from None
    return value


def account_id(workspace_id: str, platform: Platform, platform_account_id: str) -> str:
    """Return our id of a platform's account, by its normal form, in a workspace: the same at every connection."""
    return "acc_" + _digest(workspace_id, platform, account_number(platform_account_id))


@lru_cache(maxsize=65_536)
def post_id(account_id: str, platform_post_id: str) -> str:
    """Return our id of a post, by its normal form: stable, and unique over all accounts and platforms."""
    return "post_" + _digest(account_id, platform_post_id)


def _digest(*parts: str) -> str:
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return base64.b32encode(digest[:15]).decode().lower()
