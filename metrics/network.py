"""The outgoing network: the proxy for each URL, and the trusted certificate authorities.

TIDEMARK_PROXY and TIDEMARK_CA_BUNDLE configure both. If they are not set, the variables of other programs apply:
HTTPS_PROXY, HTTP_PROXY, REQUESTS_CA_BUNDLE, SSL_CERT_FILE. NO_PROXY names hosts that are reached without any proxy, and
so is this machine. No netrc file is ever read: credentials are sent only where the settings say.

Our own HTTP calls use `Network.proxy_for` and `Network.ssl_context`. Libraries with HTTP clients of their own (apprise,
the storage drivers of fsspec) read environment variables: `Network.export` sets those for this process.
"""

import binascii
import ipaddress
import os
import re
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from metrics.errors import SettingsError

if TYPE_CHECKING:
    import ssl

    from metrics.settings import Settings

NO_PROXY = "none"
"""The value of TIDEMARK_PROXY that switches all proxies off, also those of the other variables."""

_LOCAL = ("localhost", "127.0.0.0/8", "::1")
_PORTS = {"http": 80, "https": 443}
_BUNDLES = (
    "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
)  # fmt: skip
_CERTIFICATE = re.compile(rb"-----BEGIN (?:TRUSTED )?CERTIFICATE-----(.*?)-----END", re.DOTALL)
_DER = b"\x30"
"""The first byte of a certificate: an ASN.1 sequence."""
_FORM = (
    "give it as http://host:3128 or http://user:password@host:3128, with signs such as @ / # in user and password "
    "percent-encoded"
)
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
"""The names of the files that OpenSSL reads in a folder of authorities: it ignores all others."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the variable that names it. The URL may hold a password, so no message shows it."""

    url: str = field(repr=False)
    variable: str

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return str(parts.hostname), parts.port or _PORTS[parts.scheme]

    def __str__(self) -> str:
        host, port = self.address
        return f"the proxy {f'[{host}]' if ':' in host else host}:{port} ({self.variable})"


@dataclass(frozen=True, slots=True)
class Network:
    """Proxies by the scheme of the URL, hosts that are reached directly, and the file of certificate authorities."""

    proxies: Mapping[str, Proxy]
    direct: tuple[str, ...]
    ca_bundle: str | None

    @classmethod
    def of(cls, settings: "Settings", environment: Mapping[str, str] = os.environ) -> "Network":
        """Return the network that the settings and the environment variables describe.

        Raises:
            SettingsError: a proxy or the file is unusable; the message names the variable without its value.
        """
        own = settings.proxy.get_secret_value() if settings.proxy else None
        if own is None:
            proxies = dict(_of_environment(environment))
        elif own == NO_PROXY:
            proxies = {}
        else:
            proxies = dict.fromkeys(_PORTS, _checked_proxy(own, "TIDEMARK_PROXY"))
        excepted = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
        direct = tuple(part for text in excepted.split(",") if (part := text.strip().lower()))
        return cls(proxies, tuple(dict.fromkeys((*_LOCAL, *direct))), _ca_bundle(settings, environment))

    def proxy_for(self, url: str) -> Proxy | None:
        """Return the proxy for a URL, or None if its host is reached directly."""
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
        if any(_covers(pattern, host, port) for pattern in self.direct):
            return None
        return self.proxies.get(parts.scheme)

    def ssl_context(self) -> "ssl.SSLContext":
        """Return a TLS context that trusts the authorities of the file, or those of the system if no file is set."""
        import ssl  # Slow to import, and most commands do not need it.

        if self.ca_bundle is None:
            return ssl.create_default_context()
        if Path(self.ca_bundle).is_dir():
            return ssl.create_default_context(capath=self.ca_bundle)
        return ssl.create_default_context(cafile=self.ca_bundle)

    def export(self, environment: MutableMapping[str, str] = os.environ) -> None:
        """Set the variables that other libraries read: requests, aiohttp, botocore, gRPC, curl."""
        for scheme in _PORTS:
            for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY"):
                environment.pop(name, None)
                if proxy := self.proxies.get(scheme):
                    environment[name] = proxy.url
        for name in ("no_proxy", "NO_PROXY"):
            environment[name] = ",".join(self.direct)
        if self.ca_bundle is not None:
            for name in _BUNDLES:
                environment[name] = self.ca_bundle
        environment["NETRC"] = os.devnull


def _of_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, Proxy]]:
    for scheme in _PORTS:
        # The lower-case variable wins, as in curl.
        for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY"):
            if text := environment.get(name, "").strip():
                yield scheme, _checked_proxy(text if "://" in text else f"http://{text}", name)
                break


def _checked_proxy(url: str, variable: str) -> Proxy:
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
        # In a login with an unescaped slash, the part before the slash would be parsed as the host.
        usable = usable and parts.path in ("", "/") and not (parts.query or parts.fragment)
        # A login is sent in latin-1 (RFC 7617 leaves the charset open; requests uses that one).
        unquote(f"{parts.username}{parts.password}").encode("latin-1")
        str(parts.hostname).encode("idna")
    except ValueError:
        usable = False
    if not usable or any(not char.isprintable() or char == " " for char in url):
        raise SettingsError(
            f"{variable}: {_FORM}" + (f", or set TIDEMARK_PROXY={NO_PROXY}" if variable[0] != "T" else "")
        )
    return Proxy(url, variable)


def _covers(pattern: str, host: str, port: int) -> bool:
    """Tell whether an entry of NO_PROXY matches a host: a name matches itself and its subdomains, `*` matches all."""
    if pattern == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        pass  # The host or the pattern is a name, not an address.
    name, _, only = pattern.partition(":") if pattern.count(":") == 1 else (pattern, "", "")
    name = name.removeprefix("*").lstrip(".").rstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}")) and only in ("", str(port))


def _ca_bundle(settings: "Settings", environment: Mapping[str, str]) -> str | None:
    paths = {"TIDEMARK_CA_BUNDLE": str(settings.ca_bundle) if settings.ca_bundle else ""}
    paths |= {name: environment.get(name, "") for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")}
    for variable, path in paths.items():
        if path:
            if problem := _problem_of(path):
                raise SettingsError(f"{variable}: {path}: {problem}")
            return path
    return None


@lru_cache(maxsize=8)
def _problem_of(path: str) -> str | None:
    """Return the problem with a file of authorities, or None; each path is checked once per process.

    OpenSSL would find it too, but takes a tenth of a second to load the 150 or so authorities of a system.
    """
    try:
        if Path(path).is_dir():
            hashed = any(_HASHED.fullmatch(entry.name) for entry in Path(path).iterdir())
            return None if hashed else "holds no hashed certificates: run `openssl rehash` on the folder"
        blocks = _CERTIFICATE.findall(Path(path).read_bytes())
        whole = [binascii.a2b_base64(b"".join(block.split()), strict_mode=True)[:1] == _DER for block in blocks]
    except OSError as error:
        return f"{error.strerror}: give a readable file of certificates in PEM form"
    except ValueError:
        whole = []
    return None if whole and all(whole) else "holds no certificates in PEM form, or broken ones"
