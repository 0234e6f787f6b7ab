"""Parser of the accounts file: CSV with a header, or JSON objects. A file is accepted or refused as a whole.

Columns: `workspaceId, platform, platformAccountId, handle, accessToken`; the last one may be empty for a platform whose
numbers are public, or of which the app reads public numbers with its API key (YouTube). Optional columns:
`refreshToken, clientId, clientSecret, expiresAt` (RFC 3339), for tokens that Tidemark renews itself, and `login`
(`instagram` for Instagram Login). `secondAccountId, secondAccessToken, secondRefreshToken, secondClientId,
secondClientSecret` are a second grant of the same account, for a platform with further numbers in another API (TikTok).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any

from metrics.connecting.new_account import NewAccount
from metrics.documents import Platform
from metrics.errors import InvalidInput
from metrics.identity import account_id_or_name
from metrics.ids import check_id, check_text
from metrics.platforms.registry import FACTS
from metrics.visible import trimmed, visible
from tidemark.rows import check_texts, platform_of, read_all

_IDENTITY = ("workspaceId", "platform", "platformAccountId", "handle")
COLUMNS = (*_IDENTITY, "accessToken")
OPTIONAL: Mapping[str, str] = {
    "refreshToken": "refresh_token",
    "clientId": "client_id",
    "clientSecret": "client_secret",
    "login": "login",
    "secondAccountId": "second_account_id",
    "secondAccessToken": "second_access_token",
    "secondRefreshToken": "second_refresh_token",
    "secondClientId": "second_client_id",
    "secondClientSecret": "second_client_secret",
}
"""Optional columns, with the names of their values in the credentials."""

_SECOND = tuple(name for name in OPTIONAL if name.startswith("second"))
EXPIRES = "expiresAt"
ALL_COLUMNS = (*COLUMNS, *OPTIONAL, EXPIRES)
MAX_BYTES = 64 * 1024 * 1024
"""Maximum size of a file. 200,000 accounts with their tokens are 40 MB, and take half a gigabyte of memory to read."""

LOGINS = ("facebook", "instagram")
_LONGEST_HANDLE = 200
_LONGEST_SECRET = 4096
"""Maximum number of characters of a token or a secret, which has to fit into an HTTP header."""


def parse(content: bytes) -> list[NewAccount]:
    """Return the accounts of a file.

    Raises:
        InvalidInput: at least one row is wrong; the message names the first of these with their numbers, their columns
            and the accepted values.
    """
    found = read_all(content, ALL_COLUMNS, account_of, attrgetter("identity"), "nothing was imported")
    if not found:
        raise InvalidInput(f"the file has no account; its columns are {', '.join(COLUMNS)}")
    return found


def account_of(row: Mapping[str, Any]) -> NewAccount:
    """Return the account of one row.

    Raises:
        InvalidInput: a value is missing, unknown or impossible.
    """
    check_texts(row, ALL_COLUMNS)
    values = {name: _value(name, row.get(name)) for name in ALL_COLUMNS}
    platform = platform_of(values["platform"]) if values["platform"] else None
    needed = _IDENTITY if platform is not None and FACTS[platform].connects_without_token else COLUMNS
    missing = [name for name in needed if not values[name]]
    if platform is None or missing:
        raise InvalidInput(f"{', '.join(missing)} missing")
    check_id(values["workspaceId"], "workspaceId")
    if (second := [name for name in _SECOND if values[name]]) and not FACTS[platform].takes_second_grant:
        raise InvalidInput(f"{', '.join(second)}: {FACTS[platform].title} has no second grant: leave it empty")
    platform_account_id, is_named = account_id_or_name(platform, values["platformAccountId"])
    if len(values["handle"]) > _LONGEST_HANDLE:
        raise InvalidInput(f"handle: it has {len(values['handle'])} characters; the maximum is {_LONGEST_HANDLE}")
    return NewAccount(
        values["workspaceId"], platform, platform_account_id, values["handle"], _credentials(values, platform), is_named
    )


def _value(name: str, value: Any) -> str:
    text = check_text(trimmed("" if value is None else str(value)), name)
    # Spreadsheets mark a cell as text with a leading apostrophe. A handle may begin with one of its own: there it is
    # removed only if the next character would begin a formula.
    return text.removeprefix("'") if name != "handle" or text[1:2] in ("=", "+", "-", "@") else text


def _login(text: str) -> str:
    """Return the kind of login, which determines the API host for Instagram accounts."""
    if text and text.lower() not in LOGINS:
        raise InvalidInput(f"login {visible(text[:32])} is none of {', '.join(LOGINS)}")
    return text.lower()


def _check_second_grant(values: Mapping[str, str]) -> None:
    """Refuse a second grant that is not whole.

    Raises:
        InvalidInput: the message names the columns that are missing.
    """
    if not any(values[name] for name in _SECOND):
        return
    if missing := [name for name in ("secondAccountId", "secondAccessToken") if not values[name]]:
        raise InvalidInput(f"{', '.join(missing)} missing: a second grant has an id of the account and a token")
    if values["secondRefreshToken"] and not (values["secondClientId"] and values["secondClientSecret"]):
        raise InvalidInput("secondClientId, secondClientSecret missing: a refresh token works only for its app")


def _check_refresh_token(values: Mapping[str, str], platform: Platform) -> None:
    """Refuse a refresh token that the platform cannot have given, or that could not be renewed.

    Raises:
        InvalidInput: the platform has no refresh tokens, or the app's id or secret is missing.
    """
    needs = FACTS[platform].refresh_needs
    if not values["refreshToken"]:
        return
    if needs is None:
        raise InvalidInput(f"refreshToken: {FACTS[platform].title} has no refresh tokens: leave it out")
    if missing := [column for column, stored in OPTIONAL.items() if stored in needs and not values[column]]:
        named = ", ".join(missing)
        raise InvalidInput(f"{named} missing: a refresh token works only for the app to which it was issued")


def _credentials(values: Mapping[str, str], platform: Platform) -> dict[str, str | float]:
    _check_refresh_token(values, platform)
    _check_second_grant(values)
    for column in ("accessToken", *OPTIONAL):
        # The value has to travel in an HTTP header.
        if not re.fullmatch(r"[!#-~]*", values[column]):
            raise InvalidInput(f"{column} has blanks, or characters that no token has")
        if len(values[column]) > _LONGEST_SECRET:
            raise InvalidInput(f"{column} has {len(values[column])} characters; the maximum is {_LONGEST_SECRET}")
    values = {**values, "login": _login(values["login"])}
    if not values["accessToken"]:
        if given := [column for column in (*OPTIONAL, EXPIRES) if values[column]]:
            raise InvalidInput(f"accessToken missing: {', '.join(given)} would belong to it")
        return {}
    found: dict[str, str | float] = {"access_token": values["accessToken"]}
    found |= {stored: values[column] for column, stored in OPTIONAL.items() if values[column]}
    if text := values[EXPIRES]:
        try:
            ends = datetime.fromisoformat(text)
        except ValueError:
            ends = None
        if ends is None or ends.tzinfo is None:
            raise InvalidInput(f"{EXPIRES} {visible(text[:32])} is not an instant: write it as 2026-01-15T10:00:00Z")
        found["expires_at"] = ends.timestamp()
    return found
