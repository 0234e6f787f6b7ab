"""Error responses as RFC 9457 `application/problem+json`. A body holds no stack trace, query, host or secret."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from metrics.errors import InvalidInput, NotFound, Unavailable
from serving.wire import slow_refusals

log = logging.getLogger(__name__)

SLUGS: Mapping[int, str] = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "content-too-large",
    414: "uri-too-long",
    415: "unsupported-media-type",
    422: "unprocessable",
    429: "too-many-requests",
    431: "request-header-fields-too-large",
    500: "internal-error",
    503: "unavailable",
}
MEANINGS: Mapping[int, str] = {
    400: "A parameter or the body is invalid; `errors` names the parameter.",
    401: "The request has no valid API key, token or ticket.",
    403: "The key lacks the scope.",
    404: "There is no such path; or nothing has this id, or the key may not see it: these two are answered alike.",
    405: "The path does not support this method; `Allow` lists the methods that it supports.",
    413: "The body is too large.",
    414: "The path with its query is too long.",
    415: "The body must be JSON.",
    422: "The request is well-formed, but what it asks for is impossible.",
    429: "The key has used up its rate, or has too many open streams, or the workspace has too many queued operations; "
    "`Retry-After` says when to try again.",
    431: "There are too many headers, or they are too long.",
    500: "The server failed; its log has the reason under the request's id.",
    503: "A store is unavailable; no data was lost, try again.",
}
RETRY_AFTER = "2"


class FieldProblem(BaseModel):
    """The error of one parameter."""

    parameter: str
    message: str


class ProblemDetails(BaseModel):
    """The body of every error."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldProblem] = []
    request_id: str


class Problem(Exception):
    """An error response, raised where the error is found and rendered by a handler."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})


def unauthorized(detail: str, error: str | None = "invalid_token") -> Problem:
    """Return the answer to a request without a valid key.

    `error` is the error code of RFC 6750; None if the request carried no credentials at all.
    """
    challenge = 'Bearer realm="tidemark"' + (f', error="{error}"' if error else "")
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})


def not_found() -> Problem:
    """Return the answer to an unknown id, which is also the answer to another tenant's id."""
    return Problem(404, "Nothing with this id is visible to this key.")


def invalid(error: ValidationError) -> Problem:
    """Return the answer to values that a model refused, with one error per parameter."""
    errors = [(".".join(map(str, e["loc"])) or "body", _message(e)) for e in error.errors(include_url=False)]
    return Problem(400, "; ".join(f"{name}: {message}" for name, message in errors), errors=errors)


_WRONG_VALUES: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "unknown parameter",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match {pattern}",
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "literal_error": "must be one of {expected}",
    "json_invalid": "must be JSON: {error}",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "datetime_parsing": "must be an instant that exists",
    "datetime_from_date_parsing": "must be an instant that exists",
    "datetime_object_invalid": "must be an instant that exists",
    "timezone_aware": "must have an offset from UTC",
}
"""Our own words for the errors of models, by pydantic's type of error."""


def _message(error: Any) -> str:
    message = _WRONG_VALUES.get(error["type"])
    if message is None:
        return str(error["msg"]).removeprefix("Value error, ")
    values = dict(error.get("ctx", {}))
    if "expected" in values:
        values["expected"] = values["expected"].replace("'", "").replace(" or ", ", ")
    return message.format(**values)


def render(request: Request, problem: Problem) -> Response:
    """Return a problem as a response."""
    body = ProblemDetails(
        type=f"/problems/{SLUGS.get(problem.status, 'error')}",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=problem.detail,
        instance=quote(request.scope["path"]),
        errors=[FieldProblem(parameter=p, message=m) for p, m in problem.errors],
        request_id=request.scope.get("request_id", ""),
    )
    headers = {"Cache-Control": "no-store", **problem.headers}
    content = orjson.dumps(body.model_dump(by_alias=True))
    return Response(content, problem.status, headers, media_type="application/problem+json")


async def on_problem(request: Request, error: Exception) -> Response:
    """Answer a problem that a route raised; a client that sent too much waits a moment for its answer."""
    assert isinstance(error, Problem)  # noqa: S101 - registered for this class
    if error.status == HTTPStatus.TOO_MANY_REQUESTS:
        await slow_refusals.wait()
    return render(request, error)


async def on_invalid_input(request: Request, error: Exception) -> Response:
    """Answer input that a check outside the models refused."""
    parameter = getattr(error, "parameter", None)
    errors = [(parameter, str(error).removeprefix(f"{parameter}: "))] if parameter else ()
    return render(request, Problem(400, str(error), errors=errors))


async def on_validation(request: Request, error: Exception) -> Response:
    """Answer input that a model refused."""
    assert isinstance(error, ValidationError)  # noqa: S101 - registered for this class
    return render(request, invalid(error))


async def on_not_found(request: Request, _error: Exception) -> Response:
    """Answer an unknown id."""
    return render(request, not_found())


async def on_unavailable(request: Request, error: Exception) -> Response:
    """Answer a request that needs an unavailable store."""
    log.warning("%s %s: %s", request.method, request.url.path, error)
    return render(request, Problem(503, str(error), headers={"Retry-After": RETRY_AFTER}))


async def on_http(request: Request, error: Exception) -> Response:
    """Answer a request that Starlette's router refused because of its path or its method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    if error.status_code == 404:
        return render(request, Problem(404, "There is no such path; /docs lists all paths."))
    headers = dict(error.headers or {})
    if error.status_code == 405:
        allowed = sorted({*headers.get("Allow", "").split(", "), "OPTIONS"} - {""})
        headers["Allow"] = ", ".join(allowed)
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        detail = f"This path supports {headers['Allow']}."
        return render(request, Problem(405, detail, headers=headers))
    return render(request, Problem(error.status_code, error.detail, headers=headers))


async def on_error(request: Request, error: Exception) -> Response:
    """Answer a bug: the trace goes into the log, and the body holds only the request's id."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return render(request, Problem(500, "The server failed; its log has the reason."))


HANDLERS: dict[Any, Any] = {
    Problem: on_problem,
    InvalidInput: on_invalid_input,
    ValidationError: on_validation,
    NotFound: on_not_found,
    Unavailable: on_unavailable,
    HTTPException: on_http,
    Exception: on_error,
}
