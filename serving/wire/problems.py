"""Errors as RFC 9457 `application/problem+json`. A body holds no stack trace, query, host or secret."""

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
    400: "Something in the request cannot be meant; `errors` names the parameter.",
    401: "There is no valid API key, token or ticket.",
    403: "The key lacks the scope.",
    404: "There is nothing under this id for this key: it is unknown, or somebody else's.",
    405: "The path does not answer this method; `Allow` lists those it does.",
    413: "The body is too large.",
    414: "The path with its query is too long.",
    415: "The body has to be JSON.",
    422: "The request is well-formed and impossible: it asks for something that cannot be.",
    429: "The key has used up its rate; `Retry-After` says when it has some again.",
    431: "There are too many headers, or they are too long.",
    500: "Something went wrong in the server; its log has the reason under the request's id.",
    503: "A store is out of reach; nothing was lost, try again.",
}
RETRY_AFTER = "2"


class FieldProblem(BaseModel):
    """What is wrong with one parameter."""

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
    """An answer that is an error."""

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
    """Return the answer to a request without a valid key; `error` as RFC 6750 names it, None where there was none."""
    challenge = 'Bearer realm="tidemark"' + (f', error="{error}"' if error else "")
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})


def not_found() -> Problem:
    """Return the one answer to an unknown id and to another tenant's."""
    return Problem(404, "There is nothing here under this id for this key.")


def invalid(error: ValidationError) -> Problem:
    """Return the answer to values that do not validate, with one line per parameter."""
    errors = [(".".join(map(str, e["loc"])) or "body", _message(e)) for e in error.errors(include_url=False)]
    return Problem(400, "; ".join(f"{name}: {message}" for name, message in errors), errors=errors)


def _message(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown parameter"
    return str(error["msg"]).removeprefix("Value error, ")


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
    """Answer what a route refused."""
    assert isinstance(error, Problem)  # noqa: S101 - registered for this class
    return render(request, error)


async def on_invalid_input(request: Request, error: Exception) -> Response:
    """Answer input that the contract refused."""
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
    """Answer while a store is away."""
    log.warning("%s %s: %s", request.method, request.url.path, error)
    return render(request, Problem(503, str(error), headers={"Retry-After": RETRY_AFTER}))


async def on_http(request: Request, error: Exception) -> Response:
    """Answer what Starlette's router refused: no such path, no such method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    if error.status_code == 404:
        return render(request, not_found())
    headers = dict(error.headers or {})
    if error.status_code == 405:
        allowed = sorted({*headers.get("Allow", "").split(", "), "OPTIONS"} - {""})
        headers["Allow"] = ", ".join(allowed)
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        detail = f"This path answers {headers['Allow']}."
        return render(request, Problem(405, detail, headers=headers))
    return render(request, Problem(error.status_code, error.detail, headers=headers))


async def on_error(request: Request, error: Exception) -> Response:
    """Answer a bug: the log has the trace, the body the request's id."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return render(request, Problem(500, "Something went wrong here; the log of the server has the reason."))


HANDLERS: dict[Any, Any] = {
    Problem: on_problem,
    InvalidInput: on_invalid_input,
    ValidationError: on_validation,
    NotFound: on_not_found,
    Unavailable: on_unavailable,
    HTTPException: on_http,
    Exception: on_error,
}
