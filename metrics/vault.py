"""Encryption of the credentials of accounts.

Credentials are sealed (encrypted) with the newest key of TIDEMARK_SECRET_KEYS and opened with any of its keys, so that
keys can be rotated. They are in the clear only in the memory of the worker that calls the platform.
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

    def seal(self, credentials: Mapping[str, Any]) -> bytes:
        """Return credentials encrypted with the newest key."""
        return self._fernet.encrypt(orjson.dumps(dict(credentials)))

    def open(self, sealed: bytes) -> dict[str, Any]:
        """Return the credentials.

        Raises:
            CredentialError: no key opens them.
        """
        try:
            opened: dict[str, Any] = orjson.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise CredentialError(
                "credentials were sealed with a key that is not in TIDEMARK_SECRET_KEYS: add it, or connect again"
            ) from None
        return opened

    def rotate(self, sealed: bytes) -> bytes:
        """Return the credentials sealed with the newest key; they are never returned in the clear.

        Raises:
            CredentialError: no key opens them.
        """
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken:
            raise CredentialError("sealed with a key that is not in TIDEMARK_SECRET_KEYS: add it") from None


def generate_secret_key() -> str:
    """Return a new Fernet key."""
    return Fernet.generate_key().decode()
