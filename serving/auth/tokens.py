"""JSON web tokens: verification of signature, issuer, audience and expiry, and the rights that a token grants.

The algorithm follows from the key: EdDSA for Ed25519, RS256 for RSA. The algorithm in a token's header must equal it,
and never decides. A claim of another type or range than the standard gives it (RFC 7519) makes the token invalid.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast, get_args

import jwt

from metrics.clock import offset, utcnow
from metrics.documents import Scope
from metrics.errors import InvalidInput
from metrics.ids import check_id
from metrics.network import Network
from metrics.settings import Settings
from metrics.store.api_keys import ALL_WORKSPACES, ApiKey
from serving.auth.key_sets import KeySet, key_set
from serving.wire.problems import unauthorized

MAX_TOKEN = 8 * 1024
SUBJECT_PREFIX = "jwt:"
_SCOPES = get_args(Scope)
_LAST_EXPIRY = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


class TokenVerifier:
    """Verifies tokens and returns the rights that they grant."""

    def __init__(self, keys: KeySet, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    @classmethod
    def of(cls, settings: Settings) -> "TokenVerifier | None":
        """Return a verifier for the settings, or None if they do not configure tokens.

        Raises:
            SettingsError: the configured file is not a key set.
        """
        if settings.jwt_keys is None or settings.jwt_issuer is None or settings.jwt_audience is None:
            return None
        keys = key_set(settings.jwt_keys, Network.of(settings))
        return cls(keys, settings.jwt_issuer, settings.jwt_audience)

    async def verify(self, token: str) -> ApiKey:
        """Return the rights that a token grants, in the form of a key that expires with the token.

        Raises:
            Problem: 401, the token is not valid here.
            Unavailable: the key set cannot be fetched.
        """
        try:
            header = jwt.get_unverified_header(token)
            key = await self._keys.find(_key_id(header))
            if key is None or header.get("alg") != key.algorithm_name or "crit" in header:
                raise unauthorized("This token is not signed with a key of the configured key set.")
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=self._issuer,
                audience=self._audience,
                options={"require": ["exp", "iss", "aud"]},
            )
            return _grant(token, claims)
        except jwt.ExpiredSignatureError:
            raise unauthorized("This token has expired.") from None
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise unauthorized("This token is not valid here.") from None


def _key_id(header: Mapping[str, Any]) -> str | None:
    key_id = header.get("kid")
    if key_id is not None and not isinstance(key_id, str):
        raise ValueError("kid")
    return key_id


def _grant(token: str, claims: Mapping[str, Any]) -> ApiKey:
    scope, workspaces = claims.get("scope", ""), claims.get("workspaces", [])
    names = scope.split() if isinstance(scope, str) else scope
    if not isinstance(names, list) or not isinstance(workspaces, list):
        raise unauthorized("This token's claims `scope` and `workspaces` are malformed.")
    return ApiKey(
        key_id=SUBJECT_PREFIX + hashlib.sha256(_bearer(token, claims).encode()).hexdigest(),
        name="token",
        prefix="",
        workspaces=tuple(workspace for workspace in workspaces if _is_workspace(workspace)),
        scopes=cast("tuple[Scope, ...]", tuple(name for name in _SCOPES if name in names)),
        created_at=utcnow(),
        # The issuer of the token uses the machine's time, even where the stack has a clock of its own.
        expires_at=_expiry(claims["exp"]) + offset(),
    )


def _bearer(token: str, claims: Mapping[str, Any]) -> str:
    """Return what identifies the client: the subject, or the token itself where it names none.

    Raises:
        ValueError: the subject is no string, or not one that can be encoded.
    """
    subject = claims.get("sub")
    if subject is None or subject == "":
        return token
    if not isinstance(subject, str):
        raise ValueError("sub")  # noqa: TRY004 - every fault of a claim is a ValueError
    subject.encode()
    return subject


def _expiry(seconds: Any) -> datetime:
    """Return the instant of the claim `exp`.

    Raises:
        Problem: 401, the claim is no number of seconds; milliseconds, which some issuers send, are none either.
    """
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise unauthorized("This token's claim `exp` is not a number.")
    if not seconds < _LAST_EXPIRY:
        raise unauthorized("This token's claim `exp` is too far in the future; it has to be in seconds.")
    return datetime.fromtimestamp(seconds, UTC)


def _is_workspace(value: Any) -> bool:
    if value == ALL_WORKSPACES:
        return True
    try:
        return isinstance(value, str) and check_id(value, "workspaces") == value
    except InvalidInput:
        return False
