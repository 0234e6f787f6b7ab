"""The ASGI app: one port for all platforms, control beside them."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from metrics.documents import Platform
from simulator import truth
from simulator.clock import Clock
from simulator.faults import Fault, Faults
from simulator.registry import new_world, open_apis
from simulator.state import Api, State
from simulator.state import Request as ApiRequest
from simulator.wire import encoded
from simulator.world import EPOCH, World

LONGEST_LATENCY_MS = 60_000
MOST_ACCOUNTS = 10_000
FIRST, LAST = EPOCH - timedelta(days=3_650), EPOCH + timedelta(days=36_500)


def create_app(world: World | None = None, clock: Clock | None = None, *, latency_ms: float = 0.0) -> Starlette:
    """Return the simulator; every answer of a platform takes `latency_ms`, its own work included."""
    world = world or new_world()
    state = State(world, clock or Clock(), Faults(world.seed))
    control = Control(state, latency_ms)
    apis = open_apis(state)

    async def answer(request: Request) -> Response:
        return await _answer(apis, control, request)

    app = Starlette(
        routes=[
            Route("/_control/clock", control.clock, methods=["GET", "PUT", "DELETE"]),
            Route("/_control/faults", control.faults, methods=["GET", "PUT", "DELETE"]),
            Route("/_control/latency", control.latency, methods=["GET", "PUT"]),
            Route("/_control/calls", control.calls, methods=["GET", "DELETE"]),
            Route("/_control/reset", control.reset, methods=["POST"]),
            Route("/_control/truth", control.truth, methods=["GET"]),
            Route("/_control/accounts", control.accounts, methods=["GET"]),
            Route("/{path:path}", answer, methods=["GET", "POST"]),
        ]
    )
    app.state.simulator = state
    return app


async def _answer(apis: tuple[Api, ...], control: "Control", request: Request) -> Response:
    """Answer when the latency is over: work of the simulator's own is within it, not on top."""
    loop = asyncio.get_running_loop()
    arrived = loop.time()
    if not control.latency_ms:
        return await _worked_out(apis, control, request)
    # Worked on half-way: requests that come together are all timed before the first of them keeps the others waiting.
    await asyncio.sleep(control.latency_ms / 2000)
    answer = await _worked_out(apis, control, request)
    await asyncio.sleep(max(arrived + control.latency_ms / 1000 - loop.time(), 0))
    return answer


