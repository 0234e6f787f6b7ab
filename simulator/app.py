"""The ASGI app: one port for all platforms, control beside them."""

import asyncio
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator import instagram, truth
from simulator.clock import Clock
from simulator.faults import Fault, Faults
from simulator.graph import Answer, Graph, State
from simulator.world import World

LONGEST_LATENCY_MS = 60_000


def create_app(world: World | None = None, clock: Clock | None = None, *, latency_ms: float = 0.0) -> Starlette:
    """Return the simulator; `latency_ms` is added to every answer of a platform."""
    world = world or World()
    state = State(world, clock or Clock(), Faults(world.seed))
    graph = Graph(state, instagram.node)
    control = Control(state, latency_ms)

    async def answer_graph(request: Request) -> Response:
        return await _answer_graph(graph, control, request)

    app = Starlette(
        routes=[
            Route("/_control/clock", control.clock, methods=["GET", "PUT", "DELETE"]),
            Route("/_control/faults", control.faults, methods=["GET", "PUT", "DELETE"]),
            Route("/_control/latency", control.latency, methods=["GET", "PUT"]),
            Route("/_control/calls", control.calls, methods=["GET", "DELETE"]),
            Route("/_control/truth", control.truth, methods=["GET"]),
            Route("/_control/accounts", control.accounts, methods=["GET"]),
            Route("/{path:path}", answer_graph, methods=["GET", "POST"]),
        ]
    )
    app.state.simulator = state
    return app


async def _answer_graph(graph: Graph, control: "Control", request: Request) -> Response:
    if control.latency_ms:
        await asyncio.sleep(control.latency_ms / 1000)
    params = dict(request.query_params)
    if request.method == "POST":
        params |= dict(parse_qsl((await request.body()).decode()))
    token = request.headers.get("authorization", "").removeprefix("Bearer ").strip() or None
    faults = graph.state.faults
    account = graph.state.world.of_token(params.get("access_token") or token or "")
    account_id = account.platform_account_id if account else None
    if fault := faults.strike("timeout", account_id):
        await asyncio.sleep(fault.seconds)
    if faults.strike("html", account_id):
        return Response("<html><body>Sorry, something went wrong.</body></html>", 200, media_type="text/html")
    answer: Answer = graph.handle(request.method, request.url.path, params, token, str(request.base_url).rstrip("/"))
    body = orjson.dumps(answer.body)
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
                self.state.clock.set(datetime.fromisoformat(text))
            except (ValueError, KeyError, TypeError):
                return _refuse('send {"now": "2026-01-15T10:00:00+00:00"}')
        elif request.method == "DELETE":
            self.state.clock.reset()
        return _json({"now": self.state.clock.now()})

    async def faults(self, request: Request) -> Response:
        """`PUT` a list of faults, `GET` them, `DELETE` them and revive dead tokens."""
        if request.method == "PUT":
            try:
                self.state.faults.active = [Fault.parse(value) for value in await request.json()]
            except (ValueError, TypeError) as error:
                return _refuse(str(error))
        elif request.method == "DELETE":
            self.state.faults.active = []
            self.state.dead_tokens.clear()
        return _json([vars(fault) for fault in self.state.faults.active])

    async def latency(self, request: Request) -> Response:
        """`PUT {"ms": 100}`: every answer takes that much longer."""
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

    async def truth(self, request: Request) -> Response:
        """`GET ?object=&field=&instant=`: what is true of an account or a post at an instant."""
        query = request.query_params
        try:
            instant = datetime.fromisoformat(query["instant"])
            if post := self.state.world.post(query["object"]):
                return _json({"value": truth.post_value(self.state.world, post, query["field"], instant)})
            if account := self.state.world.find(query["object"]):
                return _json({"value": truth.account_value(self.state.world, account, query["field"], instant)})
        except (KeyError, ValueError, TypeError):
            return _refuse(
                "ask with object, field and instant: ?object=17841400000000000&field=followers_count&instant=…"
            )
        return _refuse("there is no such object")

    async def accounts(self, request: Request) -> Response:
        """`GET ?count=5`: accounts with their tokens, to connect them."""
        count = request.query_params.get("count", "5")
        if not count.isdecimal() or not 1 <= int(count) <= 10_000:
            return _refuse("count is a whole number from 1 to 10000")
        accounts = (self.state.world.account("instagram", index) for index in range(int(count)))
        return _json(
            [
                {
                    "platform": a.platform,
                    "platformAccountId": a.platform_account_id,
                    "handle": a.handle,
                    "token": a.token,
                }
                for a in accounts
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
    return Response(orjson.dumps(value), media_type="application/json")


def _refuse(detail: str) -> Response:
    return Response(orjson.dumps({"detail": detail}), 400, media_type="application/json")
