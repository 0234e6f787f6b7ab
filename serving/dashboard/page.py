"""The dashboard's static files, each read once, with an ETag and a compressed form.

plotly's script has its version in its URL, so browsers may cache it forever.

The page needs this content security policy: `default-src 'self'` for its own modules, styles, reads and stream;
`style-src 'self' 'unsafe-inline'` because plotly writes inline styles into the elements that it draws; `img-src 'self'
data:` for the icon. It needs no inline script, no `eval` and no other host; `tests/serving/dashboard` fails on any
violation.
"""

import asyncio
import gzip
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.metadata import version
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from metrics.clock import offset
from serving.wire.headers import accepts_gzip, has_etag, header_lines
from serving.wire.problems import not_found

_TYPES = {"css": "text/css", "js": "text/javascript", "html": "text/html"}
_REVALIDATED = "no-cache"
_FOREVER = "public, max-age=31536000, immutable"
_PLOTLY = f"plotly-{version('plotly')}.min.js"


@dataclass(frozen=True, slots=True)
class File:
    """A file in the forms in which it is sent."""

    body: bytes
    gzipped: bytes
    etag: str
    media_type: str
    cache_control: str


def _file(name: str, body: bytes, cache_control: str) -> File:
    tag = hashlib.sha256(body).hexdigest()[:24]
    return File(body, gzip.compress(body, 6, mtime=0), tag, _TYPES[name.rpartition(".")[2]], cache_control)


@cache
def _static() -> dict[str, File]:
    folder = files("serving.dashboard") / "static"
    bodies = {one.name: one.read_bytes() for one in folder.iterdir() if one.name.rpartition(".")[2] in _TYPES}
    # With these links, the browser fetches all modules at once instead of one import after the other.
    modules = sorted(name for name in bodies if name.endswith(".js"))
    links = "\n".join(f'<link rel="modulepreload" href="/dashboard/{name}">' for name in modules if name != "theme.js")
    index = bodies["index.html"].replace(b"{{modules}}", links.encode()).replace(b"{{plotly}}", _PLOTLY.encode())
    index = index.replace(b"{{ahead}}", b"%d" % (offset() // timedelta(milliseconds=1)))
    return {name: _file(name, body, _REVALIDATED) for name, body in (bodies | {"index.html": index}).items()}


@cache
def _plotly() -> File:
    return _file("plotly.js", (files("plotly") / "package_data" / "plotly.min.js").read_bytes(), _FOREVER)


def _answer(request: Request, file: File) -> Response:
    gzipped = accepts_gzip(header_lines(request, "accept-encoding"))
    etag = f'"{file.etag}-gz"' if gzipped else f'"{file.etag}"'
    headers = {"ETag": etag, "Cache-Control": file.cache_control, "Vary": "Accept-Encoding"}
    if has_etag(header_lines(request, "if-none-match"), etag.encode()):
        return Response(status_code=304, headers=headers)
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    return Response(file.gzipped if gzipped else file.body, headers=headers, media_type=file.media_type)


async def index(request: Request) -> Response:
    """Answer the dashboard's page."""
    return _answer(request, _static()["index.html"])


async def asset(request: Request) -> Response:
    """Answer a stylesheet, a module, or the script that the plotly package contains."""
    name = request.path_params["name"]
    if name == _PLOTLY:
        return _answer(request, await asyncio.to_thread(_plotly))
    if name not in _static() or name == "index.html":
        raise not_found()
    return _answer(request, _static()[name])


ROUTES = (Route("/", index), Route("/dashboard/{name}", asset))