async def _worked_out(apis: tuple[Api, ...], control: "Control", request: Request) -> Response:
    path = request.scope["raw_path"].decode()
    api = next((api for api in apis if api.serves(path)), None)
    if api is None:
        detail = f"no platform serves {request.url.path}"
        return Response(orjson.dumps({"detail": detail}), 404, media_type="application/json")
    asked = ApiRequest(
        request.method,
        path,
        request.url.query,
        {name.lower(): value for name, value in request.headers.items()},
        await request.body(),
        str(request.base_url).rstrip("/"),
    )
    account = api.account(asked)
    account_id = account.platform_account_id if account else None
    faults = control.state.faults
    for kind in ("timeout", "slow"):
        if fault := faults.strike(kind, account_id):
            await asyncio.sleep(fault.seconds)
    if faults.strike("html", account_id):
        return Response("<html><body>Sorry, something went wrong.</body></html>", 200, media_type="text/html")
    answer = api.handle(asked)
    body = encoded(answer.body)
    if faults.strike("broken_json", account_id):
        body = body[: len(body) // 2]
    return Response(body, answer.status, answer.headers, media_type="application/json; charset=UTF-8")


class Control:
    """`/_control/…`: the clock, faults, counts of calls, and the truth itself."""

    def __init__(self, state: State, latency_ms: float) -> None:
        self.state = state
        self.latency_ms = latency_ms

    async def clock(self, request: Request) -> Response:
        """`GET` the time, `PUT {"now": "…"}` to set it, `DELETE` for the real one."""
        if request.method == "PUT":
            try:
                (text,) = _only(await request.json(), "now")
                instant = datetime.fromisoformat(text)
                if not FIRST <= instant < LAST:
                    return _refuse(f"the world is there from {FIRST:%Y-%m-%d} to {LAST:%Y-%m-%d}")
                self.state.clock.set(instant)
            except (ValueError, KeyError, TypeError):
                return _refuse('send {"now": "2026-01-15T10:00:00+00:00"}')
        elif request.method == "DELETE":
            self.state.clock.reset()
        return _json({"now": self.state.clock.now()})

    async def faults(self, request: Request) -> Response:
        """`PUT` a list of faults, `GET` them, `DELETE` them and revive dead tokens."""
        if request.method == "PUT":
            try:
                asked = await request.json()
                if not isinstance(asked, list):
                    return _refuse("send a list of faults")
                self.state.faults.active = [Fault.parse(value) for value in asked]
            except (ValueError, TypeError) as error:
                return _refuse(str(error))
        elif request.method == "DELETE":
            self.state.faults.active = []
            self.state.dead_tokens.clear()
        return _json([vars(fault) for fault in self.state.faults.active])

    async def latency(self, request: Request) -> Response:
        """`PUT {"ms": 100}`: every answer takes that long, or as long as working it out does."""
        if request.method == "PUT":
            try:
                (value,) = _only(await request.json(), "ms")
                milliseconds = float(value)
            except (ValueError, KeyError, TypeError):
                milliseconds = -1.0
            if not 0 <= milliseconds <= LONGEST_LATENCY_MS:
                return _refuse('send {"ms": 100}')
            self.latency_ms = milliseconds
        return _json({"ms": self.latency_ms})

    async def calls(self, request: Request) -> Response:
        """Count calls by kind and by account; `DELETE` begins at zero."""
        if request.method == "DELETE":
            self.state.calls.clear()
            self.state.calls_by_account.clear()
        return _json({"byKind": self.state.calls, "byAccount": self.state.calls_by_account})

    async def reset(self, _request: Request) -> Response:
        """`POST`: the real time, no faults, no latency, living tokens, nothing counted."""
        state = self.state
        state.clock.reset()
        state.faults.active = []
        for remembered in (state.dead_tokens, state.calls, state.calls_by_account, state.memory):
            remembered.clear()
        self.latency_ms = 0.0
        return _json({"now": state.clock.now()})

    async def truth(self, request: Request) -> Response:
        """`GET ?object=&field=&instant=`: what is true of an account or a post at an instant."""
        query = request.query_params
        try:
            instant = datetime.fromisoformat(query["instant"])
            found = self._true(query["object"], query["field"], instant, query.get("period"))
        except (KeyError, ValueError, TypeError):
            return _refuse(
                "ask with object, field and instant: ?object=17841400000000000&field=followers_count&instant=…; "
                "period=day, week or days_28 for the provider's amount of the days that end with that of the instant"
            )
        return _refuse("there is no such object") if found is None else _json({"value": found})

    def _true(self, name: str, field: str, instant: datetime, period: str | None) -> int | None:
        world = self.state.world
        for platform in world.platforms:
            if account := world.find(platform, name):
                if period is not None:
                    return truth.period_value(world, account, field, instant.date(), truth.PERIODS[period])
                return truth.account_value(world, account, field, instant)
            if post := world.post(platform, name):
                return truth.post_value(world, post, field, instant)
        return None

    async def accounts(self, request: Request) -> Response:
        """`GET ?platform=instagram&count=5`: accounts with their tokens, to connect them; by default of all."""
        count, asked = request.query_params.get("count", "5"), request.query_params.get("platform")
        known = self.state.world.platforms
        if not count.isdecimal() or not 1 <= int(count) <= MOST_ACCOUNTS:
            return _refuse(f"count is a whole number from 1 to {MOST_ACCOUNTS}")
        platforms: list[Platform] = [name for name in known if asked in (None, name)]
        if not platforms:
            return _refuse(f"platform is one of {', '.join(known)}")
        found = (self.state.world.account(platform, n) for platform in platforms for n in range(int(count)))
        return _json(
            [
                {
                    "platform": a.platform,
                    "platformAccountId": a.platform_account_id,
                    "handle": a.handle,
                    "token": a.token,
                }
                for a in found
            ]
        )


def _only(value: Any, *names: str) -> list[Any]:
    """Return the values of exactly these keys.

    Raises:
        ValueError: it is no object, or has other keys.
    """
    if not isinstance(value, dict) or set(value) != set(names):
        raise ValueError(f"send {', '.join(names)} and nothing else")
    return [value[name] for name in names]


def _json(value: Any) -> Response:
    return Response(encoded(value), media_type="application/json")


def _refuse(detail: str) -> Response:
    return Response(orjson.dumps({"detail": detail}), 400, media_type="application/json")
