"""The accounts file: CSV with a header, or JSON objects. Taken as a whole or refused as a whole.

Columns: `workspaceId, platform, platformAccountId, handle, accessToken`; where a platform renews tokens by itself also
`refreshToken, clientId, clientSecret, expiresAt` (RFC 3339), and `login` (`instagram` for Instagram Login).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from metrics.documents import PLATFORMS, Platform
from metrics.errors import InvalidInput
from metrics.identity import account_number, normal_account_id
from metrics.ids import account_id, check_id, check_text
from metrics.visible import trimmed, visible
from tidemark.rows import read_rows

COLUMNS = ("workspaceId", "platform", "platformAccountId", "handle", "accessToken")
OPTIONAL: Mapping[str, str] = {
    "refreshToken": "refresh_token",
    "clientId": "client_id",
    "clientSecret": "client_secret",
    "login": "login",
}
"""Columns that may be left out, with their names among the credentials."""

EXPIRES = "expiresAt"
ALL_COLUMNS = (*COLUMNS, *OPTIONAL, EXPIRES)
MAX_BYTES = 64 * 1024 * 1024
"""As large may a file be: 200,000 accounts with their tokens are 40 MB, and take half a gigabyte to read."""

LOGINS = ("facebook", "instagram")
_LONGEST_HANDLE = 200
_LONGEST_SECRET = 4096
"""Characters of a token or a secret; it has to fit into a header."""

MAX_PROBLEMS = 5
"""As many are told; a file that is wrong throughout is wrong in one way."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """One account to connect; its credentials stay out of the repr."""

    workspace_id: str
    platform: Platform
    platform_account_id: str
    handle: str
    credentials: Mapping[str, str | float] = field(repr=False)

    @property
    def account_id(self) -> str:
        """Our id of it, where it is new."""
        return account_id(self.workspace_id, self.platform, self.platform_account_id)

    @property
    def identity(self) -> tuple[str, Platform, str]:
        """Its workspace, its platform and its number there, whatever the form of its id."""
        return self.workspace_id, self.platform, account_number(self.platform_account_id)


def parse(content: bytes) -> list[NewAccount]:
    """Return the accounts of a file.

    Raises:
        InvalidInput: at least one row is wrong; the message names the first of them with their numbers, their columns
            and what is right instead.
    """
    found: list[NewAccount] = []
    problems: list[str] = []
    seen: dict[tuple[str, str, str], str] = {}
    try:
        for place, row in read_rows(content, ALL_COLUMNS):
            try:
                if isinstance(row, InvalidInput):
                    raise row
                account = account_of(row)
            except InvalidInput as error:
                problems.append(f"{place}: {error}")
                continue
            first = seen.setdefault(account.identity, place)
            if first != place:
                problems.append(f"{place}: the same account as {first}")
            found.append(account)
    except InvalidInput as error:
        raise InvalidInput(f"nothing was imported; {error}") from None
    if problems:
        more = [f"and {len(problems) - MAX_PROBLEMS} more"] if len(problems) > MAX_PROBLEMS else []
        raise InvalidInput("nothing was imported; " + "; ".join([*problems[:MAX_PROBLEMS], *more]))
    if not found:
        raise InvalidInput(f"the file holds no account; its columns are {', '.join(COLUMNS)}")
    return found


def account_of(row: Mapping[str, Any]) -> NewAccount:
    """Return the account of one row.

    Raises:
        InvalidInput: a value is missing, unknown or impossible.
    """
    if odd := sorted(str(name) for name, value in row.items() if isinstance(value, bool | float | list | dict)):
        raise InvalidInput(f"{', '.join(odd)}: is no text: put it in quotation marks")
    if unknown := sorted(set(row) - set(ALL_COLUMNS)):
        named = ", ".join(visible(name) for name in unknown)
        raise InvalidInput(f"{named}: no such column; there are {', '.join(ALL_COLUMNS)}")
    values = {name: _value(name, row.get(name)) for name in ALL_COLUMNS}
    if missing := [name for name in COLUMNS if not values[name]]:
        raise InvalidInput(f"{', '.join(missing)} missing")
    platform = next((p for p in PLATFORMS if p == values["platform"].lower()), None)
    if platform is None:
        raise InvalidInput(f"platform {visible(values['platform'][:32])} is none of {', '.join(PLATFORMS)}")
    check_id(values["workspaceId"], "workspaceId")
    theirs = normal_account_id(platform, values["platformAccountId"])
    if len(values["handle"]) > _LONGEST_HANDLE:
        raise InvalidInput(f"handle: it has {len(values['handle'])} characters; {_LONGEST_HANDLE} are the most")
    return NewAccount(values["workspaceId"], platform, theirs, values["handle"], _credentials(values))


def _value(name: str, value: Any) -> str:
    text = check_text(trimmed("" if value is None else str(value)), name)
    # Spreadsheets mark a cell as text by an apostrophe; a name of people may begin with one of its own.
    return text.removeprefix("'") if name != "handle" or text[1:2] in ("=", "+", "-", "@") else text


def _login(text: str) -> str:
    """Return the kind of login, which decides for accounts of Instagram on the host that takes the token."""
    if text and text.lower() not in LOGINS:
        raise InvalidInput(f"login {visible(text[:32])} is none of {', '.join(LOGINS)}")
    return text.lower()


def _credentials(values: Mapping[str, str]) -> dict[str, str | float]:
    if values["refreshToken"] and not values["clientId"]:
        raise InvalidInput("clientId missing: a refresh token works for the app that it was given to")
    for column in ("accessToken", *OPTIONAL):
        # It has to travel in a header.
        if not re.fullmatch(r"[!#-~]*", values[column]):
            raise InvalidInput(f"{column} has blanks, or signs that no token has")
        if len(values[column]) > _LONGEST_SECRET:
            raise InvalidInput(f"{column} has {len(values[column])} characters; {_LONGEST_SECRET} are the most")
    values = {**values, "login": _login(values["login"])}
    found: dict[str, str | float] = {"access_token": values["accessToken"]}
    found |= {stored: values[column] for column, stored in OPTIONAL.items() if values[column]}
    if text := values[EXPIRES]:
        try:
            ends = datetime.fromisoformat(text)
        except ValueError:
            ends = None
        if ends is None or ends.tzinfo is None:
            raise InvalidInput(f"{EXPIRES} {visible(text[:32])} is no instant: write it as 2026-01-15T10:00:00Z")
        found["expires_at"] = ends.timestamp()
    return found
