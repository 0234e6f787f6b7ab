"""ASGI application of the simulator: it serves all platforms and the control routes on one port."""

import asyncio
from contextlib import nullcontext

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator import logins, pictures, transport, truth
from simulator.clock import Clock
from simulator.control import Control
from simulator.faults import Faults, Kind
from simulator.patches import spoilt_body
from simulator.registry import DIALOGS, new_world, open_apis
from simulator.state import Api, State, target
from simulator.state import Request as ApiRequest
from simulator.world import World

_DELAYS: tuple[Kind, ...] = ("timeout", "slow")


def create_app(world: World | None = None, clock: Clock | None = None, *, latency_ms: float = 0.0) -> Starlette:
    """Return the simulator; every platform answer takes `latency_ms`, which includes the time to compute it."""
    world = world or new_world()
    state = State(world, clock or Clock(), Faults(world.seed))
    control = Control(state, latency_ms)
    apis = open_apis(state)

    async def answer(request: Request) -> Response:
        return await _answer(apis, control, request)

    app = Starlette(
        routes=[
            *control.routes(),
            *pictures.routes(state.clock),
            *logins.routes(state, DIALOGS),
            Route("/{path:path}", answer, methods=["GET", "POST"]),
        ]
    )
    app.state.simulator = state
    return app


async def _answer(apis: tuple[Api, ...], control: Control, request: Request) -> Response:
    """Answer after the configured latency; the time to compute the answer counts towards it."""
    loop = asyncio.get_running_loop()
    arrived = loop.time()
    if not control.latency_ms:
        return await _compute(apis, control.state, request)
    # Compute in the middle of the delay, so that concurrent requests all start their timers before one blocks the loop.
    await asyncio.sleep(control.latency_ms / 2000)
    answer = await _compute(apis, control.state, request)
    await asyncio.sleep(max(arrived + control.latency_ms / 1000 - loop.time(), 0))
    return answer


async def _compute(apis: tuple[Api, ...], state: State, request: Request) -> Response:
    path = request.scope["raw_path"].decode()
    api = next((api for api in apis if api.serves(path)), None)
    if api is None:
        detail = f"no platform serves {request.url.path}"
        return Response(orjson.dumps({"detail": detail}), 404, media_type="application/json")
    api_request = ApiRequest(
        request.method,
        path,
        request.url.query,
        {name.lower(): value for name, value in request.headers.items()},
        await request.body(),
        str(request.base_url).rstrip("/"),
    )
    if not state.faults.active:
        return transport.unspoilt(api.handle(api_request))
    return await _answer_with_faults(api, state, api_request)


async def _answer_with_faults(api: Api, state: State, api_request: ApiRequest) -> Response:
    """Answer while faults are active."""
    aim = target(state, api, api_request)
    for kind in _DELAYS:
        if fault := aim.strike(kind):
            await asyncio.sleep(fault.seconds)
    if other := transport.replacement(aim):
        return other
    frozen = aim.strike("frozen")
    with truth.as_it_was(state.faults.since) if frozen else nullcontext():
        answer = api.handle(api_request)
    if not answer.patched:
        answer.body = spoilt_body(answer.body, aim, state.world)
    return transport.spoilt(answer, aim)
