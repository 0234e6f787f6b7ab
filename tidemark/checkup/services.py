"""Checks over HTTP: Tidemark's API, Dagster's UI, the platforms and their clocks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import parsedate_to_datetime

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, ProxyError

from metrics.clock import machine_now
from metrics.documents import PLATFORMS
from metrics.network import Network
from metrics.settings import PREFIX, Settings
from pipelines.platforms.http.connections import (
    LOGIN_REQUIRED,
    is_too_slow,
    is_untrusted,
    login_required,
    open_connections,
    proxy_failure,
)
from tidemark.checkup.finding import Finding, Trouble, look

MOST_SKEW_SECONDS = 60.0
_SECONDS = 5.0
_HERE = Network({}, (), None)
_IDENTITY = {
    "http_port": ("/healthz", "status"),
    "dagster_port": ("/server_info", "dagster_webserver_version"),
    "simulator_port": ("/_control/clock", "now"),
}
"""For each setting of a port: a path that its service answers with a JSON object, and a key of that object."""


def api(up: dict[str, str]) -> Iterator[Finding]:
    """Yield the checks of the services of a running stack."""
    yield look("HTTP API", lambda: _answers(f"{up['http']}/readyz", "serving"))
    if up["dagster"]:
        yield look("Dagster UI", lambda: _answers(f"{up['dagster']}/server_info", "dagster-webserver"))


def platforms(settings: Settings) -> list[Finding]:
    """Return the checks of each platform's API: whether it can be reached, by a request without credentials."""
    with ThreadPoolExecutor(len(PLATFORMS)) as pool:
        return list(pool.map(lambda name: look(name, lambda: _platform(settings, name)), PLATFORMS))


def is_ours(setting: str, port: int) -> bool:
    """Tell whether the service that a setting gives a port listens there: the API, the UI or the simulator."""
    path, key = _IDENTITY[setting]
    url = f"http://127.0.0.1:{port}{path}"
    try:
        found = _asked(_HERE, url).json()
    except (HTTPError, ValueError):
        return False
    return isinstance(found, dict) and key in found


def _answers(url: str, log: str) -> str:
    try:
        status = _asked(_HERE, url).status
    except HTTPError as error:
        raise Trouble(f"{url}: {_words(error)}", f"see logs/{log}.log in TIDEMARK_HOME") from None
    if status >= 400:
        raise Trouble(f"{url}: answers {status}", f"see logs/{log}.log in TIDEMARK_HOME")
    return f"{url} answers"


def _platform(settings: Settings, name: str) -> str:
    url, out, variable = settings.platform_url(name), Network.of(settings), f"{PREFIX}{name.upper()}_URL"
    proxy = out.proxy_for(url)
    try:
        before = machine_now()
        answer = _asked(out, url)
        after = machine_now()
    except HTTPError as error:
        if is_untrusted(error):
            detail = f"{url}: its certificate is not from a trusted authority"
            raise Trouble(detail, f"add the proxy's authority to the file of {PREFIX}CA_BUNDLE") from None
        if isinstance(error, ProxyError) and proxy is not None:
            raise Trouble(f"{url}: {proxy_failure(proxy, error)[0]}", f"correct {proxy.variable}") from None
        raise Trouble(f"{url}: {_words(error)}", f"check the network and its proxy, or {variable}") from None
    if proxy is not None and answer.status == LOGIN_REQUIRED:
        raise Trouble(f"{url}: {login_required(proxy)}", f"correct {proxy.variable}")
    skew = _skew(answer.headers.get("Date"), before + (after - before) / 2)
    if skew is not None and abs(skew) > MOST_SKEW_SECONDS:
        raise Trouble(f"{url}: its clock is {skew:+.0f} s from ours", "run an NTP client on this machine")
    return f"{url} answers"


def _skew(date: str | None, now: datetime) -> float | None:
    try:
        return (parsedate_to_datetime(date or "") - now).total_seconds()
    except (ValueError, TypeError):
        return None


def _asked(network: Network, url: str) -> BaseHTTPResponse:
    """Return the answer to a GET request, which is sent once; redirects are not followed.

    Raises:
        HTTPError: there is no answer.
    """
    with open_connections(network, url) as connections:
        return connections.request("GET", url, timeout=_SECONDS, redirect=False, retries=False)


def _words(error: HTTPError) -> str:
    """Return what happened in words, without the library's chain of causes."""
    return "does not answer in time" if is_too_slow(error) else "cannot be reached"
