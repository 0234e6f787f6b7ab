"""The headers that requests may carry and answers do, as OpenAPI describes them."""

from typing import Any

from serving.endpoints.routes import Operation

Json = dict[str, Any]


def _header(description: str, schema: Json | None = None) -> Json:
    return {"description": description, "schema": schema or {"type": "string"}}


HEADERS: Json = {
    "X-Request-Id": _header("The id of the request, in logs and errors; a sane one that was sent is kept."),
    "RateLimit-Policy": _header('What the key has, `"key";q=<requests>;w=<seconds>`.'),
    "RateLimit": _header('Where the key stands, `"key";r=<requests left>;t=<seconds until it begins anew>`.'),
    "ETag": _header("Strong: of these bytes and no others."),
    "Cache-Control": _header("`private, no-cache`: keep it, and ask whether it still holds."),
    "Vary": _header("What the answer depends on beside the URL."),
    "X-Cache": _header("Whether the answer was kept.", {"type": "string", "enum": ["hit", "miss"]}),
    "Stream-Cursor": _header("The newest event this answer knows of: give it as `lastEventId` to follow from here."),
    "Location": _header("Where to ask what became of it."),
    "WWW-Authenticate": _header("How to authenticate, RFC 6750."),
    "Retry-After": _header("Seconds to wait.", {"type": "integer", "minimum": 1}),
}


def _refs(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def of_answer(operation: Operation) -> Json:
    """Return the headers of an operation's answer."""
    names = ["X-Request-Id", "RateLimit-Policy", "RateLimit", "Cache-Control"]
    if operation.kept:
        names += ["ETag", "Vary", "X-Cache"]
        if "{" in operation.path:
            names.append("Stream-Cursor")
    if operation.located:
        names.append("Location")
    return _refs(*names)


def of_problem(status: int) -> Json:
    """Return the headers of an error."""
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
    if operation.kept:
        found.append(("If-None-Match", "ETags of answers that the client has.", {"type": "string"}))
    if operation.located:
        key = {"type": "string", "pattern": "^[!-~]{1,200}$", "examples": ["3f0c-retry-me"]}
        found.append(("Idempotency-Key", "The same key within 24 hours gets the same operation.", key))
    if operation.path == "/analytics/stream":
        found.append(
            ("Last-Event-ID", "The id of the last event that was read: the gap is replayed.", {"type": "string"})
        )
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": schema}
        for name, text, schema in found
    ]
