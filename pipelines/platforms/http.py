"""HTTP to the platforms: one pooled session each, timeouts, and retries for what is transient only.

Tokens travel in the Authorization header or a form body, never in a URL, so that no log, error or proxy shows one.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import requests
import tenacity
from requests.adapters import HTTPAdapter

from metrics.clock import utcnow
from pipelines.platforms.base import Tally
from pipelines.platforms.errors import BadAnswer, RateLimited, Transient
from pipelines.platforms.turns import Turns

TIMEOUT = (5.0, 30.0)
TRIES = 4
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 20.0
LONGEST_ASKED_WAIT_SECONDS = 60.0


class Http:
    """JSON over one platform's base URL, `calls` at once; thread-safe, one per platform and process.

    `check` is called before every call and raises what forbids it.
    """

    def __init__(
        self,
        base_url: str,
        calls: int = 10,
        *,
        timeout: tuple[float, float] = TIMEOUT,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._check = check
        self._under_way = Turns(calls)
        self.base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "tidemark"
        # Where calls go, settings alone decide: no proxy and no netrc of the machine.
        self._session.trust_env = False
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=calls)
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
            BadAnswer: the host does not exist, or what answers is no JSON API.
        """
        sent = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}
        try:
            # Prepared and read outside of the bound: it counts calls under way, not work of ours.
            request = self._session.prepare_request(
                requests.Request(method, self.base_url + path, params=params, data=form, headers=sent)
            )
            with self._under_way:
                self._check()
                answer = self._session.send(request, timeout=self._timeout)
        except requests.Timeout:
            raise Transient(f"no answer from {self._host} in time") from None
        except requests.ConnectionError as error:
            raise self._unreachable(error) from None
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            raise Transient(f"the connection to {self._host} was cut") from None
        except requests.RequestException as error:
            raise BadAnswer(f"{self._host}: {type(error).__name__}") from None
        return answer.status_code, self._json(answer), answer.headers

    @property
    def _host(self) -> str:
        return self.base_url.partition("://")[2].partition("/")[0]

    def _unreachable(self, error: requests.ConnectionError) -> BadAnswer | Transient:
        text = str(error)
        if "NameResolution" in text or "Name or service" in text or "getaddrinfo" in text:
            return BadAnswer(f"the host {self._host} is not known: check the platform's base URL")
        if "refused" in text:
            return Transient(f"{self._host} refuses connections")
        return Transient(f"the connection to {self._host} was cut")

    def _json(self, answer: requests.Response) -> Any:
        kind = answer.headers.get("Content-Type", "")
        try:
            return orjson.loads(answer.content)
        except ValueError:
            if answer.status_code >= 500 or answer.status_code == 429:
                raise overloaded(f"{self._host} answers {answer.status_code}", answer.headers) from None
            if "html" in kind:
                raise BadAnswer(f"{self._host} answers an HTML page ({answer.status_code}) instead of JSON") from None
            raise Transient(f"{self._host} answers broken JSON ({answer.status_code})") from None


def overloaded(message: str, headers: Mapping[str, str]) -> Transient | RateLimited:
    """Return what an overloaded platform asks for: a try soon, or a pause that no thread should sleep through."""
    seconds = _retry_after(headers.get("Retry-After", ""))
    if seconds is not None and seconds > LONGEST_ASKED_WAIT_SECONDS:
        return RateLimited(message, utcnow() + timedelta(seconds=seconds), "account")
    return Transient(message, seconds)


def _retry_after(text: str) -> float | None:
    """Return the seconds of a `Retry-After` header, a number or a date (RFC 9110, 10.2.3)."""
    if text.isdecimal():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max((at - datetime.now(UTC)).total_seconds(), 0.0)


def retrying(tally: Tally) -> tenacity.Retrying:
    """Return the retry policy: exponential backoff with full jitter, `Retry-After` obeyed, transient errors only."""
    jitter = tenacity.wait_random_exponential(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS)

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, Transient) else None
        return asked if asked is not None else jitter(state)

    def count(state: tenacity.RetryCallState) -> None:
        tally.retries += 1
        tally.waited_seconds += state.next_action.sleep if state.next_action else 0.0

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(Transient),
        stop=tenacity.stop_after_attempt(TRIES),
        wait=wait,
        before_sleep=count,
        reraise=True,
    )
