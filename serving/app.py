"""The Starlette application: routes, middleware and error handlers around the services of one process."""

import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from metrics.settings import Settings
from metrics.settings import settings as process_settings
from serving.cache.answered_requests import HotReads
from serving.dashboard import page
from serving.description import docs, openapi
from serving.endpoints import health
from serving.endpoints.connect import logins
from serving.endpoints.routes import OPERATIONS, Endpoint, Operation
from serving.endpoints.socketio.sockets import Sockets
from serving.process.stopping import before_stop
from serving.services import open_services
from serving.wire.keyless import KeylessReads
from serving.wire.middleware import BodyLimit, Bounds, Frontier, HeadersOnly
from serving.wire.problems import HANDLERS
from serving.wire.protocol import CONNECTIONS

_PROXIES = "FORWARDED_ALLOW_IPS"
"""uvicorn's variable: the addresses of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")


class Application(Starlette):
    """Starlette's application. In front of all that it does for a request stand the hot reads."""

    def __init__(self, *, behind_tls: bool, **options: Any) -> None:
        super().__init__(**options)
        self._behind_tls = behind_tls

    def build_middleware_stack(self) -> ASGIApp:
        """Return what answers requests; Starlette asks for it once."""
        stack: Any = super().build_middleware_stack()
        proxied: Any = ProxyHeadersMiddleware(stack, os.environ.get(_PROXIES, "127.0.0.1"))
        return HotReads(proxied, self.state, behind_tls=self._behind_tls)


def create_app(settings: Settings | None = None) -> Starlette:
    """Return the application; it connects to its stores when it starts."""
    chosen = settings or process_settings()
    sockets = Sockets(chosen.cors_origins)
    CONNECTIONS.per_address, CONNECTIONS.in_all = chosen.connections_per_address, chosen.connections_max

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_services(chosen) as opened:
            app.state.services = opened
            with before_stop(opened.hub.stop_streams):
                yield
            await sockets.close()

    routes: list[BaseRoute] = [
        *api_routes(OPERATIONS),
        Route("/healthz", health.healthz),
        Route("/readyz", health.readyz),
        Route("/openapi.json", openapi.openapi),
        Route("/docs", docs.docs),
        Route("/problems/{slug}", docs.problem),
        *logins.ROUTES,
        Mount("/socket.io", sockets.app),
        *page.ROUTES,
    ]
    middleware = [
        Middleware(KeylessReads),
        Middleware(Frontier, behind_tls=chosen.behind_tls),
        *([_cors(chosen.cors_origins)] if chosen.cors_origins else []),
        Middleware(Bounds),
        Middleware(HeadersOnly),
        Middleware(BodyLimit),
    ]
    app = Application(
        behind_tls=chosen.behind_tls,
        routes=routes,
        middleware=middleware,
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    # A path with an extra slash is a 404: Starlette's redirect would go to whatever host the request names.
    app.router.redirect_slashes = False
    return app


def api_routes(operations: Iterable[Operation]) -> list[Route]:
    """Return one route for each path, so that a 405 names all methods of the path.

    A path without parameters that is also matched by one with parameters has to come first in `operations`.
    """
    by_path: dict[str, dict[str, Endpoint]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation.endpoint
    return [Route(path, _dispatched(methods), methods=_METHODS) for path, methods in by_path.items()]


def _dispatched(endpoints: Mapping[str, Endpoint]) -> Endpoint:
    by_method = {**endpoints, **({"HEAD": endpoints["GET"]} if "GET" in endpoints else {})}
    allowed = {"Allow": ", ".join(by_method)}

    async def dispatch(request: Request) -> Response:
        endpoint = by_method.get(request.method)
        if endpoint is None:
            raise HTTPException(405, headers=allowed)
        return await endpoint(request)

    return dispatch


def _cors(origins: Sequence[str]) -> Middleware:
    """Return the middleware that lets pages of these origins call the API. The API uses no cookies and allows none."""
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=("DELETE", "GET", "HEAD", "POST", "PUT"),
        allow_headers=("Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID",
                       "X-Request-ID"),
        expose_headers=("Content-Disposition", "ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After",
                        "Stream-Cursor", "WWW-Authenticate", "X-Cache", "X-Request-ID"),
        max_age=600,
    )  # fmt: skip
