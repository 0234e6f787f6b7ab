"""The form of API keys: a prefix, 40 random characters, and a checksum that recognises mistyped keys."""

import secrets
import string
import zlib

PREFIX = "tm_live_"
_ALPHABET = string.ascii_letters + string.digits
_SECRET_LENGTH = 40
_CHECKSUM_LENGTH = 6


def new_key() -> str:
    """Return a random key with its checksum."""
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    return body + _checksum(body)


def has_valid_checksum(key: str) -> bool:
    """Tell whether a text has the form of an API key, and its checksum is right.

    A mistyped or made-up key is so recognised without a query. Keys of version 0.1 have no checksum.
    """
    secret = key.removeprefix(PREFIX)
    if secret == key or not (secret.isascii() and secret.isalnum()):
        return False
    if len(secret) == _SECRET_LENGTH:
        return True
    body, checksum = key[:-_CHECKSUM_LENGTH], key[-_CHECKSUM_LENGTH:]
    return len(secret) == _SECRET_LENGTH + _CHECKSUM_LENGTH and checksum == _checksum(body)


def _checksum(text: str) -> str:
    """Return the CRC-32 of a text in base 62."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
