"""The dashboard's files: read once, the script that draws at a hashed path that is cached for long."""

import hashlib
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_LONG = "public, max-age=31536000, immutable"
_TYPES = {"css": "text/css", "js": "text/javascript", "html": "text/html"}


@cache
def _own(name: str) -> bytes:
    return (files("serving.dashboard") / name).read_bytes()


@cache
def _plotly() -> tuple[str, bytes]:
    script = (files("plotly") / "package_data" / "plotly.min.js").read_bytes()
    return hashlib.sha256(script).hexdigest()[:16], script


async def index(_request: Request) -> Response:
    """Answer the page."""
    body = _own("index.html").replace(b"{{plotly}}", _plotly()[0].encode())
    return Response(body, headers={"Cache-Control": "no-cache"}, media_type="text/html")


async def asset(request: Request) -> Response:
    """Answer the page's style or script."""
    name = request.url.path.rpartition("/")[2]
    return Response(_own(name), headers={"Cache-Control": "no-cache"}, media_type=_TYPES[name.rpartition(".")[2]])


async def plotly(request: Request) -> Response:
    """Answer the drawing library that the plotly package carries."""
    digest, script = _plotly()
    known = request.path_params["digest"] == digest
    headers = {"Cache-Control": _LONG if known else "no-cache"}
    return Response(script, headers=headers, media_type="text/javascript")


ROUTES = (
    Route("/", index),
    Route("/dashboard/style.css", asset),
    Route("/dashboard/app.js", asset),
    Route("/dashboard/plotly-{digest}.js", plotly),
)
