"""JSON web tokens: verification of signature, issuer, audience and expiry, and the rights that a token grants.

The key set is a file, which is read again when it changes, or a URL, which is fetched again after five minutes or for
an unknown key id. The algorithm follows from the key: EdDSA for Ed25519, RS256 for RSA. The algorithm in a token's
header must equal it, and never decides.
"""

import asyncio
import hashlib
import logging
import time
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, cast, get_args

import jwt
import orjson
from jwt import PyJWK

from metrics.clock import offset, utcnow
from metrics.documents import Scope
from metrics.errors import InvalidInput, SettingsError, Unavailable
from metrics.ids import check_id
from metrics.network import Network
from metrics.settings import Settings
from metrics.store.api_keys import ALL_WORKSPACES, ApiKey
from serving.wire.problems import unauthorized

log = logging.getLogger(__name__)

MAX_TOKEN = 8 * 1024
SUBJECT_PREFIX = "jwt:"
_SCOPES = get_args(Scope)
_FRESH_SECONDS = 300.0
_RETRY_SECONDS = 5.0
_MAX_SET = 1024 * 1024
_TIMEOUT = 3.0

Keys = Mapping[str | None, PyJWK]


class KeySet(Protocol):
    """A source of public keys."""

    async def find(self, key_id: str | None) -> PyJWK | None:
        """Return the key with an id. Without an id, return the only key, or None if there are several."""


def key_set(where: str, network: Network) -> KeySet:
    """Return the key set at a URL, which is reached through `network`, or in a file.

    Raises:
        SettingsError: the file is not a key set.
    """
    return UrlKeySet(where, network) if where.startswith(("https://", "http://")) else FileKeySet(Path(where))


class FileKeySet:
    """A key set in a file; a changed file takes effect at the next token."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._keys: Keys = {}
        try:
            self._read()
        except (OSError, ValueError) as error:
            raise SettingsError(f"TIDEMARK_JWT_KEYS: {path} is not a JSON Web Key Set: {error}") from None

    async def find(self, key_id: str | None) -> PyJWK | None:
        """Return the key with an id."""
        try:
            self._read()
        except (OSError, ValueError) as error:
            log.warning("the changed key set cannot be read, the previous one stays in use: %s", error)
        return _pick(self._keys, key_id)

    def _read(self) -> None:
        status = self._path.stat()
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp:
            self._keys = parse_keys(self._path.read_bytes())
            self._stamp = stamp


class UrlKeySet:
    """A key set at a URL, cached for five minutes and fetched by one caller at a time."""

    def __init__(self, url: str, network: Network) -> None:
        self._url = url
        proxy = network.proxy_for(url)
        self._through = f" through {proxy}" if proxy else ""
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(dict.fromkeys(("http", "https"), proxy.url) if proxy else {}),
            urllib.request.HTTPSHandler(context=network.ssl_context()),
        )
        self._keys: Keys = {}
        self._fetched = self._tried = -_FRESH_SECONDS
        self._lock = asyncio.Lock()

    async def find(self, key_id: str | None) -> PyJWK | None:
        """Return the key with an id.

        Raises:
            Unavailable: the key set was never fetched and cannot be fetched now.
        """
        if time.monotonic() - self._fetched > _FRESH_SECONDS or _pick(self._keys, key_id) is None:
            await self._refresh()
        return _pick(self._keys, key_id)

    async def _refresh(self) -> None:
        async with self._lock:
            # Anybody can invent key ids: tokens with unknown ones must not cause more fetches than this.
            if time.monotonic() - self._tried < _RETRY_SECONDS:
                return
            self._tried = time.monotonic()
            try:
                self._keys = parse_keys(await asyncio.to_thread(self._fetch))
            except (OSError, ValueError) as error:
                log.warning("the key set could not be fetched%s: %s", self._through, error)
                if not self._keys:
                    raise Unavailable("the key set that verifies tokens is unavailable; try again") from None
            else:
                self._fetched = time.monotonic()

    def _fetch(self) -> bytes:
        with self._opener.open(self._url, timeout=_TIMEOUT) as answer:
            return bytes(answer.read(_MAX_SET))


def parse_keys(text: bytes) -> Keys:
    """Return the keys of a set that may verify signatures, by id; other keys are left out.

    Raises:
        ValueError: the text is not a key set, or the set has no such key.
    """
    parsed = orjson.loads(text)
    if not isinstance(parsed, dict) or not isinstance(parsed.get("keys"), list):
        raise ValueError("it has no list `keys`")  # noqa: TRY004 - every fault of a set is a ValueError
    found: dict[str | None, PyJWK] = {}
    for key in parsed["keys"]:
        algorithm = _algorithm(key)
        if algorithm is not None:
            try:
                found[key.get("kid")] = PyJWK({k: v for k, v in key.items() if k != "d"}, algorithm)
            except jwt.PyJWTError as error:
                raise ValueError(f"one of its keys cannot be read: {error}") from None
    if not found:
        raise ValueError("it has no Ed25519 or RSA key for signatures")
    return found


def _algorithm(key: Any) -> str | None:
    if not isinstance(key, dict) or key.get("use", "sig") != "sig":
        return None
    algorithm = {("OKP", "Ed25519"): "EdDSA", ("RSA", None): "RS256"}.get((key.get("kty", ""), key.get("crv")))
    return algorithm if key.get("alg", algorithm) == algorithm else None


def _pick(keys: Keys, key_id: str | None) -> PyJWK | None:
    if key_id is None and len(keys) == 1:
        return next(iter(keys.values()))
    return keys.get(key_id)


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
        except jwt.ExpiredSignatureError:
            raise unauthorized("This token has expired.") from None
        except (jwt.PyJWTError, ValueError, TypeError):
            raise unauthorized("This token is not valid here.") from None
        return _grant(token, claims)


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
    bearer = claims.get("sub") or token
    return ApiKey(
        key_id=SUBJECT_PREFIX + hashlib.sha256(str(bearer).encode()).hexdigest(),
        name="token",
        prefix="",
        workspaces=tuple(workspace for workspace in workspaces if _is_workspace(workspace)),
        scopes=cast("tuple[Scope, ...]", tuple(name for name in _SCOPES if name in names)),
        created_at=utcnow(),
        # The issuer of the token uses the machine's time, even where the stack has a clock of its own.
        expires_at=datetime.fromtimestamp(claims["exp"], UTC) + offset(),
    )


def _is_workspace(value: Any) -> bool:
    if value == ALL_WORKSPACES:
        return True
    try:
        return isinstance(value, str) and check_id(value, "workspaces") == value
    except InvalidInput:
        return False
