"""Pools of HTTP connections with the proxy and certificates of the settings, and messages for their errors."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import certifi
from urllib3 import PoolManager, ProxyManager, make_headers
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as TimedOut

from metrics.network import Network, Proxy
from pipelines.platforms.http.deadlines import POOLS

LOGIN_REQUIRED = 407
UNKNOWN_HOST = ("NameResolution", "Name or service", "getaddrinfo", "Failed to resolve")
"""Parts of error messages of urllib3 for a host name that cannot be resolved."""


def open_connections(network: Network, url: str, most: int = 1) -> PoolManager:
    """Return a manager that keeps at most so many connections to the host of a URL open between requests.

    It reads no environment variables and no netrc file, stores no cookies, and its connections obey
    `deadlines.deadline`.
    """
    options: dict[str, Any] = {"num_pools": 4, "maxsize": most, "cert_reqs": "CERT_REQUIRED"}
    authorities = network.ca_bundle or certifi.where()
    options["ca_cert_dir" if Path(authorities).is_dir() else "ca_certs"] = authorities
    proxy = network.proxy_for(url)
    manager = PoolManager(**options) if proxy is None else _through(proxy, options)
    manager.pool_classes_by_scheme = POOLS
    return manager


def _through(proxy: Proxy, options: dict[str, Any]) -> ProxyManager:
    """Return a manager whose connections go through a proxy, with the login that its URL has."""
    parts = urlsplit(proxy.url)
    login = None
    if parts.username is not None:
        login = make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")
    return ProxyManager(proxy.url, proxy_headers=login, **options)


def is_too_slow(error: HTTPError) -> bool:
    """Tell whether the server did not answer in time; urllib3 counts refused connections among such errors."""
    return isinstance(error, TimedOut) and not isinstance(error, NewConnectionError)


def is_untrusted(error: HTTPError) -> bool:
    """Tell whether the server's certificate is from an untrusted authority, or for another host."""
    return isinstance(error, SSLError) and "certificate" in str(error).lower()


def proxy_failure(proxy: Proxy, error: HTTPError) -> tuple[str, bool]:
    """Return a message about a proxy's failure, and whether a retry may succeed. The message has no credentials."""
    text = str(error)
    if found := re.search(r"Tunnel connection failed: ([0-9]{3})", text):
        if int(found[1]) == LOGIN_REQUIRED:
            return login_required(proxy), False
        return f"{proxy} refuses the connection ({found[1]})", True
    if any(word in text for word in UNKNOWN_HOST):
        return f"{proxy} is not known: check its name", False
    return f"{proxy} cannot be reached", True


def login_required(proxy: Proxy) -> str:
    """Return the message for a proxy that does not accept the login in its URL, or requires one."""
    return f"{proxy} wants another login ({LOGIN_REQUIRED})"
