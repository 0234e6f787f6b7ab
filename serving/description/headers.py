"""The headers of requests and responses, as the OpenAPI document describes them."""

from typing import Any

from serving.endpoints.export import export
from serving.endpoints.routes import Operation

Json = dict[str, Any]


def _header(description: str, schema: Json | None = None) -> Json:
    return {"description": description, "schema": schema or {"type": "string"}}


HEADERS: Json = {
    "X-Request-Id": _header(
        "The id of the request, as in logs and errors: the client's own if it is well-formed, or else a new one."
    ),
    "RateLimit-Policy": _header('The rate of the key: `"key";q=<requests>;w=<seconds>`.'),
    "RateLimit": _header('What is left of the rate: `"key";r=<requests left>;t=<seconds until the next window>`.'),
    "ETag": _header("A strong ETag: the same value means the same bytes."),
    "Cache-Control": _header("For reads `private, no-cache`: store the answer, and revalidate it before each use."),
    "Vary": _header("The request headers that the answer depends on."),
    "X-Cache": _header("Whether the answer came from the cache.", {"type": "string", "enum": ["hit", "miss"]}),
    "Stream-Cursor": _header(
        "The id of the newest event that the answer includes: send it as `lastEventId` to stream the later events."
    ),
    "Content-Disposition": _header("The name of the file."),
    "Location": _header("The path of the operation."),
    "WWW-Authenticate": _header("How to authenticate (RFC 6750)."),
    "Retry-After": _header("Seconds to wait before the next attempt.", {"type": "integer", "minimum": 1}),
}


def _refs(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def of_answer(operation: Operation) -> Json:
    """Return the headers of an operation's successful responses."""
    names = ["X-Request-Id", "RateLimit-Policy", "RateLimit", "Cache-Control"]
    if operation.cached:
        names += ["ETag", "Vary", "X-Cache"]
        if "{" in operation.path:
            names.append("Stream-Cursor")
    if operation.endpoint is export:
        names.append("Content-Disposition")
    if operation.has_location:
        names.append("Location")
    return _refs(*names)


def of_problem(status: int) -> Json:
    """Return the headers of an error response."""
    special = {
        401: ("WWW-Authenticate",),
        403: ("WWW-Authenticate",),
        429: ("Retry-After", "RateLimit-Policy", "RateLimit"),
        503: ("Retry-After",),
    }
    return _refs("X-Request-Id", *special.get(status, ()))


def of_request(operation: Operation) -> list[Json]:
    """Return the headers that a request may carry."""
    found: list[tuple[str, str, Json]] = []
    if operation.cached:
        found.append(("If-None-Match", "The ETags of answers that the client has stored.", {"type": "string"}))
    if operation.has_location:
        key = {"type": "string", "pattern": "^[!-~]{1,200}$", "examples": ["3f0c-retry-me"]}
        text = "Makes a retry safe: the same key within 24 hours returns the operation of the first request."
        found.append(("Idempotency-Key", text, key))
    if operation.path == "/analytics/stream":
        text = "The id of the last event that the client received: later events are replayed."
        found.append(("Last-Event-ID", text, {"type": "string"}))
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": schema}
        for name, text, schema in found
    ]
