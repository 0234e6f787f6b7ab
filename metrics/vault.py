"""Accounts and their sealed credentials.

Credentials are sealed with the newest key of TIDEMARK_SECRET_KEYS and opened with any of them, so that a key can be
rotated. They are open only in the memory of the worker that calls the platform.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from metrics.errors import CredentialError, SettingsError

if TYPE_CHECKING:
    from metrics.store import Store


class Vault:
    """Seals and opens credentials; its repr shows nothing."""

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
            CredentialError: none of the keys opens them.
        """
        try:
            opened: dict[str, Any] = orjson.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise CredentialError(
                "credentials were sealed with a key that is not in TIDEMARK_SECRET_KEYS: add it, or connect again"
            ) from None
        return opened

    def rotate(self, sealed: bytes) -> bytes:
        """Seal again with the newest key, without the credentials ever leaving this call.

        Raises:
            CredentialError: none of the keys opens them.
        """
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken:
            raise CredentialError("sealed with a key that is not in TIDEMARK_SECRET_KEYS: add it") from None


def reseal_all(store: "Store", vault: Vault) -> tuple[int, list[str]]:
    """Seal every account's credentials with the newest key; return how many were, and the accounts that no key opens.

    Tokens that are renewed meanwhile are left as they are: whoever renewed them sealed them with the newest key.
    """
    done, closed = 0, []
    for account in store.accounts.find():
        if sealed := account.get("credentials"):
            try:
                done += store.accounts.reseal(account["_id"], sealed, vault.rotate(sealed))
            except CredentialError:
                closed.append(account["_id"])
    return done, closed


def generate_secret_key() -> str:
    """Return a new Fernet key."""
    return Fernet.generate_key().decode()
