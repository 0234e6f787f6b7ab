"""The simulator called in process, without HTTP, so that thousands of readings take seconds. Each answer is cached, and
may be changed before the client gets it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson

from pipelines.platforms.http.client import Http
from simulator.clock import Clock
from simulator.faults import Faults
from simulator.registry import new_world, open_apis
from simulator.state import Request, State
from simulator.wire import encode_json
from tests.pipelines.platforms.fuzz.mutations import closed, opened

BUSY = 500, b'{"message": "the simulator cannot answer that"}'


class Standing(Clock):
    """A clock that stands still."""

    def __init__(self, instant: datetime) -> None:
        super().__init__()
        self._instant = instant

    def now(self) -> datetime:
        """Return the fixed instant."""
        return self._instant


@dataclass(eq=False, repr=False)
class Call:
    """One call and its answer. In `body`, the bodies of batch elements (JSON within JSON) are decoded."""

    method: str
    path: str
    sent: str
    status: int
    body: Any

    def __repr__(self) -> str:
        """Return the request without the answer, which would fill pages."""
        return f"<{self.method} {self.path[:80]}>"

    @property
    def key(self) -> tuple[str, str, str]:
        """The key that identifies the request."""
        return self.method, self.path, self.sent

    @property
    def elements(self) -> list[str]:
        """The relative URLs of a batch; empty for any other call."""
        form = parse_qs(self.sent)
        return [element["relative_url"] for element in orjson.loads(form["batch"][0])] if "batch" in form else []


Change = Callable[[Call], Any]
"""Returns the body to send instead of a call's own body."""


@dataclass
class Simulated:
    """A simulator whose clock stands still: each answer is computed once, and cached."""

    state: State
    change: Change | None = None
    calls: list[Call] = field(default_factory=list)
    _answers: dict[tuple[str, str, str], tuple[int, bytes]] = field(default_factory=dict)

    @classmethod
    def at(cls, now: datetime) -> "Simulated":
        """Return a new simulator at an instant."""
        world = new_world()
        return cls(State(world, Standing(now), Faults(world.seed)))

    def __post_init__(self) -> None:
        """Open the simulator's APIs."""
        self._apis = open_apis(self.state)

    def answered(self, method: str, path: str, sent: str, headers: Mapping[str, str]) -> tuple[int, Any]:
        """Return status and body of an answer, after `change` if there is one."""
        key = (method, path, sent)
        if key not in self._answers:
            self._answers[key] = self._computed(key, headers)
        status, body = self._answers[key]
        call = Call(*key, status, opened(orjson.loads(body)))
        self.calls.append(call)
        if self.change is not None:
            call.body = self.change(call)
            body = orjson.dumps(closed(call.body))
        return status, orjson.loads(body)

    def _computed(self, key: tuple[str, str, str], headers: Mapping[str, str]) -> tuple[int, bytes]:
        method, path, sent = key
        # The clock stands still, so that windows of calls would never end.
        self.state.memory.clear()
        url = urlsplit(path)
        request = Request(method, url.path, url.query, headers, sent.encode(), "http://simulator")
        try:
            answer = next(api for api in self._apis if api.serves(url.path)).handle(request)
        except Exception:  # noqa: BLE001
            return BUSY
        return answer.status, encode_json(answer.body)


class InProcess(Http):
    """An HTTP client whose calls go to a simulator in this process."""

    def __init__(self, simulated: Simulated) -> None:
        super().__init__("http://simulator")
        self._simulated = simulated

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
        """Return status, body and headers of an answer."""
        query = params if isinstance(params, str) else urlencode(params or {})
        sent = urlencode(form or {}) if json is None else orjson.dumps(json).decode()
        lowered = {name.lower(): value for name, value in (headers or {}).items()}
        lowered[sent_as.lower() or "authorization"] = str(token) if sent_as else f"Bearer {token}"
        lowered["content-type"] = "application/x-www-form-urlencoded" if json is None else "application/json"
        status, body = self._simulated.answered(method, f"{path}?{query}", sent, lowered)
        return status, body, {}
