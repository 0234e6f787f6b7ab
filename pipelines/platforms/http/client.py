"""The HTTP client of a platform: pooled connections, timeouts, a total deadline, and a size limit for response bodies.

Tokens travel in the Authorization header or a form body, never in a URL, so that no log, error or proxy shows one.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from urllib3 import BaseHTTPResponse, Timeout
from urllib3 import exceptions as failures
from urllib3.util.request import ACCEPT_ENCODING

from metrics.network import Network
from metrics.settings import load_settings
from pipelines.platforms.errors import BadAnswer, Transient
from pipelines.platforms.forms import FORM, encode_form
from pipelines.platforms.http.bodies import parse_body
from pipelines.platforms.http.connections import (
    LOGIN_REQUIRED,
    UNKNOWN_HOST,
    is_too_slow,
    is_untrusted,
    login_required,
    open_connections,
    proxy_failure,
)
from pipelines.platforms.http.deadlines import deadline
from pipelines.platforms.http.fair_semaphore import FairSemaphore
from pipelines.platforms.http.retries import overloaded

TIMEOUT = (5.0, 30.0)
"""Timeouts in seconds: for connecting, and for each single read."""

TOTAL_SECONDS = 60.0
"""Deadline of a whole request, from the connection to the last byte of the body."""

MOST_BYTES = 32 * 1024 * 1024
"""Maximum size of a decompressed body; larger answers are refused. The largest answer that is requested, a batch of
fifty posts of the Graph API, has less than one hundredth of that."""

_CHUNK = 16 * 1024
"""Bytes read at a time; compressed bytes may expand a thousandfold."""

_SECRETS = ("refresh_token", "client_secret", "password")
"""Fields of a body that no message may show."""
_SHORTEST_SECRET = 16

_USUAL = {"User-Agent": "tidemark", "Accept": "*/*", "Accept-Encoding": ACCEPT_ENCODING}


class _BodyCut(failures.HTTPError):
    """An answer's body is not whole."""


