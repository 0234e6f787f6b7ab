"""The application: routes, middleware and errors around the services of one process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from metrics.settings import Settings
from metrics.settings import settings as process_settings
from serving import health, openapi
from serving.dashboard import page
from serving.middleware import BodyLimit, Frontier
from serving.problems import HANDLERS
from serving.routes import OPERATIONS
from serving.services import open_services


def create_app(settings: Settings | None = None) -> Starlette:
    """Return the application; its clients open when it starts."""
    chosen = settings or process_settings()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_services(chosen) as opened:
            app.state.services = opened
            yield

    routes = [Route(o.path, o.endpoint, methods=[o.method]) for o in OPERATIONS]
    routes += [
        Route("/healthz", health.healthz),
        Route("/readyz", health.readyz),
        Route("/openapi.json", openapi.openapi),
        Route("/docs", openapi.docs),
        *page.ROUTES,
    ]
    middleware = [Middleware(Frontier), Middleware(BodyLimit)]
    return Starlette(routes=routes, middleware=middleware, exception_handlers=HANDLERS, lifespan=lifespan)
