"""The dashboard's static files, each read once, with an ETag and a compressed form.

The chart library has its version in its URL, so browsers may cache it forever; `static/vendor` holds it with its
licence and its SHA-256. The pages' own files are revalidated at each visit.

The page has a content security policy of its own: `default-src 'self'` for its modules, styles, reads and stream;
`img-src data:` for the icon. It needs no inline script, no inline style and no `eval`; `tests/serving/dashboard` fails
on any violation.

Only pictures come from other hosts: the thumbnails of posts, from the picture servers that the platforms' answers name
(docs/platform-facts.md#content-of-posts). The policy names these servers, and no scheme alone, so that a caption or a
URL that a platform passes on cannot make the browser send a request anywhere else. Under `tidemark up` the thumbnails
are the simulator's, whose origin is the base URL of a platform with plain HTTP. Without stored content there are none.
"""

import gzip
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from metrics.clock import offset
from metrics.platforms.registry import FACTS
from metrics.settings import PLATFORM_APIS, Settings
from serving.dashboard.bundle import bundle
from serving.dashboard.platforms import platform_styles, platforms_module
from serving.services import services
from serving.wire.headers import accepts_gzip, has_etag, header_lines
from serving.wire.problems import not_found

_TYPES = {"css": "text/css", "js": "text/javascript", "html": "text/html"}
_STYLES = ("tokens.css", "layout.css", "parts.css")
_REVALIDATED = "no-cache"
_POLICY = (
    "default-src 'self'; img-src {}; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_FOREVER = "public, max-age=31536000, immutable"


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
    vendored = (one for one in (folder / "vendor").iterdir() if one.name.rpartition(".")[2] in _TYPES)
    # One stylesheet instead of three, because the first paint waits for it.
    bodies["dashboard.css"] = b"\n".join([*(bodies.pop(name) for name in _STYLES), platform_styles().encode()])
    names = [name for name in bodies if name.endswith(".js") and name != "theme.js"]
    modules = {name: bodies.pop(name).decode() for name in names} | {"platforms-list.js": platforms_module()}
    bodies["dashboard.js"] = bundle(modules, "main.js").encode()
    index = bodies["index.html"]
    index = index.replace(b"{{ahead}}", b"%d" % (offset() // timedelta(milliseconds=1)))
    own = {name: _file(name, body, _REVALIDATED) for name, body in (bodies | {"index.html": index}).items()}
    return own | {one.name: _file(one.name, one.read_bytes(), _FOREVER) for one in vendored}


def _answer(request: Request, file: File) -> Response:
    gzipped = accepts_gzip(header_lines(request, "accept-encoding"))
    etag = f'"{file.etag}-gz"' if gzipped else f'"{file.etag}"'
    headers = {"ETag": etag, "Cache-Control": file.cache_control, "Vary": "Accept-Encoding"}
    if has_etag(header_lines(request, "if-none-match"), etag.encode()):
        return Response(status_code=304, headers=headers)
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    return Response(file.gzipped if gzipped else file.body, headers=headers, media_type=file.media_type)


def _picture_sources(settings: Settings) -> list[str]:
    """Return the sources of pictures that the page may load."""
    own = ["'self'", "data:"]
    if not settings.store_post_content:
        return own
    bases = [urlsplit(settings.platform_url(api)) for api in PLATFORM_APIS]
    simulated = {f"{base.scheme}://{base.netloc}" for base in bases if base.scheme == "http"}
    servers = {server for facts in FACTS.values() for server in facts.content.picture_servers}
    return [*own, *sorted(servers), *sorted(simulated)]


async def index(request: Request) -> Response:
    """Answer the dashboard's page."""
    response = _answer(request, _static()["index.html"])
    sources = _picture_sources(services(request).settings)
    response.headers["Content-Security-Policy"] = _POLICY.format(" ".join(sources))
    return response


async def asset(request: Request) -> Response:
    """Answer a stylesheet, a module, or a file of the chart library."""
    name = request.path_params["name"]
    if name not in _static() or name == "index.html":
        raise not_found()
    return _answer(request, _static()[name])


ROUTES = (Route("/", index), Route("/dashboard/{name}", asset))
