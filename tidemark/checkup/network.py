"""The way out: proxies and the certificates that are trusted."""

import socket
import ssl
from collections.abc import Iterator

from metrics.documents import PLATFORMS
from metrics.network import Network, Proxy
from metrics.settings import Settings
from tidemark.checkup.finding import Finding, Trouble, look

_SECONDS = 5.0


def network(settings: Settings) -> Iterator[Finding]:
    """Yield what is to say of the proxies that platforms are asked by, and of the file of authorities."""
    out = Network.of(settings)
    asked: dict[Proxy, list[str]] = {}
    for name in PLATFORMS:
        if proxy := out.proxy_for(settings.platform_url(name)):
            asked.setdefault(proxy, []).append(name)
    if not asked:
        yield Finding("proxy", True, "none for the platforms")
    for proxy, names in asked.items():
        yield look("proxy", lambda proxy=proxy, names=names: _proxy(proxy, names))  # type: ignore[misc]
    yield look("certificates", lambda: _certificates(out))


def _proxy(proxy: Proxy, names: list[str]) -> str:
    try:
        socket.create_connection(proxy.address, timeout=_SECONDS).close()
    except OSError as error:
        reason = "is not known" if isinstance(error, socket.gaierror) else "cannot be reached"
        raise Trouble(f"{proxy} {reason}", f"correct {proxy.variable}, or see that the proxy runs") from None
    return f"{proxy} for {', '.join(names)}"


def _certificates(out: Network) -> str:
    if out.ca_bundle is None:
        return "of the usual authorities"
    try:
        trusted = out.ssl_context().cert_store_stats()["x509_ca"]
    except ssl.SSLError as error:
        raise Trouble(f"{out.ca_bundle}: {error.reason}", "give a file of certificates in PEM form") from None
    return f"of {trusted} authorities in {out.ca_bundle}"
