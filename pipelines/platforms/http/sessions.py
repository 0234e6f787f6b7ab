"""`requests` sessions with the proxy and certificates of the settings, and messages for their errors."""

import re
from http.cookiejar import DefaultCookiePolicy

import requests
from requests.exceptions import ProxyError, SSLError

from metrics.network import Network, Proxy

LOGIN_REQUIRED = 407
UNKNOWN_HOST = ("NameResolution", "Name or service", "getaddrinfo")
"""Parts of error messages of `requests` for a host name that cannot be resolved."""


def open_session(network: Network, url: str) -> requests.Session:
    """Return a session for the host of a URL. It ignores the machine's environment variables and netrc file.

    It stores no cookies: all accounts of a platform share it, and one account's cookies would be sent with another's
    calls.
    """
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    if proxy := network.proxy_for(url):
        session.proxies = dict.fromkeys(("http", "https"), proxy.url)
    if network.ca_bundle is not None:
        session.verify = network.ca_bundle
    return session


def is_untrusted(error: Exception) -> bool:
    """Tell whether the server's certificate is from an untrusted authority, or for another host."""
    return isinstance(error, SSLError) and "certificate" in str(error).lower()


def proxy_failure(proxy: Proxy, error: ProxyError) -> tuple[str, bool]:
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
