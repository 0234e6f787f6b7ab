"""HTTP to the platforms: one pooled session each, timeouts, a total deadline, and a bound on the size of answers.

Tokens travel in the Authorization header or a form body, never in a URL, so that no log, error or proxy shows one.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import requests

from metrics.network import Network
from metrics.settings import load_settings
from pipelines.platforms.errors import BadAnswer, Transient
from pipelines.platforms.forms import FORM, encoded
from pipelines.platforms.http.bodies import parsed
from pipelines.platforms.http.deadlines import DeadlineAdapter, deadline
from pipelines.platforms.http.retries import overloaded
from pipelines.platforms.http.sessions import (
    LOGIN_REQUIRED,
    UNKNOWN_HOST,
    is_untrusted,
    login_required,
    open_session,
    refusal,
)
from pipelines.platforms.http.turns import Turns

TIMEOUT = (5.0, 30.0)
"""Seconds for connecting, and for each single read."""

TOTAL_SECONDS = 60.0
"""How long a request may take in all, from the connection to the last byte of the body."""

MOST_BYTES = 32 * 1024 * 1024
"""The size of a body, unpacked, beyond which an answer is refused. A batch of fifty posts of the Graph API, the largest
answer that is asked for, has less than one hundredth of that."""

_CHUNK = 16 * 1024
"""Bytes that are read at a time; packed ones may become a thousand times as many."""

_SECRETS = ("refresh_token", "client_secret")
"""Fields of a form that no message may show."""
_SHORTEST_SECRET = 16


class Http:
    """JSON over one platform's base URL, `calls` at once; thread-safe, one per platform and process.

    `check` is called before every call and raises what forbids it. `network` says by which proxy and under whose
    certificates; without one, the settings of the process do.
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
        self._under_way = Turns(calls)
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
        params: Mapping[str, str] | str | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Return status, JSON body and headers of one answer, whatever the status.

        `params` as text are sent as they are: Rest.li has an encoding of its own.

        Raises:
            Transient: no answer in time, a refused or cut connection, broken JSON, a 5xx page.
            RateLimited: a page of a proxy or of the platform asks for a long pause.
            BadAnswer: the host does not exist, its certificate or the proxy's login is not accepted, what answers is
                no JSON API, or a body has more than `MOST_BYTES`.
        """
        began = time.monotonic()
        sent = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        # What requests does with fields by itself is the same and takes three times as long.
        query = encoded(params) if isinstance(params, Mapping) else params
        data = None
        if form is not None:
            sent["Content-Type"], data = FORM, encoded(form)
        try:
            # Prepared and read outside of the bound: it counts calls under way, not work of ours.
            request = self._session.prepare_request(
                requests.Request(method, self.base_url + path, params=query, data=data, headers=sent)
            )
            with self._under_way, deadline(self._total):
                began = time.monotonic()
                self._check()
                # A token goes to the host that it was stored for, and to no other that an answer names.
                answer = self._session.send(request, timeout=self._timeout, allow_redirects=False, stream=True)
                content = self._content(answer)
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
            # requests reads the address of a redirect even where it does not follow it.
            raise BadAnswer(f"{self._host} redirects to no address: check the platform's base URL") from None
        except OSError:
            raise BadAnswer(
                "the file of certificate authorities (TIDEMARK_CA_BUNDLE) cannot be read any more"
            ) from None
        if self._proxy is not None and answer.status_code == LOGIN_REQUIRED:
            raise BadAnswer(f"{self._host}: {login_required(self._proxy)}")
        if 300 <= answer.status_code < 400:
            raise BadAnswer(f"{self._host} redirects to another place: check the platform's base URL")
        return answer.status_code, self._json(answer, content, _quotable(answer, token, form or {})), answer.headers

    @property
    def _host(self) -> str:
        return self.base_url.partition("://")[2].partition("/")[0]

    def _unreachable(self, error: requests.ConnectionError) -> BadAnswer | Transient:
        text = str(error)
        if is_untrusted(error):
            return BadAnswer(
                f"the certificate of {self._host} is of no authority that is trusted here: a proxy's own belongs into "
                "the file of TIDEMARK_CA_BUNDLE"
            )
        if isinstance(error, requests.exceptions.ProxyError) and self._proxy is not None:
            words, passing = refusal(self._proxy, error)
            return Transient(f"{self._host}: {words}") if passing else BadAnswer(f"{self._host}: {words}")
        if any(word in text for word in UNKNOWN_HOST):
            return BadAnswer(f"the host {self._host} is not known: check the platform's base URL")
        if "refused" in text:
            return Transient(f"{self._host} refuses connections")
        return Transient(f"the connection to {self._host} was cut")

    def _content(self, answer: requests.Response) -> bytes:
        """Return the body of an answer, unpacked.

        Raises:
            BadAnswer: it is larger than `MOST_BYTES`.
        """
        found = bytearray()
        with closing(answer):
            for chunk in answer.iter_content(_CHUNK):
                found += chunk
                if len(found) > MOST_BYTES:
                    raise BadAnswer(f"{self._host} answers more than {MOST_BYTES} bytes, and no answer has that many")
        return bytes(found)

    def _json(self, answer: requests.Response, content: bytes, secrets: list[str]) -> Any:
        kind = answer.headers.get("Content-Type", "")
        for secret in secrets:
            content = content.replace(secret.encode(), "…".encode())
        try:
            return parsed(content)
        except ValueError:
            if answer.status_code >= 500 or answer.status_code == 429:
                raise overloaded(f"{self._host} answers {answer.status_code}", answer.headers) from None
            if "html" in kind:
                raise BadAnswer(f"{self._host} answers an HTML page ({answer.status_code}) instead of JSON") from None
            raise Transient(f"{self._host} answers broken JSON ({answer.status_code})") from None


def _quotable(answer: requests.Response, token: str | None, form: Mapping[str, str]) -> list[str]:
    """Return the secrets that are cut out of an answer, because platforms quote them in their errors.

    In an answer that is no error the token stays: a refresh may answer with the token that it was asked with.
    """
    failed = answer.status_code >= 400
    found = [token] if token and (failed or form) else []
    found += [form[name] for name in _SECRETS if name in form] if failed else []
    return [secret for secret in found if len(secret) >= _SHORTEST_SECRET]
