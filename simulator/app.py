"""The ASGI app: one port for all platforms, control beside them."""

import asyncio

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator import transport
from simulator.clock import Clock
from simulator.control import Control
from simulator.faults import Faults, Kind
from simulator.patches import patched
from simulator.registry import new_world, open_apis
from simulator.state import Api, State, target
from simulator.state import Request as ApiRequest
from simulator.world import World

_DELAYS: tuple[Kind, ...] = ("timeout", "slow")


def create_app(world: World | None = None, clock: Clock | None = None, *, latency_ms: float = 0.0) -> Starlette:
    """Return the simulator; every answer of a platform takes `latency_ms`, its own work included."""
    world = world or new_world()
    state = State(world, clock or Clock(), Faults(world.seed))
    control = Control(state, latency_ms)
    apis = open_apis(state)

    async def answer(request: Request) -> Response:
        return await _answer(apis, control, request)

    app = Starlette(routes=[*control.routes(), Route("/{path:path}", answer, methods=["GET", "POST"])])
    app.state.simulator = state
    return app


async def _answer(apis: tuple[Api, ...], control: Control, request: Request) -> Response:
    """Answer when the latency is over: work of the simulator's own is within it, not on top."""
    loop = asyncio.get_running_loop()
    arrived = loop.time()
    if not control.latency_ms:
        return await _worked_out(apis, control.state, request)
    # Worked on half-way: requests that come together are all timed before the first of them keeps the others waiting.
    await asyncio.sleep(control.latency_ms / 2000)
    answer = await _worked_out(apis, control.state, request)
    await asyncio.sleep(max(arrived + control.latency_ms / 1000 - loop.time(), 0))
    return answer


async def _worked_out(apis: tuple[Api, ...], state: State, request: Request) -> Response:
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
    if not state.faults.active:
        return transport.whole(api.handle(asked))
    return await _troubled(api, state, asked)


async def _troubled(api: Api, state: State, asked: ApiRequest) -> Response:
    """Answer under the faults that are in force."""
    aim = target(state, api, asked)
    for kind in _DELAYS:
        if fault := aim.strike(kind):
            await asyncio.sleep(fault.seconds)
    if other := transport.instead(aim):
        return other
    answer = api.handle(asked)
    if not answer.patched:
        for fault in aim.strikes("patch"):
            answer.body = patched(answer.body, fault)
    return transport.sent(answer, aim)
