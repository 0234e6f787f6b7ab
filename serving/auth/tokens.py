"""JSON web tokens: who signed, for whom, until when, and what they may see.

The key set is a file, read again when it changes, or a URL, fetched again after minutes or for a key id that is new.
A key decides its algorithm: EdDSA for Ed25519, RS256 for RSA. What a token's header says is compared, never obeyed.
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
    """Where keys come from."""

    async def find(self, key_id: str | None) -> PyJWK | None:
        """Return the key of an id, or the only key where a token names none."""


def key_set(where: str, network: Network) -> KeySet:
    """Return the key set of a URL, reached as `network` says, or of a file.

    Raises:
        SettingsError: the file is no key set.
    """
    return UrlKeySet(where, network) if where.startswith(("https://", "http://")) else FileKeySet(Path(where))


class FileKeySet:
    """A key set in a file; a new one is seen at the next token."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._keys: Keys = {}
        try:
            self._read()
        except (OSError, ValueError) as error:
            raise SettingsError(f"TIDEMARK_JWT_KEYS: {path} is not a JSON Web Key Set: {error}") from None

    async def find(self, key_id: str | None) -> PyJWK | None:
        """Return the key of an id."""
        try:
            self._read()
        except (OSError, ValueError) as error:
            log.warning("the key set was not read again, the one before still counts: %s", error)
        return _pick(self._keys, key_id)

    def _read(self) -> None:
        said = self._path.stat()
        stamp = (said.st_mtime_ns, said.st_ino)
        if stamp != self._stamp:
            self._keys = parse_keys(self._path.read_bytes())
            self._stamp = stamp


class UrlKeySet:
    """A key set behind a URL, kept for minutes; one fetch at a time."""

    def __init__(self, url: str, network: Network) -> None:
        self._url = url
        proxy = network.proxy_for(url)
        self._by = f" by {proxy}" if proxy else ""
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(dict.fromkeys(("http", "https"), proxy.url) if proxy else {}),
            urllib.request.HTTPSHandler(context=network.ssl_context()),
        )
        self._keys: Keys = {}
        self._fetched = self._tried = -_FRESH_SECONDS
        self._lock = asyncio.Lock()

    async def find(self, key_id: str | None) -> PyJWK | None:
        """Return the key of an id.

        Raises:
            Unavailable: the set was never fetched and cannot be.
        """
        if time.monotonic() - self._fetched > _FRESH_SECONDS or _pick(self._keys, key_id) is None:
            await self._refresh()
        return _pick(self._keys, key_id)

    async def _refresh(self) -> None:
        async with self._lock:
            # An unknown key id may be anybody's invention: it cannot make us fetch more often than this.
            if time.monotonic() - self._tried < _RETRY_SECONDS:
                return
            self._tried = time.monotonic()
            try:
                self._keys = parse_keys(await asyncio.to_thread(self._fetch))
            except (OSError, ValueError) as error:
                log.warning("the key set was not fetched%s: %s", self._by, error)
                if not self._keys:
                    raise Unavailable("the key set that tokens are checked with is out of reach; try again") from None
            else:
                self._fetched = time.monotonic()

    def _fetch(self) -> bytes:
        with self._opener.open(self._url, timeout=_TIMEOUT) as answer:
            return bytes(answer.read(_MAX_SET))


def parse_keys(text: bytes) -> Keys:
    """Return the keys of a set that tokens may be signed with, by id; others are left out.

    Raises:
        ValueError: it is not a key set, or has no such key.
    """
    said = orjson.loads(text)
    if not isinstance(said, dict) or not isinstance(said.get("keys"), list):
        raise ValueError("it has no list `keys`")  # noqa: TRY004 - one error for all that is wrong with a set
    found: dict[str | None, PyJWK] = {}
    for one in said["keys"]:
        algorithm = _algorithm(one)
        if algorithm is not None:
            try:
                found[one.get("kid")] = PyJWK({k: v for k, v in one.items() if k != "d"}, algorithm)
            except jwt.PyJWTError as error:
                raise ValueError(f"a key of it cannot be read: {error}") from None
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
    """Turns a token into what its bearer may do."""

    def __init__(self, keys: KeySet, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    @classmethod
    def of(cls, settings: Settings) -> "TokenVerifier | None":
        """Return the verifier of the settings, or None where they name no key set.

        Raises:
            SettingsError: the key set is no key set.
        """
        if settings.jwt_keys is None or settings.jwt_issuer is None or settings.jwt_audience is None:
            return None
        keys = key_set(settings.jwt_keys, Network.of(settings))
        return cls(keys, settings.jwt_issuer, settings.jwt_audience)

    async def verify(self, token: str) -> ApiKey:
        """Return what a token grants, until it expires.

        Raises:
            Problem: 401, it is not valid here.
            Unavailable: the key set cannot be fetched.
        """
        try:
            header = jwt.get_unverified_header(token)
            key = await self._keys.find(_key_id(header))
            if key is None or header.get("alg") != key.algorithm_name or "crit" in header:
                raise unauthorized("This token is not signed with a key that is known here.")
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
    who = claims.get("sub") or token
    return ApiKey(
        key_id=SUBJECT_PREFIX + hashlib.sha256(str(who).encode()).hexdigest(),
        name="token",
        prefix="",
        workspaces=tuple(one for one in workspaces if _is_workspace(one)),
        scopes=cast("tuple[Scope, ...]", tuple(name for name in _SCOPES if name in names)),
        created_at=utcnow(),
        # Whoever issued it lives at the machine's time, whatever the clock of the stack is.
        expires_at=datetime.fromtimestamp(claims["exp"], UTC) + offset(),
    )


def _is_workspace(value: Any) -> bool:
    if value == ALL_WORKSPACES:
        return True
    try:
        return isinstance(value, str) and check_id(value, "workspaces") == value
    except InvalidInput:
        return False
