"""The HTTP client of a platform: one pooled session, timeouts, a total deadline, and a size limit for response bodies.

Tokens travel in the Authorization header or a form body, never in a URL, so that no log, error or proxy shows one.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import orjson
import requests

from metrics.network import Network
from metrics.settings import load_settings
from pipelines.platforms.errors import BadAnswer, Transient
from pipelines.platforms.forms import FORM, encode_form
from pipelines.platforms.http.bodies import parse_body
from pipelines.platforms.http.deadlines import DeadlineAdapter, deadline
from pipelines.platforms.http.fair_semaphore import FairSemaphore
from pipelines.platforms.http.retries import overloaded
from pipelines.platforms.http.sessions import (
    LOGIN_REQUIRED,
    UNKNOWN_HOST,
    is_untrusted,
    login_required,
    open_session,
    proxy_failure,
)

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
        self._timeout = timeout
        self._total = total
        network = network or Network.of(load_settings())
        self._proxy = network.proxy_for(self.base_url)
        self._session = open_session(network, self.base_url)
        self._session.headers["User-Agent"] = "tidemark"
        adapter = DeadlineAdapter(pool_connections=4, pool_maxsize=calls)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

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
        return (
            answer.status_code,
            self._json(answer, content, _quotable(answer, token, form or json or {})),
            answer.headers,
        )

    def download(self, path: str, *, token: str, query: str = "") -> tuple[int, Any, Mapping[str, str]]:
        """Request a file; return status, content and headers of the answer. `query` is sent unchanged.

        The content of a success is bytes, that of a failure its JSON body. The errors are those of `send`.
        """
        answer, content = self._answer("GET", path, token, query or None)
        if answer.status_code < 400:
            return answer.status_code, content, answer.headers
        return answer.status_code, self._json(answer, content, _quotable(answer, token, {})), answer.headers

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
    ) -> tuple[requests.Response, bytes]:
        """Send one request; return the answer and its body, unless it comes from a proxy or redirects.

        Raises:
            Transient, RateLimited, BadAnswer: as `send`.
        """
        authorization = {sent_as: token} if sent_as else {"Authorization": f"Bearer {token}"}
        sent = {**(authorization if token else {}), **(headers or {})}
        # `requests` would encode the fields identically, but takes three times as long.
        query = encode_form(params) if isinstance(params, Mapping) else params
        data: str | bytes | None = None
        if form is not None:
            sent["Content-Type"], data = FORM, encode_form(form)
        elif json is not None:
            sent["Content-Type"], data = "application/json", orjson.dumps(json)
        answer, content = self._exchange(
            requests.Request(method, self.base_url + path, params=query, data=data, headers=sent)
        )
        if self._proxy is not None and answer.status_code == LOGIN_REQUIRED:
            raise BadAnswer(f"{self._host}: {login_required(self._proxy)}")
        if 300 <= answer.status_code < 400:
            raise BadAnswer(f"{self._host} redirects to another place: check the platform's base URL")
        return answer, content

    def _exchange(self, unprepared: requests.Request) -> tuple[requests.Response, bytes]:
        """Send a request within the deadline; return the answer and its body, or raise what its failure means.

        Raises:
            Transient: no answer in time, or a refused or cut connection.
            BadAnswer: the host cannot be reached as configured, or the body is too large.
        """
        began = time.monotonic()
        try:
            # Prepared and parsed outside of the semaphore, which is to bound calls under way, not our own CPU work.
            request = self._session.prepare_request(unprepared)
            with self._under_way, deadline(self._total):
                began = time.monotonic()
                self._check()
                # Redirects are not followed, because the token must not be sent to another host.
                answer = self._session.send(request, timeout=self._timeout, allow_redirects=False, stream=True)
                return answer, self._content(answer)
        except requests.Timeout:
            raise Transient(f"no answer from {self._host} in time") from None
        except requests.ConnectionError as error:
            if time.monotonic() - began >= self._total:
                raise Transient(f"{self._host} did not answer in full within {self._total:g} seconds") from None
            raise self._unreachable(error) from None
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            raise Transient(f"the connection to {self._host} was cut") from None
        except requests.RequestException as error:
            raise BadAnswer(f"{self._host}: {type(error).__name__}") from None
        except ValueError:
            # `requests` parses the target of a redirect even if it does not follow it.
            raise BadAnswer(f"{self._host} redirects to no valid address: check the platform's base URL") from None
        except OSError:
            raise BadAnswer("the file of certificate authorities (TIDEMARK_CA_BUNDLE) can no longer be read") from None

    @property
    def _host(self) -> str:
        return self.base_url.partition("://")[2].partition("/")[0]

    def _unreachable(self, error: requests.ConnectionError) -> BadAnswer | Transient:
        text = str(error)
        if is_untrusted(error):
            return BadAnswer(
                f"the certificate of {self._host} is not from a trusted authority: if a proxy issues its own, add the "
                "proxy's authority to the file of TIDEMARK_CA_BUNDLE"
            )
        if isinstance(error, requests.exceptions.ProxyError) and self._proxy is not None:
            words, passing = proxy_failure(self._proxy, error)
            return Transient(f"{self._host}: {words}") if passing else BadAnswer(f"{self._host}: {words}")
        if any(word in text for word in UNKNOWN_HOST):
            return BadAnswer(f"the host {self._host} is not known: check the platform's base URL")
        if "refused" in text:
            return Transient(f"{self._host} refuses connections")
        return Transient(f"the connection to {self._host} was cut")

    def _content(self, answer: requests.Response) -> bytes:
        """Return the decompressed body of an answer.

        Raises:
            BadAnswer: the body is larger than `MOST_BYTES`.
        """
        found = bytearray()
        with closing(answer):
            for chunk in answer.iter_content(_CHUNK):
                found += chunk
                if len(found) > MOST_BYTES:
                    raise BadAnswer(
                        f"{self._host} answers with more than {MOST_BYTES} bytes, the most that is accepted"
                    )
        return bytes(found)

    def _json(self, answer: requests.Response, content: bytes, secrets: list[str]) -> Any:
        kind = answer.headers.get("Content-Type", "")
        for secret in secrets:
            content = content.replace(secret.encode(), "…".encode())
        try:
            return parse_body(content)
        except ValueError:
            if answer.status_code >= 500 or answer.status_code == 429:
                raise overloaded(f"{self._host} answers {answer.status_code}", answer.headers) from None
            if "html" in kind:
                raise BadAnswer(f"{self._host} answers an HTML page ({answer.status_code}) instead of JSON") from None
            raise Transient(f"{self._host} answers broken JSON ({answer.status_code})") from None


def _quotable(answer: requests.Response, token: str | None, form: Mapping[str, Any]) -> list[str]:
    """Return the secrets to remove from an answer, because platforms quote them in their errors.

    The access token stays in the successful answer to a GET, because a refresh may return the same token; it is removed
    from every answer to a form.
    """
    failed = answer.status_code >= 400
    found = [token] if token and (failed or form) else []
    # A refreshed pair may repeat the refresh token, so only failures lose it; no answer has a use for a password.
    found += [form[name] for name in _SECRETS if name in form and (failed or name == "password")]
    return [secret for secret in found if len(secret) >= _SHORTEST_SECRET]
