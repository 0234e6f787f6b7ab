"""What answers over HTTP: the API, the platforms and their clocks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import parsedate_to_datetime

import requests

from metrics.clock import machine_now
from metrics.documents import PLATFORMS
from metrics.network import Network
from metrics.settings import PREFIX, Settings
from pipelines.platforms.http.sessions import LOGIN_REQUIRED, is_untrusted, login_required, open_session, refusal
from tidemark.checkup.finding import Finding, Trouble, look

MOST_SKEW_SECONDS = 60.0
_SECONDS = 5.0
_HERE = Network({}, (), None)


def api(up: dict[str, str]) -> Iterator[Finding]:
    """Yield what is to say of the services of a running stack."""
    yield look("HTTP API", lambda: _answers(f"{up['http']}/readyz", "serving"))
    if up["dagster"]:
        yield look("Dagster UI", lambda: _answers(f"{up['dagster']}/server_info", "dagster-webserver"))


def platforms(settings: Settings) -> list[Finding]:
    """Return what is to say of each platform's API, as it is reached from here; asked without credentials."""
    with ThreadPoolExecutor(len(PLATFORMS)) as pool:
        return list(pool.map(lambda name: look(name, lambda: _platform(settings, name)), PLATFORMS))


def _answers(url: str, log: str) -> str:
    try:
        with open_session(_HERE, url) as session:
            session.get(url, timeout=_SECONDS).raise_for_status()
    except requests.RequestException as error:
        raise Trouble(f"{url}: {_words(error)}", f"see logs/{log}.log in TIDEMARK_HOME") from None
    return f"{url} answers"


def _platform(settings: Settings, name: str) -> str:
    url, out, variable = settings.platform_url(name), Network.of(settings), f"{PREFIX}{name.upper()}_URL"
    proxy = out.proxy_for(url)
    try:
        with open_session(out, url) as session:
            before = machine_now()
            answer = session.get(url, timeout=_SECONDS, allow_redirects=False, stream=True)
            after = machine_now()
    except requests.RequestException as error:
        if is_untrusted(error):
            detail = f"{url}: its certificate is of no authority that is trusted here"
            raise Trouble(detail, f"put the proxy's authority into the file of {PREFIX}CA_BUNDLE") from None
        if isinstance(error, requests.exceptions.ProxyError) and proxy is not None:
            raise Trouble(f"{url}: {refusal(proxy, error)[0]}", f"correct {proxy.variable}") from None
        raise Trouble(f"{url}: {_words(error)}", f"check the network and its proxy, or {variable}") from None
    if proxy is not None and answer.status_code == LOGIN_REQUIRED:
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


def _words(error: requests.RequestException) -> str:
    """Say what happened without the library's chain of causes."""
    if error.response is not None:
        return f"answers {error.response.status_code}"
    return "does not answer in time" if isinstance(error, requests.Timeout) else "cannot be reached"
