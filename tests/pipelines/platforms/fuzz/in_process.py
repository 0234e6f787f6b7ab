"""The simulator without HTTP between, so that thousands of readings take seconds: every answer is kept, and may be
changed on its way."""

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
from simulator.wire import encoded
from tests.pipelines.platforms.fuzz.mutations import closed, opened

BUSY = 500, b'{"message": "the simulator cannot answer that"}'


class Standing(Clock):
    """Tells one instant for ever."""

    def __init__(self, instant: datetime) -> None:
        super().__init__()
        self._instant = instant

    def now(self) -> datetime:
        """Return that instant."""
        return self._instant


@dataclass(eq=False, repr=False)
class Call:
    """One call and its answer. In `body` the bodies of a batch's elements, which travel as text, are decoded."""

    method: str
    path: str
    sent: str
    status: int
    body: Any

    def __repr__(self) -> str:
        """Return what was asked; the answer would fill pages."""
        return f"<{self.method} {self.path[:80]}>"

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells calls apart."""
        return self.method, self.path, self.sent

    @property
    def elements(self) -> list[str]:
        """The relative URLs of a batch; empty for any other call."""
        form = parse_qs(self.sent)
        return [one["relative_url"] for one in orjson.loads(form["batch"][0])] if "batch" in form else []


Change = Callable[[Call], Any]
"""Returns the body that is sent instead of a call's."""


@dataclass
class Simulated:
    """A simulator whose clock stands still: what it answers to a request is worked out once, and remembered."""

    state: State
    change: Change | None = None
    calls: list[Call] = field(default_factory=list)
    _answers: dict[tuple[str, str, str], tuple[int, bytes]] = field(default_factory=dict)

    @classmethod
    def at(cls, now: datetime) -> "Simulated":
        """Return a simulator of its own."""
        world = new_world()
        return cls(State(world, Standing(now), Faults(world.seed)))

    def __post_init__(self) -> None:
        """Open the simulator's APIs."""
        self._apis = open_apis(self.state)

    def answered(self, method: str, path: str, sent: str, headers: Mapping[str, str]) -> tuple[int, Any]:
        """Return status and body of an answer, changed if anything changes it."""
        key = (method, path, sent)
        if key not in self._answers:
            self._answers[key] = self._worked_out(key, headers)
        status, body = self._answers[key]
        call = Call(*key, status, opened(orjson.loads(body)))
        self.calls.append(call)
        if self.change is not None:
            call.body = self.change(call)
            body = orjson.dumps(closed(call.body))
        return status, orjson.loads(body)

    def _worked_out(self, key: tuple[str, str, str], headers: Mapping[str, str]) -> tuple[int, bytes]:
        method, path, sent = key
        url = urlsplit(path)
        asked = Request(method, url.path, url.query, headers, sent.encode(), "http://simulator")
        try:
            answer = next(api for api in self._apis if api.serves(url.path)).handle(asked)
        except Exception:  # noqa: BLE001
            return BUSY
        return answer.status, encoded(answer.body)


class InProcess(Http):
    """The readers' client, whose calls go to a simulator in this process."""

    def __init__(self, simulated: Simulated) -> None:
        super().__init__("http://simulator")
        self._simulated = simulated

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
        """Return status, body and headers of an answer."""
        query = params if isinstance(params, str) else urlencode(params or {})
        sent = urlencode(form or {})
        told = {name.lower(): value for name, value in (headers or {}).items()}
        told["authorization"] = f"Bearer {token}"
        told["content-type"] = "application/x-www-form-urlencoded"
        status, body = self._simulated.answered(method, f"{path}?{query}", sent, told)
        return status, body, {}
