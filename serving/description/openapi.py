"""The OpenAPI 3.1 document, generated from the routes, the models of queries and bodies, and the models of answers."""

import re
from functools import cache
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from metrics.campaigns.changes import NAME_PATTERN as CAMPAIGN_NAME
from metrics.definitions.changes import NAME_PATTERN
from metrics.documents import PLATFORMS
from metrics.encoding import dump_json
from metrics.periods import PERIODS
from serving.description.examples import EXAMPLES
from serving.description.headers import HEADERS, of_answer, of_problem, of_request
from serving.description.properties import PARAMETERS, describe_properties
from serving.endpoints.routes import OPERATIONS, Operation
from serving.schemas.events import EVENTS
from serving.wire.problems import MEANINGS, SLUGS, ProblemDetails

Json = dict[str, Any]

_REF = "#/components/schemas/{model}"
_CHOICES = {"period": list(PERIODS), "platform": list(PLATFORMS)}
"""The values of the path parameters that are not ids."""
_PATHS = {
    "period": "A period.",
    "platform": "A platform.",
    "name": "The name.",
    "handleOrId": "The handle of the account, with or without `@`, or the platform's id of it where it finds accounts "
    "by their ids. A name that begins with `@` is a handle.",
}
_ID = r"^[A-Za-z0-9_.:-]{1,128}$"
_TAGS = {
    "Reads": "Metrics and rollups, page by page, each with its coverage and an ETag.",
    "Writes": "Requests for work: stored durably before they are answered, and carried out by the pipeline.",
    "Definitions": "Metrics of a workspace's own: formulas over the metrics of the catalog, with all their versions.",
    "Alerts": "Thresholds on any metric, compared once per day, week or month when it has closed; and anomalies by "
    "severity.",
    "Anomalies": "What a person says of anomalies, and how many alarms a workspace wants.",
    "Campaigns": "Ranges of days of a workspace, with the accounts or posts that belong to them.",
    "Watching": "Accounts of others whose public numbers a workspace follows.",
    "Streams": "Events as they happen; events missed during a disconnection are replayed.",
}
_ABOUT = """Hourly social media metrics: observations, rollups and events of the workspaces that a key may see.

Send `Authorization: Bearer tm_live_…`, or a JSON web token where the operator has configured a key set. Dates are
UTC days, both inclusive; instants are RFC 3339 in UTC. An unknown value is absent and never 0; `unavailable` has the
reason."""


@cache
def document() -> Json:
    """Return the description of the API."""
    schemas: Json = {}
    paths: dict[str, Json] = {}
    problem = _add(schemas, ProblemDetails)
    answered = {status for operation in OPERATIONS for status in statuses(operation)}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tidemark",
            "version": _version(),
            "description": _ABOUT,
            "contact": {"name": "The operator of this server"},
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {SLUGS[status]: _problem(status, problem) for status in sorted(answered)},
            "headers": HEADERS,
            "securitySchemes": _SECURITY,
        },
        "security": [{"bearer": []}],
    }


_SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, `tm_live_…`, or a JSON web token (EdDSA or RS256) with the claims `workspaces` "
        "and `scope`.",
    },
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "A ticket from `POST /analytics/stream/tickets`; it has to be used within 60 s.",
    },
}


def _version() -> str:
    try:
        return version("tidemark")
    except PackageNotFoundError:
        return "0"


def _add(schemas: Json, model: type[BaseModel]) -> Json:
    """Add a model and the models that it refers to to the schemas, and return a reference to it."""
    schema = model.model_json_schema(by_alias=True, ref_template=_REF, mode="serialization")
    parts = {**schema.pop("$defs", {}), model.__name__: schema}
    for name, part in parts.items():
        schemas[name] = _tidy(part)
        describe_properties(name, schemas[name])
    return {"$ref": _REF.format(model=model.__name__)}


def _tidy(schema: Any) -> Any:
    """Remove the titles, which only repeat the names of fields; examples may have a title of their own."""
    if isinstance(schema, dict):
        kept = {name: part for name, part in schema.items() if name != "title" or not isinstance(part, str)}
        return {name: part if name == "examples" else _tidy(part) for name, part in kept.items()}
    return [_tidy(part) for part in schema] if isinstance(schema, list) else schema