class Http:
    """A JSON client for one platform's base URL with at most `calls` concurrent calls; thread-safe.

    There is one per platform and process. `check` is called before every call, and raises an exception to prevent it.
    `network` has the proxy and the certificate authorities; by default they come from the settings of the process.
    """

    def __init__(
        self,
        base_url: str,
        calls: int = 10,
        *,
        timeout: tuple[float, float] = TIMEOUT,
        total: float = TOTAL_SECONDS,
        check: Callable[[], None] = lambda: None,
        network: Network | None = None,
    ) -> None:
        self._check = check
        self._under_way = FairSemaphore(calls)
        self.base_url = base_url.rstrip("/")
        self._timeout = Timeout(connect=timeout[0], read=timeout[1])
        self._total = total
        network = network or Network.of(load_settings())
        self._proxy = network.proxy_for(self.base_url)
        self._connections = open_connections(network, self.base_url, calls)

    def close(self) -> None:
        """Close the connections that are open and not in use."""
        self._connections.clear()

    def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        sent_as: str = "",
        params: Mapping[str, str] | str | None = None,
        form: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Send one request; return status, JSON body and headers of the answer, whatever the status.

        The token is sent as a bearer token (RFC 6750), or as it is in `sent_as` if that is given.
        `params` given as text are sent unchanged, because Rest.li has its own encoding. The body is `form` or `json`.

        Raises:
            Transient: no answer in time, a refused or cut connection, broken JSON, or an answer with status 429 or 5xx
                that is not JSON.
            RateLimited: like the latter, but with a long `Retry-After`.
            BadAnswer: the host does not exist or redirects, its certificate or the proxy's login is not accepted, the
                answer is an HTML page, or its body has more than `MOST_BYTES`.
        """
        answer, content = self._answer(
            method, path, token, params, sent_as=sent_as, form=form, json=json, headers=headers
        )
        return answer.status, self._json(answer, content, _quotable(answer, token, form or json or {})), answer.headers

    def download(self, path: str, *, token: str, query: str = "") -> tuple[int, Any, Mapping[str, str]]:
        """Request a file; return status, content and headers of the answer. `query` is sent unchanged.

        The content of a success is bytes, that of a failure its JSON body. The errors are those of `send`.
        """
        answer, content = self._answer("GET", path, token, query or None)
        if answer.status < 400:
            return answer.status, content, answer.headers
        return answer.status, self._json(answer, content, _quotable(answer, token, {})), answer.headers

    def _answer(
        self,
        method: str,
        path: str,
        token: str | None,
        params: Mapping[str, str] | str | None,
        *,
        sent_as: str = "",
        form: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[BaseHTTPResponse, bytes]:
        """Send one request; return the answer and its body, unless it comes from a proxy or redirects.

        Raises:
            Transient, RateLimited, BadAnswer: as `send`.
        """
        sent = {**_USUAL, **(headers or {})}
        if token:
            sent |= {sent_as: token} if sent_as else {"Authorization": f"Bearer {token}"}
        query = encode_form(params) if isinstance(params, Mapping) else params
        data: str | bytes | None = None
        if form is not None:
            sent["Content-Type"], data = FORM, encode_form(form)
        elif json is not None:
            sent["Content-Type"], data = "application/json", orjson.dumps(json)
        url = self.base_url + path
        answer, content = self._exchange(method, f"{url}?{query}" if query else url, data, sent)
        if self._proxy is not None and answer.status == LOGIN_REQUIRED:
            raise BadAnswer(f"{self._host}: {login_required(self._proxy)}")
        if 300 <= answer.status < 400:
            raise BadAnswer(f"{self._host} redirects to another place: check the platform's base URL")
        return answer, content

    def _exchange(
        self, method: str, url: str, data: str | bytes | None, headers: Mapping[str, str]
    ) -> tuple[BaseHTTPResponse, bytes]:
        """Send a request within the deadline; return the answer and its body, or raise what its failure means.

        Raises:
            Transient: no answer in time, or a refused or cut connection.
            BadAnswer: the host cannot be reached as configured, the body is too large, or a header cannot be sent.
        """
        began = time.monotonic()
        try:
            # The body is parsed outside of the semaphore, which is to bound calls under way, not our own CPU work.
            with self._under_way, deadline(self._total):
                began = time.monotonic()
                self._check()
                # Redirects are not followed, because the token must not be sent to another host.
                answer = self._connections.urlopen(
                    method, url, body=data, headers=headers, timeout=self._timeout, redirect=False, retries=False,
                    preload_content=False,
                )  # fmt: skip
                return answer, self._content(answer)
        except failures.HTTPError as error:
            raise self._failure(error, time.monotonic() - began) from None
        except ValueError:
            raise BadAnswer(f"{self._host}: a header of the request has characters that cannot be sent") from None

    @property
    def _host(self) -> str:
        return self.base_url.partition("://")[2].partition("/")[0]

    def _failure(self, error: failures.HTTPError, seconds: float) -> BadAnswer | Transient:
        """Return what an error of urllib3 means that was raised so many seconds after the request began."""
        text = str(error)
        if isinstance(error, failures.ProxyError) and self._proxy is not None:
            words, passing = proxy_failure(self._proxy, error)
            return Transient(f"{self._host}: {words}") if passing else BadAnswer(f"{self._host}: {words}")
        if isinstance(error, _BodyCut):
            if seconds >= self._total:
                return Transient(f"{self._host} did not answer in full within {self._total:g} seconds")
            return Transient(f"the connection to {self._host} was cut")
        if is_too_slow(error):
            return Transient(f"no answer from {self._host} in time")
        if is_untrusted(error):
            return BadAnswer(
                f"the certificate of {self._host} is not from a trusted authority: if a proxy issues its own, add the "
                "proxy's authority to the file of TIDEMARK_CA_BUNDLE"
            )
        if isinstance(error, failures.SSLError) and isinstance(error.args[0], FileNotFoundError | PermissionError):
            return BadAnswer("the file of certificate authorities (TIDEMARK_CA_BUNDLE) can no longer be read")
        if any(word in text for word in UNKNOWN_HOST):
            return BadAnswer(f"the host {self._host} is not known: check the platform's base URL")
        if "refused" in text:
            return Transient(f"{self._host} refuses connections")
        if isinstance(error, failures.LocationValueError):
            return BadAnswer(f"{self._host}: {type(error).__name__}: check the platform's base URL")
        return Transient(f"the connection to {self._host} was cut")

    def _content(self, answer: BaseHTTPResponse) -> bytes:
        """Return the decompressed body of an answer, after which its connection is free for another request.

        Raises:
            BadAnswer: the body is larger than `MOST_BYTES`.
            _BodyCut: the body is not whole, or is not compressed as the answer says.
        """
        found = bytearray()
        try:
            for chunk in answer.stream(_CHUNK):
                found += chunk
                if len(found) > MOST_BYTES:
                    answer.close()
                    raise BadAnswer(
                        f"{self._host} answers with more than {MOST_BYTES} bytes, the most that is accepted"
                    )
        except failures.HTTPError as error:
            answer.close()
            raise _BodyCut(str(error)) from error
        finally:
            answer.release_conn()
        return bytes(found)

    def _json(self, answer: BaseHTTPResponse, content: bytes, secrets: list[str]) -> Any:
        kind = answer.headers.get("Content-Type", "")
        for secret in secrets:
            content = content.replace(secret.encode(), "…".encode())
        try:
            return parse_body(content)
        except ValueError:
            if answer.status >= 500 or answer.status == 429:
                raise overloaded(f"{self._host} answers {answer.status}", answer.headers) from None
            if "html" in kind:
                raise BadAnswer(f"{self._host} answers an HTML page ({answer.status}) instead of JSON") from None
            raise Transient(f"{self._host} answers broken JSON ({answer.status})") from None


def _quotable(answer: BaseHTTPResponse, token: str | None, form: Mapping[str, Any]) -> list[str]:
    """Return the secrets to remove from an answer, because platforms quote them in their errors.

    The access token stays in the successful answer to a GET, because a refresh may return the same token; it is removed
    from every answer to a form.
    """
    failed = answer.status >= 400
    found = [token] if token and (failed or form) else []
    # A refreshed pair may repeat the refresh token, so only failures lose it; no answer has a use for a password.
    found += [form[name] for name in _SECRETS if name in form and (failed or name == "password")]
    return [secret for secret in found if len(secret) >= _SHORTEST_SECRET]
