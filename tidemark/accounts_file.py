"""The accounts file: CSV with a header, or one JSON object a line. Taken as a whole or refused as a whole.

Columns: `workspaceId, platform, platformAccountId, handle, accessToken`; where a platform renews tokens by itself also
`refreshToken, clientId, clientSecret, expiresAt` (RFC 3339), and `login` (`instagram` for Instagram Login).
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from typing import Any

from metrics.documents import PLATFORMS, Platform
from metrics.errors import InvalidInput
from metrics.identity import account_number, normal_account_id
from metrics.ids import account_id, check_id

COLUMNS = ("workspaceId", "platform", "platformAccountId", "handle", "accessToken")
OPTIONAL: Mapping[str, str] = {
    "refreshToken": "refresh_token",
    "clientId": "client_id",
    "clientSecret": "client_secret",
    "login": "login",
}
"""Columns that may be left out, with their names among the credentials."""

EXPIRES = "expiresAt"


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


def parse(text: str) -> list[NewAccount]:
    """Return the accounts of a file.

    Raises:
        InvalidInput: at least one line is wrong; the message names each with its number and says what is wrong.
    """
    found: list[NewAccount] = []
    problems: list[str] = []
    seen: dict[tuple[str, str, str], int] = {}
    for number, row in _rows(text):
        try:
            account = account_of(row)
        except InvalidInput as error:
            problems.append(f"line {number}: {error}")
            continue
        first = seen.setdefault(account.identity, number)
        if first != number:
            problems.append(f"line {number}: the same account as line {first}")
        found.append(account)
    if problems:
        raise InvalidInput("nothing was imported; " + "; ".join(problems))
    if not found:
        raise InvalidInput(f"the file holds no account; its columns are {', '.join(COLUMNS)}")
    return found


def _rows(text: str) -> Iterator[tuple[int, Any]]:
    if text.lstrip().startswith("{"):
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except ValueError:
                    yield number, None
        return
    reader = csv.DictReader(StringIO(text))
    try:
        names = reader.fieldnames or []
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InvalidInput(f"nothing was imported; line 1: {', '.join(twice)} twice")
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        at = reader.line_num + 1
        raise InvalidInput(f"nothing was imported; line {at}: {error}: is a quote left open?") from None


def account_of(row: Any) -> NewAccount:
    """Return the account of one line.

    Raises:
        InvalidInput: a value is missing, unknown or impossible.
    """
    if not isinstance(row, dict) or None in row:
        raise InvalidInput("is no account: it needs " + ", ".join(COLUMNS))
    if odd := sorted(str(name) for name, value in row.items() if isinstance(value, bool | float | list | dict)):
        raise InvalidInput(f"{', '.join(odd)}: is no text")
    values = {name: str(row.get(name) or "").strip() for name in (*COLUMNS, *OPTIONAL, EXPIRES)}
    if unknown := sorted(set(row) - set(values)):
        raise InvalidInput(f"{', '.join(map(str, unknown))}: no such column; there are {', '.join(values)}")
    if missing := [name for name in COLUMNS if not values[name]]:
        raise InvalidInput(f"{', '.join(missing)} missing")
    platform = next((p for p in PLATFORMS if p == values["platform"]), None)
    if platform is None:
        raise InvalidInput(f"platform {values['platform']} is none of {', '.join(PLATFORMS)}")
    check_id(values["workspaceId"], "workspaceId")
    theirs = normal_account_id(platform, values["platformAccountId"])
    return NewAccount(values["workspaceId"], platform, theirs, values["handle"], _credentials(values))


def _credentials(values: Mapping[str, str]) -> dict[str, str | float]:
    if values["refreshToken"] and not values["clientId"]:
        raise InvalidInput("clientId missing: a refresh token works for the app that it was given to")
    for column in ("accessToken", *OPTIONAL):
        # It has to travel in a header.
        if not re.fullmatch(r"[!-~]*", values[column]):
            raise InvalidInput(f"{column} has blanks, or signs that no token has")
    found: dict[str, str | float] = {"access_token": values["accessToken"]}
    found |= {stored: values[column] for column, stored in OPTIONAL.items() if values[column]}
    if text := values[EXPIRES]:
        try:
            ends = datetime.fromisoformat(text)
        except ValueError:
            ends = None
        if ends is None or ends.tzinfo is None:
            raise InvalidInput(f"{EXPIRES} {text} is no instant: write it as 2026-01-15T10:00:00Z")
        found["expires_at"] = ends.timestamp()
    return found