def _describe(operation: Operation, schemas: Json) -> Json:
    described: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": (operation.endpoint.__doc__ or "").strip().splitlines()[0],
        "description": _access(operation),
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation), *of_request(operation)],
        "responses": {**_answers(operation, schemas), **_problems(operation)},
    }
    if "ticket" in operation.query.model_fields:
        described["security"] = [{"bearer": []}, {"ticket": []}]
    if operation.body is not None:
        content = {"application/json": {"schema": _add(schemas, operation.body)}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _access(operation: Operation) -> str:
    return "Needs any valid key." if operation.scope is None else f"Needs a key with the scope `{operation.scope}`."


def _answers(operation: Operation, schemas: Json) -> Json:
    if operation.answer is not None:
        schema = _add(schemas, operation.answer)
        description = (operation.answer.__doc__ or "").strip()
    else:
        schema, description = {"type": "string"}, "A file of rows, sent while they are read."
    if operation.path == "/analytics/stream":
        names = ", ".join(f"`{name}` ({model.__name__})" for name, model in EVENTS.items())
        description = f"Server-sent events, each with JSON as its data: {names}."
    content: Json = {media_type.partition(";")[0]: {"schema": schema} for media_type in operation.media_types}
    # An export has several media types; the example is of the first one.
    next(iter(content.values()))["example"] = EXAMPLES[operation.name]
    answer = {"description": description, "headers": of_answer(operation), "content": content}
    answers: Json = {str(status): answer for status in (*operation.also, operation.status)}
    if operation.cached:
        answers["304"] = {"description": "The client has this answer already.", "headers": of_answer(operation)}
    return answers


def statuses(operation: Operation) -> list[int]:
    """Return the statuses of the errors that an operation may answer."""
    found = {400, 401, 414, 429, 431, 500, 503}
    if operation.scope is not None:
        found.add(403)
    names_workspaces = {"workspace_id", "workspace_ids"} & operation.query.model_fields.keys()
    if "{" in operation.path or names_workspaces:
        found.add(404)
    if operation.method in ("POST", "PUT"):
        found.add(413)
    if operation.body is not None:
        found.add(415)
    if operation.may_be_impossible:
        found.add(422)
    return sorted(found)


def _problems(operation: Operation) -> Json:
    return {str(status): {"$ref": f"#/components/responses/{SLUGS[status]}"} for status in statuses(operation)}


def _problem(status: int, schema: Json) -> Json:
    """Return the response of one kind of error, the same for every operation."""
    example = {
        "type": f"/problems/{SLUGS[status]}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": MEANINGS[status],
        "instance": "/analytics/workspace/demo-north/metrics",
        "errors": [],
        "requestId": "5d0f3c8e4b7a4f0e9c1d2a3b4c5d6e7f",
    }
    content = {"application/problem+json": {"schema": schema, "example": example}}
    return {"description": MEANINGS[status], "headers": of_problem(status), "content": content}


def _path_parameters(path: str) -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PATHS.get(name, "An id, as other answers contain it."),
            "schema": {"type": "string", "enum": _CHOICES[name]} if name in _CHOICES else _identifier(name, path),
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _identifier(name: str, path: str) -> Json:
    if name == "name" and "/definitions/" not in path:
        return {"type": "string", "pattern": CAMPAIGN_NAME, "examples": ["spring"]}
    if name == "handleOrId":
        return {"type": "string", "minLength": 1, "examples": ["@rival.coffee"]}
    if name == "name":
        return {"type": "string", "pattern": NAME_PATTERN, "examples": ["save_rate"]}
    examples = {
        "workspaceId": "demo-north",
        "accountId": "acc_7kq2",
        "postId": "post_a41x",
        "operationId": "op_5d0f",
        "anomalyId": "an_5d0f",
    }
    return {"type": "string", "pattern": _ID, "examples": [examples[name]]}


def _query_parameters(operation: Operation) -> list[Json]:
    schema = operation.query.model_json_schema(by_alias=True)
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": shape.get("description") or PARAMETERS[name],
            "schema": _of_query(shape),
        }
        for name, shape in schema.get("properties", {}).items()
        if name != "ticket"
    ]


def _of_query(shape: Json) -> Json:
    """Return a parameter's schema without null, which a query cannot express: an optional parameter is left out."""
    kept = {name: value for name, value in shape.items() if name not in ("title", "description")}
    if kept.get("default", "") in (None, []):
        del kept["default"]
    choices = [choice for choice in kept.pop("anyOf", []) if choice.get("type") != "null"]
    for choice in choices:
        kept = {**choice, **kept}
    return kept


async def openapi(_request: Request) -> Response:
    """Answer the OpenAPI document."""
    return Response(dump_json(document()), headers={"Cache-Control": "no-cache"}, media_type="application/json")
