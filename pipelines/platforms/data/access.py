"""An account with the credentials that read it, and the account that credentials belong to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Access:
    """An account and the decrypted credentials to read it; the repr does not show the credentials."""

    platform_account_id: str
    credentials: Mapping[str, Any] = field(repr=False)

    @property
    def token(self) -> str:
        """The access token."""
        return str(self.credentials["access_token"])


@dataclass(frozen=True, slots=True)
class Identity:
    """The account that credentials can read: the platform's id, and its displayed name, None if the answer has none."""

    platform_account_id: str
    handle: str | None
