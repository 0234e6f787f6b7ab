"""What answers over HTTP: the API, the platforms and their clocks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import parsedate_to_datetime

import requests

from metrics.clock import utcnow
from metrics.documents import PLATFORMS
from metrics.settings import PREFIX, Settings
from tidemark.checkup.finding import Finding, Trouble, look

MOST_SKEW_SECONDS = 60.0
_SECONDS = 5.0


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
        requests.get(url, timeout=_SECONDS).raise_for_status()
    except requests.RequestException as error:
        raise Trouble(f"{url}: {_words(error)}", f"see logs/{log}.log in TIDEMARK_HOME") from None
    return f"{url} answers"


def _platform(settings: Settings, name: str) -> str:
    url = settings.platform_url(name)
    try:
        before = utcnow()
        answer = requests.get(url, timeout=_SECONDS, allow_redirects=False, stream=True)
        after = utcnow()
        answer.close()
    except requests.RequestException as error:
        remedy = f"check the network and its proxy, or {PREFIX}{name.upper()}_URL"
        raise Trouble(f"{url}: {_words(error)}", remedy) from None
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
