"""Sessions of requests that go the way the settings say, and words for a proxy or a certificate that stops them."""

import re
from http.cookiejar import DefaultCookiePolicy

import requests
from requests.exceptions import ProxyError, SSLError

from metrics.network import Network, Proxy

LOGIN_REQUIRED = 407
UNKNOWN_HOST = ("NameResolution", "Name or service", "getaddrinfo")
"""What errors of requests say of a name that has no address."""


def open_session(network: Network, url: str) -> requests.Session:
    """Return a session for the host of a URL. It reads neither variables nor a netrc of the machine.

    All accounts of a platform share it, so it keeps no cookies: one account's would go with the calls of another.
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
    """Tell whether the other side's certificate is of no authority that is trusted, or for another host."""
    return isinstance(error, SSLError) and "certificate" in str(error).lower()


def refusal(proxy: Proxy, error: ProxyError) -> tuple[str, bool]:
    """Return what a proxy did, and whether it may let the next call pass. The words hold no login."""
    text = str(error)
    if found := re.search(r"Tunnel connection failed: ([0-9]{3})", text):
        if int(found[1]) == LOGIN_REQUIRED:
            return login_required(proxy), False
        return f"{proxy} refuses the connection ({found[1]})", True
    if any(word in text for word in UNKNOWN_HOST):
        return f"{proxy} is not known: check its name", False
    return f"{proxy} cannot be reached", True


def login_required(proxy: Proxy) -> str:
    """Return the words for a proxy that does not accept the login in its URL, or the lack of one."""
    return f"{proxy} wants another login ({LOGIN_REQUIRED})"
