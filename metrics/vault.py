"""Encryption of the credentials of accounts.

Credentials are sealed (encrypted) with the newest key of TIDEMARK_SECRET_KEYS and opened with any of its keys, so that
keys can be rotated. They are in the clear only in the memory of the worker that calls the platform.

What is encrypted is a JSON array of the account's id and the credentials. Encryption authenticates both, so sealed
credentials that somebody with access to MongoDB copies to another account are refused there. Version 0.1 encrypted the
credentials alone, as a JSON object. These still open for every account, until `tidemark keys reseal` binds them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from metrics.errors import CredentialError, SettingsError


class Vault:
    """Seals and opens credentials; its `repr` shows no key."""

    def __init__(self, secret_keys: Sequence[SecretStr]) -> None:
        if not secret_keys:
            raise SettingsError("TIDEMARK_SECRET_KEYS: set it; `tidemark keys secret` makes one")
        self._fernet = MultiFernet([Fernet(key.get_secret_value()) for key in secret_keys])

    def seal(self, credentials: Mapping[str, Any], account_id: str) -> bytes:
        """Return the credentials of an account encrypted with the newest key, and bound to that account."""
        return self._fernet.encrypt(orjson.dumps([account_id, dict(credentials)]))

    def open(self, sealed: bytes, account_id: str) -> dict[str, Any]:
        """Return the credentials of an account.

        Raises:
            CredentialError: no key opens them, or they were sealed for another account.
        """
        return self._decrypt(sealed, account_id)[1]

    def is_bound(self, sealed: bytes, account_id: str) -> bool:
        """Tell whether credentials are bound to their account; those that version 0.1 sealed are not.

        Raises:
            CredentialError: no key opens them, or they were sealed for another account.
        """
        return self._decrypt(sealed, account_id)[0]

    def reseal(self, sealed: bytes, account_id: str) -> bytes:
        """Return the credentials sealed with the newest key and bound to their account.

        Raises:
            CredentialError: no key opens them, or they were sealed for another account.
        """
        return self.seal(self.open(sealed, account_id), account_id)

    def _decrypt(self, sealed: bytes, account_id: str) -> tuple[bool, dict[str, Any]]:
        """Return whether credentials are bound to their account, and the credentials."""
        try:
            content = orjson.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise CredentialError(
                "credentials were sealed with a key that is not in TIDEMARK_SECRET_KEYS: add it, or connect again"
            ) from None
        if isinstance(content, dict):
            return False, content
        owner, credentials = content
        if owner != account_id:
            raise CredentialError("credentials were sealed for another account: connect this account again")
        return True, credentials


def generate_secret_key() -> str:
    """Return a new Fernet key."""
    return Fernet.generate_key().decode()
