"""A small HTTP client of the standard library: through the proxy of the settings, with a deadline and a size limit.

Serving uses it, which does without the larger client of the pipelines (`pipelines.platforms.http`).
"""

import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from metrics.errors import TidemarkError
from metrics.network import Network

_CHUNK = 64 * 1024


class WebError(TidemarkError):
    """A host did not answer, or not as an API does; the message names the host, and neither a path nor a secret."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of an answer; the repr shows no body, which may hold secrets."""

    status: int
    body: bytes = field(repr=False)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Returns an answer that redirects as it is."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow no redirect."""
        return


def opener(network: Network, url: str, *, redirects: bool) -> urllib.request.OpenerDirector:
    """Return an opener for the host of a URL, which follows redirects or returns them as answers."""
    proxy = network.proxy_for(url)
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.ProxyHandler(dict.fromkeys(("http", "https"), proxy.url) if proxy else {}),
        urllib.request.HTTPSHandler(context=network.ssl_context()),
    ]
    return urllib.request.build_opener(*handlers, *([] if redirects else [_NoRedirects()]))


def read_body(answer: Any, *, ends: float, most: int) -> bytes:
    """Return the body of an answer that has to be complete at the monotonic time `ends`.

    Raises:
        ValueError: it has more than `most` bytes.
        TimeoutError: it was not complete in time.
    """
    found = bytearray()
    while chunk := answer.read1(_CHUNK):
        found += chunk
        if len(found) > most:
            raise ValueError(f"it is longer than {most // 1024} KiB")
        if time.monotonic() > ends:
            raise TimeoutError
    return bytes(found)


def send(
    network: Network,
    url: str,
    *,
    query: Mapping[str, str] | None = None,
    form: Mapping[str, str] | str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 20.0,
    most: int = 1024 * 1024,
) -> Answer:
    """Send a GET request, or a POST request if there is a form, and return the answer, whatever its status.

    Redirects are not followed, because a token must not be sent to another host.

    Raises:
        WebError: there was no complete answer in time, or one that redirects or is too long.
    """
    host = urlsplit(url).netloc
    data = None if form is None else (form if isinstance(form, str) else urlencode(form)).encode()
    target = f"{url}?{urlencode(query)}" if query else url
    request = urllib.request.Request(  # noqa: S310 - the settings accept http and https only
        target, data, {"User-Agent": "tidemark", "Accept": "application/json", **(headers or {})}
    )
    ends = time.monotonic() + timeout
    try:
        try:
            answer = opener(network, url, redirects=False).open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            if 300 <= answer.status < 400:
                raise WebError(f"{host} redirects to another place: check the platform's base URL")
            return Answer(answer.status, read_body(answer, ends=ends, most=most))
    except TimeoutError:
        raise WebError(f"{host} did not answer in time") from None
    except ValueError as error:
        raise WebError(f"the answer of {host} cannot be read: {error}") from None
    except (OSError, HTTPException) as error:
        raise WebError(f"{host} cannot be reached ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    text = getattr(reason, "strerror", None)
    return text if isinstance(text, str) else type(reason).__name__
