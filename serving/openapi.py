"""OpenAPI 3.1, made of the route table and the models that validate."""

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from serving.answers import encode
from serving.problems import SLUGS, ProblemDetails
from serving.routes import OPERATIONS, Operation

_REF = "#/components/schemas/{model}"


@cache
def document() -> dict[str, Any]:
    """Return the description of the API."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {}
    _add(schemas, ProblemDetails.model_json_schema(by_alias=True, ref_template=_REF), "ProblemDetails")
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation, schemas)
    bearer = {"type": "http", "scheme": "bearer", "description": "An API key, `tm_live_…`."}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tidemark", "version": _version()},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"apiKey": bearer}},
        "security": [{"apiKey": []}],
    }


def _version() -> str:
    try:
        return version("tidemark")
    except PackageNotFoundError:
        return "0"


def _add(schemas: dict[str, Any], schema: dict[str, Any], name: str) -> None:
    schemas.update(schema.pop("$defs", {}))
    schemas[name] = schema


def _describe(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    answer: dict[str, Any] = {"description": "Done.", "content": {operation.media_type: {}}}
    described: dict[str, Any] = {
        "operationId": operation.endpoint.__name__,
        "summary": (operation.endpoint.__doc__ or "").strip(),
        "description": f"Needs the scope `{operation.scope}`.",
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation)],
        "responses": {
            str(operation.status): answer,
            **{str(s): {"description": slug, "content": problem} for s, slug in SLUGS.items() if s != 500},
        },
    }
    if operation.body is not None:
        name = operation.body.__name__
        _add(schemas, operation.body.model_json_schema(by_alias=True, ref_template=_REF), name)
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    schema = operation.query.model_json_schema(by_alias=True)
    required = schema.get("required", [])
    return (
        [
            {"name": name, "in": "query", "required": name in required, "schema": shape}
            for name, shape in schema["properties"].items()
        ]
        if "properties" in schema
        else []
    )


async def openapi(_request: Request) -> Response:
    """Answer the description."""
    return Response(encode(document()), media_type="application/json")


async def docs(_request: Request) -> Response:
    """Answer a page to read it at."""
    rows = "".join(
        f"<tr><td>{o.method}</td><td><code>{o.path}</code></td><td>{(o.endpoint.__doc__ or '').strip()}</td>"
        f"<td>{', '.join(p['name'] for p in _query_parameters(o))}</td><td>{o.scope}</td></tr>"
        for o in OPERATIONS
    )
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<title>Tidemark API</title><link rel=stylesheet href=/dashboard/tokens.css>"
        "<link rel=stylesheet href=/dashboard/layout.css><link rel=stylesheet href=/dashboard/parts.css>"
        "<main class=wrap><h1>Tidemark API</h1>"
        "<p>Send <code>Authorization: Bearer tm_live_…</code>. Machine-readable: "
        "<a href=/openapi.json>/openapi.json</a>."
        "</p><div class=scroll><table><thead><tr><th><th>Path<th>What<th>Query<th>Scope</thead>"
        f"<tbody>{rows}</tbody></table></div></main></html>"
    )
