"""JSON Web Key Sets: the public keys that verify tokens, from a file or a URL.

A file is read again when it changes. A URL is fetched again after five minutes or for an unknown key id. A file
or an answer that is no key set leaves the previous keys in use.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol, TypeVar

import jwt
import orjson
from jwt import PyJWK

from metrics.errors import SettingsError, Unavailable
from metrics.network import Network
from metrics.web import opener, read_body

log = logging.getLogger(__name__)

_FRESH_SECONDS = 300.0
_RETRY_SECONDS = 5.0
_MAX_SET = 1024 * 1024
_TIMEOUT = 3.0
_FETCH_SECONDS = 5.0
"""The whole of a fetch ends after this time, however slowly the server sends."""

T = TypeVar("T")
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
    if not where.startswith(("https://", "http://")):
        return FileKeySet(Path(where))
    if where.startswith("http://"):
        log.warning("TIDEMARK_JWT_KEYS: without https, whoever is between can replace the keys that verify tokens")
    return UrlKeySet(where, network)


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
        self._opener = opener(network, url, redirects=True)
        self._keys: Keys = {}
        self._fetched = self._tried = -_FRESH_SECONDS
        self._lock = asyncio.Lock()
        self._fetching: asyncio.Future[bytes] | None = None

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
                self._keys = parse_keys(await self._fetch())
            except (OSError, ValueError, HTTPException) as error:
                log.warning("the key set could not be fetched%s: %s", self._through, str(error) or "it took too long")
                if not self._keys:
                    raise Unavailable("the key set that verifies tokens is unavailable; try again") from None
            else:
                self._fetched = time.monotonic()

    async def _fetch(self) -> bytes:
        """Return the text of the set.

        Raises:
            OSError: the server does not answer, or not within `_FETCH_SECONDS`.
        """
        if self._fetching is None or self._fetching.done():
            self._fetching = _in_daemon_thread(self._download)
        # A server that sends a byte of its headers now and then holds the thread for longer. It is one thread at most,
        # because the next fetch waits for the same one, and a daemon, so that the process can stop.
        async with asyncio.timeout(_FETCH_SECONDS):
            return await asyncio.shield(self._fetching)

    def _download(self) -> bytes:
        ends = time.monotonic() + _FETCH_SECONDS
        with self._opener.open(self._url, timeout=_TIMEOUT) as answer:
            return read_body(answer, ends=ends, most=_MAX_SET)


def _in_daemon_thread(call: Callable[[], T]) -> "asyncio.Future[T]":
    found: Future[T] = Future()

    def run() -> None:
        try:
            found.set_result(call())
        except Exception as error:  # noqa: BLE001 - whoever waits for the future gets it
            found.set_exception(error)

    threading.Thread(target=run, name="key set", daemon=True).start()
    return asyncio.wrap_future(found)


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
            except (jwt.PyJWTError, ValueError, TypeError) as error:
                raise ValueError(f"one of its keys cannot be read: {error}") from None
    if not found:
        raise ValueError("it has no Ed25519 or RSA key for signatures")
    return found


def _algorithm(key: Any) -> str | None:
    """Return the algorithm of a public key for signatures; None for other keys, and for those with a malformed id."""
    if not isinstance(key, dict) or key.get("use", "sig") != "sig" or not isinstance(key.get("kid"), str | None):
        return None
    kind = (key.get("kty"), key.get("crv"))
    algorithm = "EdDSA" if kind == ("OKP", "Ed25519") else "RS256" if kind == ("RSA", None) else None
    return algorithm if key.get("alg", algorithm) == algorithm else None


def _pick(keys: Keys, key_id: str | None) -> PyJWK | None:
    if key_id is None and len(keys) == 1:
        return next(iter(keys.values()))
    return keys.get(key_id)
