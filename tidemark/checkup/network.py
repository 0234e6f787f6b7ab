"""Checks of outgoing connections: proxies, and the trusted certificate authorities."""

import socket
import ssl
from collections.abc import Iterator

from metrics.documents import PLATFORMS
from metrics.network import Network, Proxy
from metrics.settings import Settings
from tidemark.checkup.finding import Finding, Trouble, look

_SECONDS = 5.0


def network(settings: Settings) -> Iterator[Finding]:
    """Yield the checks of the proxies through which platforms are called, and of the file of authorities."""
    out = Network.of(settings)
    users: dict[Proxy, list[str]] = {}
    for name in PLATFORMS:
        if proxy := out.proxy_for(settings.platform_url(name)):
            users.setdefault(proxy, []).append(name)
    if not users:
        yield Finding("proxy", True, "none for the platforms")
    for proxy, names in users.items():
        yield look("proxy", lambda proxy=proxy, names=names: _proxy(proxy, names))  # type: ignore[misc]
    yield look("certificates", lambda: _certificates(out))


def _proxy(proxy: Proxy, names: list[str]) -> str:
    try:
        socket.create_connection(proxy.address, timeout=_SECONDS).close()
    except OSError as error:
        reason = "is not known" if isinstance(error, socket.gaierror) else "cannot be reached"
        raise Trouble(f"{proxy} {reason}", f"correct {proxy.variable}, or check that the proxy runs") from None
    return f"{proxy} for {', '.join(names)}"


def _certificates(out: Network) -> str:
    if out.ca_bundle is None:
        return "of the usual authorities"
    try:
        trusted = out.ssl_context().cert_store_stats()["x509_ca"]
    except ssl.SSLError as error:
        raise Trouble(f"{out.ca_bundle}: {error.reason}", "name a file of certificates in PEM format") from None
    return f"of {trusted} authorities in {out.ca_bundle}"
